"""The Map page: what a lasso, a click, a link and the controls do to the panel and to the map."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.map import KEY, keyframes, panel
from app.map.keyframes import Keyframes
from app.map.lasso import Lasso
from store import queries
from store.run import Run
from tests.synthetic import make_run
from tests.wider_map import plant_wider_map

SAMPLES = 60
EVERYTHING = ((-99.0, -99.0), (99.0, -99.0), (99.0, 99.0), (-99.0, 99.0))  # in map units
LEFT = ((-99.0, -99.0), (0.0, -99.0), (0.0, 99.0), (-99.0, 99.0))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=6)  # maps of epochs 0, 2, 4


@pytest.fixture
def frames(run: Run) -> Keyframes:
    return keyframes.keyframes(run, run.data_version())


def page(run: Run, monkeypatch: pytest.MonkeyPatch, **state: Any) -> AppTest:
    """Runs the Map page on a run with what the session holds, the map's own events under KEY."""
    monkeypatch.setenv("UNDERTOW_RUNS", str(run.folder.parent))

    def script() -> None:
        from app.views import map as map_view

        map_view.render()

    app = AppTest.from_function(script, default_timeout=60)
    for name, value in {"run": run.id, **state}.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest) -> dict[str, Any]:
    """What the page sent to the map."""
    content: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return content


def highlighted(app: AppTest) -> list[int]:
    bits = np.frombuffer(base64.b64decode(sent(app)["selection"]), np.uint8)
    return np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()


def shown(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def lasso(corners: tuple[tuple[float, float], ...], epoch: int, serial: int = 1) -> dict[str, Any]:
    return {"choice": {"polygon": [list(corner) for corner in corners], "epoch": epoch, "serial": serial}}


def test_the_page_asks_for_a_lasso_before_there_is_one(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch)
    assert any(caption.value.startswith("Drag a lasso around points") for caption in app.caption)
    assert (sent(app)["epochs"], sent(app)["epoch"], highlighted(app)) == ([0, 2, 4], 5, [])


def test_a_lasso_selects_whom_the_server_finds_inside(
    run: Run, monkeypatch: pytest.MonkeyPatch, frames: Keyframes
):
    app = page(run, monkeypatch, **{KEY: lasso(LEFT, epoch=2)})
    expected = np.flatnonzero(frames.places[1, :, 0] < 0).tolist()
    assert 0 < len(expected) < SAMPLES
    assert list(app.session_state["selection"]) == expected
    assert (highlighted(app), shown(app)["Selected"]) == (expected, str(len(expected)))


@pytest.mark.parametrize("is_link", [False, True])
def test_a_wider_map_between_drawing_and_deciding_changes_nobody_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_link: bool
):
    live = make_run(tmp_path, samples=SAMPLES, epochs=6)
    before = keyframes.keyframes(live, live.data_version())
    drawn = Lasso(4, LEFT).ids(before).tolist()
    assert 0 < len(drawn) < SAMPLES

    plant_wider_map(live, epoch=5)
    state = {"lasso": str(Lasso(4, LEFT))} if is_link else {KEY: lasso(LEFT, epoch=4)}
    app = page(live, monkeypatch, **state)
    assert sent(app)["epochs"] == [0, 2, 4, 5]
    assert sent(app)["frame"]["side"] > 2 * before.frame.side
    assert (list(app.session_state["selection"]), highlighted(app)) == (drawn, drawn)


def test_a_lasso_is_taken_once(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, **{KEY: lasso(EVERYTHING, epoch=2)})
    app.session_state["selection"] = (3, 4)  # another page selects
    app.run()
    assert highlighted(app) == [3, 4]


def test_a_click_on_a_point_shows_its_sample(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, **{KEY: {"choice": {"sample": 7, "serial": 1}}})
    assert any(text.value == "**Sample 7**" for text in app.markdown)
    assert (app.session_state["sample"], highlighted(app)) == (7, [7])
    assert [button.label for button in app.button] == ["Open its page"]


