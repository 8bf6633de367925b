"""How long a browser may keep an answer: for ever only under the version that the answer is of."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import server
from store.run import Run
from tests.synthetic import make_run
from tests.wider_map import plant_wider_map

SAMPLES, KEYFRAMES = 60, 3  # a map every second epoch: 0, 2, 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=5)


def client_of(root: Path) -> TestClient:
    return TestClient(Starlette(routes=server.routes(root)), base_url="http://localhost")


@pytest.fixture(scope="module")
def client(run: Run) -> TestClient:
    return client_of(run.folder.parent)


@pytest.mark.parametrize("path", ["ids", "positions", "flags", "values/loss"])
def test_only_an_address_with_the_current_version_is_kept_for_ever(client: TestClient, run: Run, path: str):
    address = f"/api/map/{run.id}/{path}?v="
    assert "immutable" in client.get(address + run.data_version()).headers["cache-control"]
    assert client.get(address + "1.2").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["thumbnail/{run}/3.webp?v=", "sprite/{run}.webp?ids=3&v="])
def test_pictures_are_kept_for_ever_under_the_one_version_they_have(client: TestClient, run: Run, path: str):
    address = "/api/" + path.format(run=run.id)
    assert "immutable" in client.get(address + "1").headers["cache-control"]
    assert client.get(address + "2").headers["cache-control"] == "no-store"


def test_an_address_of_an_older_version_is_not_kept_once_a_map_has_come(tmp_path: Path):
    live, client = make_run(tmp_path, samples=SAMPLES, epochs=6), client_of(tmp_path)
    address = f"/api/map/{live.id}/positions?v={live.data_version()}&k={KEYFRAMES}"
    before = client.get(address)

    plant_wider_map(live, epoch=5)
    late = client.get(address)
    assert "immutable" in before.headers["cache-control"]
    assert late.headers["cache-control"] == "no-store"
    assert late.content == before.content  # still in the frame of the maps that the page knows
