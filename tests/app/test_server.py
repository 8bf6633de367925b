"""The addresses of bytes and pictures: what they send, what they refuse, and who may ask."""

import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import server
from app.map import keyframes
from app.serving import guard
from store import queries
from store.run import Run
from tests.synthetic import make_run

SAMPLES, EPOCHS, KEYFRAMES = 60, 5, 3  # a map every second epoch: 0, 2, 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=EPOCHS)


def client_of(root: Path, host: str = "localhost") -> TestClient:
    app = Starlette(
        routes=server.routes(root), middleware=guard.middleware(), exception_handlers=dict(server.FAILURES)
    )
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(run: Run) -> TestClient:
    return client_of(run.folder.parent)


def test_positions_are_the_maps_in_one_square_frame(client: TestClient, run: Run):
    sent = client.get(f"/api/map/{run.id}/positions")

    positions = np.frombuffer(sent.content, "<u2").reshape(KEYFRAMES, SAMPLES, 2) / keyframes.GRID
    drawn = np.stack([run.read_map(epoch)[["x", "y"]].to_numpy() for epoch in (0, 2, 4)])
    side = float((drawn.max((0, 1)) - drawn.min((0, 1))).max()) / (1 - 2 * keyframes.MARGIN)
    moved = (positions[2] - positions[0]) * side
    assert moved == pytest.approx(drawn[2] - drawn[0], abs=2 * side / keyframes.GRID)
    assert (positions.min(), positions.max()) == pytest.approx(
        (keyframes.MARGIN, 1 - keyframes.MARGIN), abs=1e-4
    )


def test_positions_come_as_many_keyframes_as_are_asked_for(client: TestClient, run: Run):
    assert len(client.get(f"/api/map/{run.id}/positions?k=2").content) == 2 * SAMPLES * 2 * 2


def test_ids_are_those_of_the_map(client: TestClient, run: Run):
    sent = np.frombuffer(client.get(f"/api/map/{run.id}/ids").content, "<u4")
    assert sent.tolist() == list(range(SAMPLES))


def test_values_of_a_signal_are_scaled_over_all_keyframes_and_255_where_unknown(client: TestClient, run: Run):
    sent = np.frombuffer(client.get(f"/api/map/{run.id}/values/confidence").content, np.uint8)

    true = np.stack([queries.epoch_rows(run, epoch, ["confidence"])["confidence"] for epoch in (0, 2, 4)])
    low, high = np.nanpercentile(true, [1, 99])
    expected = np.round(np.clip((true - low) / (high - low), 0, 1) * 254)
    assert np.isnan(true).any()
    assert sent.reshape(KEYFRAMES, SAMPLES).tolist() == np.where(np.isnan(true), 255, expected).tolist()


def test_values_on_a_scale_that_is_given_are_scaled_to_it(client: TestClient, run: Run):
    codes = client.get(f"/api/map/{run.id}/values/rarity?low=-1&high=1").content
    values = np.frombuffer(codes, np.uint8)
    assert values.min() >= 127  # rarity is from 0 to 1, the upper half of this scale
    assert values.max() == 254


def test_values_of_a_class_are_its_codes_once(client: TestClient, run: Run):
    sent = np.frombuffer(client.get(f"/api/map/{run.id}/values/label").content, np.uint8)
    assert sent.tolist() == queries.epoch_rows(run, 0, [])["label"].tolist()


def test_flags_say_kept_and_flipped(client: TestClient, run: Run):
    sent = np.frombuffer(client.get(f"/api/map/{run.id}/flags").content, np.uint8).reshape(KEYFRAMES, SAMPLES)

    rows = queries.epoch_rows(run, 4, ["selected"])
    assert (sent[2] & keyframes.KEPT > 0).tolist() == rows["selected"].tolist()
    assert (sent[2] & keyframes.FLIPPED > 0).tolist() == (rows["label"] != rows["true_label"]).tolist()
    assert not (sent & keyframes.SUSPECT).any()


def test_flags_mark_the_suspects_where_asked_for(client: TestClient, run: Run):
    sent = np.frombuffer(client.get(f"/api/map/{run.id}/flags?suspects=1").content, np.uint8)

    marked = np.flatnonzero(sent.reshape(KEYFRAMES, SAMPLES)[0] & keyframes.SUSPECT)
    assert set(marked) == set(queries.suspects(run, "mean_rank", 10)["sample_id"])


def test_sprite_holds_the_thumbnails_in_the_order_asked_for(client: TestClient, run: Run):
    sent = client.get(f"/api/sprite/{run.id}.webp?ids=7,3,7&size=16")

    picture = np.asarray(Image.open(io.BytesIO(sent.content)).convert("L"), float)
    images = run.thumbnails()
    assert images is not None
    expected = np.concatenate([images[sample_id, ..., 0] for sample_id in (7, 3, 7)], axis=1)
    assert picture.shape == expected.shape
    assert np.abs(picture - expected).mean() < 6  # WebP at quality 90 is not exact


def test_thumbnail_is_one_sample(client: TestClient, run: Run):
    sent = client.get(f"/api/thumbnail/{run.id}/3.webp")
    assert sent.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(sent.content)).size == (16, 16)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.168.0.1"])