def test_a_click_beside_the_points_clears_the_selection(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, selection=(1, 2), **{KEY: {"choice": {"serial": 1}}})
    assert highlighted(app) == []


def test_the_epoch_that_the_map_was_left_at_is_that_of_all_pages(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, **{KEY: {"moment": {"epoch": 3, "serial": 1}}})
    assert (app.session_state["epoch"], sent(app)["epoch"]) == (3, 3)


def test_the_page_restores_epoch_and_selection_of_a_link(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, epoch=1, selection=(4, 8, 15))
    assert (sent(app)["epoch"], highlighted(app), shown(app)["Selected"]) == (1, [4, 8, 15], "3")


def test_the_page_restores_the_lasso_of_a_link(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, lasso=str(Lasso(2, EVERYTHING)))
    assert shown(app)["Selected"] == str(SAMPLES)


def test_numbers_of_the_selection_are_those_of_the_epoch(run: Run, monkeypatch: pytest.MonkeyPatch):
    ids = (4, 8, 15, 16, 23, 42)
    app = page(run, monkeypatch, epoch=3, selection=ids)
    rows = queries.epoch_rows(run, 3, ["selected"], ids)
    kept, flipped = rows["selected"].mean() * 100, (rows["label"] != rows["true_label"]).mean() * 100
    values = {name: float(value.split("\N{NO-BREAK SPACE}")[0]) for name, value in shown(app).items()}
    assert values == pytest.approx({"Selected": 6, "Kept": kept, "Flipped": flipped}, abs=0.05)
    means = queries.summary(run, 3).set_index("sample_id").loc[list(ids), "mean_margin"]
    table = app.dataframe[0].value.set_index("sample_id")["mean_margin"]
    assert table.tolist() == pytest.approx(means.sort_values().tolist(), nan_ok=True)


@pytest.mark.parametrize("name", keyframes.colourings(10))
def test_the_map_can_be_coloured_by_everything_it_offers(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
):
    app = page(run, monkeypatch, map_colour=keyframes.colourings(10)[name].label)
    assert sent(app)["colouring"]["name"] == name
    assert f"/values/{name}?" in sent(app)["urls"]["values"]


def test_marks_and_kept_reach_the_map(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = page(run, monkeypatch, map_kept="Ringed", map_mark="Suspects")
    assert (sent(app)["kept"], sent(app)["mark"]) == ("ring", "suspects")
    assert sent(app)["urls"]["flags"].endswith("&suspects=1")


def test_flipped_labels_are_offered_only_where_they_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clean = make_run(tmp_path, samples=30, epochs=2, settings=())
    app = page(clean, monkeypatch)
    assert [control.options for control in app.segmented_control][1] == ["None", "Suspects"]


def test_the_page_works__one_keyframe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = make_run(tmp_path, samples=30, epochs=1)
    app = page(one, monkeypatch, **{KEY: lasso(EVERYTHING, epoch=0)})
    assert (sent(app)["epochs"], shown(app)["Selected"]) == ([0], "30")


@pytest.mark.parametrize(
    ("settings", "epochs", "says"),
    [(("maps.every=0",), 2, "No map has been recorded yet"), ((), 0, "No epoch has been recorded yet")],
)
def test_the_page_says_what_will_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...], epochs: int, says: str
):
    app = page(make_run(tmp_path, samples=30, epochs=epochs, settings=settings), monkeypatch)
    assert any(says in text.value for text in app.markdown)
    assert not app.get("bidi_component")


def test_the_class_mix_puts_rare_classes_in_one_line():
    counts = {f"class {number}": 20 - number for number in range(12)}
    drawn = panel.class_mix(panel.Counter(counts))
    assert "<span>class 9</span>" in drawn and "<span>class 10</span>" not in drawn
    assert "<span>2 others</span><i></i><b>19</b>" in drawn