@pytest.mark.parametrize("path", ["/api/map/{run}/ids", "/api/thumbnail/{run}/3.webp", "/api/none"])
def test_no_address_answers_another_host(run: Run, host: str, path: str):
    assert client_of(run.folder.parent, host).get(path.format(run=run.id)).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_both_names_of_this_machine_are_answered(run: Run, host: str):
    assert client_of(run.folder.parent, host).get(f"/api/map/{run.id}/ids").status_code == 200


def test_answers_carry_safe_headers_and_stay_uncompressed(client: TestClient, run: Run):
    headers = client.get(f"/api/map/{run.id}/ids").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-encoding"] == "identity"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    ["../../etc", "..%2f..%2fetc", "20260101-000000-00000g", "20260101-000000-000000", "datasets", "%00"],
)
def test_a_run_that_is_none_is_not_found(client: TestClient, name: str):
    assert client.get(f"/api/map/{name}/ids").status_code == 404


def test_an_unknown_run_is_answered_with_a_sentence(client: TestClient):
    assert client.get("/api/map/20260101-000000-000000/ids").text.startswith(
        "there is no run 20260101-000000-000000"
    )


@pytest.mark.parametrize(
    "path",
    [
        "sprite/{run}.webp",
        "sprite/{run}.webp?ids=",
        "sprite/{run}.webp?ids=1,-2",
        "sprite/{run}.webp?ids=1;2",
        "sprite/{run}.webp?ids=60",
        "sprite/{run}.webp?ids=1&size=15",
        "sprite/{run}.webp?ids=1&size=4000",
        "sprite/{run}.webp?ids=1&size=nan",
        "thumbnail/{run}/60.webp",
        "thumbnail/{run}/x.webp",
        "thumbnail/{run}/99999999999999999999.webp",
        "map/{run}/positions?k=0",
        "map/{run}/positions?k=4",
        "map/{run}/positions?k=1e9",
        "map/{run}/values/selected",
        "map/{run}/values/loss;drop",
        "map/{run}/values/loss?low=1",
        "map/{run}/values/loss?low=nan&high=1",
        "map/{run}/values/loss?low=2&high=1",
        "sprite/{run}.webp?ids=" + ",".join(["1"] * 513),
    ],
)
def test_what_is_out_of_range_is_refused_with_a_sentence(client: TestClient, run: Run, path: str):
    refused = client.get("/api/" + path.format(run=run.id))
    assert refused.status_code == 400
    assert "must be" in refused.text


def test_nothing_can_be_changed_through_an_address(client: TestClient, run: Run):
    assert client.post(f"/api/map/{run.id}/ids").status_code == 405


@pytest.mark.parametrize("asked", ["", "?run=20260131-235959-0a1b2c&epoch=3"])
def test_the_name_of_the_first_page_leads_to_it(client: TestClient, asked: str):
    answer = client.get(f"/runs{asked}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"/{asked}")


def test_a_run_without_maps_sends_no_points(tmp_path: Path):
    run = make_run(tmp_path, samples=20, epochs=1, settings=("maps.every=0",))
    assert client_of(tmp_path).get(f"/api/map/{run.id}/positions").content == b""


def test_a_run_without_thumbnails_says_when_they_come(tmp_path: Path):
    run = make_run(tmp_path, state="queued")
    missing = client_of(tmp_path).get(f"/api/thumbnail/{run.id}/0.webp")
    assert (missing.status_code, "no thumbnails yet" in missing.text) == (404, True)


def test_settings_name_only_options_that_streamlit_has():
    known = set(st.config._config_options_template)
    assert set(server.settings(8501)) <= known


def test_settings_keep_the_server_to_this_machine():
    settings = server.settings(8501)
    assert settings["server.address"] == "127.0.0.1"
    assert settings["server.allowedHosts"] == ["localhost", "127.0.0.1"]
    assert settings["browser.gatherUsageStats"] is False
    assert {"theme.light.primaryColor", "theme.dark.primaryColor", "server.port"} <= set(settings)


def test_fonts_of_the_theme_are_served_by_the_app_itself():
    for face in server.settings(8501)["theme.fontFaces"]:
        assert (Path(server.__file__).parent / face["url"].removeprefix("app/")).is_file()


def test_serve__port_is_taken(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} is taken"):
            server.serve(tmp_path, port=port)


def test_serve_answers_from_any_working_directory(tmp_path: Path):
    run = make_run(tmp_path / "runs", samples=20, epochs=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(run.folder.parent)
    code = f"import pathlib; from app import server; server.serve(pathlib.Path({root!r}), port={port})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    try:
        sent = _get_when_up(f"http://127.0.0.1:{port}/api/map/{run.id}/ids")
        assert len(sent) == 20 * 4
        assert len(_get_when_up(f"http://127.0.0.1:{port}/app/static/inter-latin-wght-normal.woff2")) > 10_000
    finally:
        process.terminate()
        process.wait(20)


def _get_when_up(address: str, *, limit_seconds: float = 60) -> bytes:
    end = time.monotonic() + limit_seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > end:
                raise
