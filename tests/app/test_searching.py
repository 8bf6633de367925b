"""Searching on the page Samples by conditions and by drawn curves, and the views that the engine draws."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import launch
from app.searching import augmented, conditions, drawing, found
from app.searching.augmented import EngineSilent, Visit
from app.searching.cards import lines
from app.searching.drawing import Drawn
from engine.operations import OPERATIONS
from store.questions import search
from store.questions.curves import Nearest
from store.questions.search import Term
from store.run import Run
from tests.pages import texts
from tests.synthetic import make_run

DIGITS = "".join(f"{height:02d}" for height in drawing.preset("Falls early"))


# ---- conditions


def test_conditions_are_read_as_they_are_written():
    terms = [Term("label", 3), Term("forgotten", 2), Term("never_learned"), Term("inconsistent", 0.35)]
    assert conditions.written(terms) == "label:3,forgotten:2,never_learned,inconsistent:0.35"
    assert conditions.parsed(conditions.written(terms), 10) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("nothing:3,,:", []),
        ("forgotten:nan", [Term("forgotten", 2)]),
        ("forgotten:-4", [Term("forgotten", 2)]),
        ("label:10", [Term("label", 0)]),
        ("forgotten:1,forgotten:3", [Term("forgotten", 3)]),
        ("rare:'; DROP TABLE history", [Term("rare", 0.9)]),
    ],
)
def test_an_address_that_asks_for_no_condition_is_read_without_it(text: str, terms: list[Term]):
    assert conditions.parsed(text, 10) == terms


def test_conditions_are_said_with_their_values():
    terms = [Term("forgotten", 2), Term("high_variance", 0.05), Term("label", 1)]
    says = conditions.sentence(terms, ["cat", "dog"]).replace("\N{NO-BREAK SPACE}", " ")
    assert says == "Forgotten at least 2 times and variance among the highest 5 % and label is dog"


def test_arrows_step_through_what_a_search_found(page: Callable[..., AppTest], joint: Run):
    ids = search.find(joint, [Term("loss_falling", 20), Term("low_margin", 3)]).tolist()
    assert len(ids) > 2
    at = page(
        joint.folder.parent, "samples", run=joint.id, list="Search", find="loss_falling:20,low_margin:3"
    )
    said = texts(at)
    assert f"**{len(ids)}** of 60 samples" in said
    assert "Loss falling in the last 20 epochs and mean margin at most 3.00." in said
    at.session_state["sample"] = ids[0]
    at.run()
    at.button(key="samples_step_J").click().run()
    assert at.session_state["sample"] == ids[1]
    assert f"2 of the {len(ids)} in the list" in texts(at)


def test_a_chosen_condition_and_its_value_go_into_the_address(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id)
    at.segmented_control[0].set_value("Search").run()
    assert "J and K step through them" in texts(at)
    at.multiselect(key="samples_conditions").set_value(["Forgotten at least … times"]).run()
    at.number_input(key="samples_value_forgotten").set_value(1).run()
    assert not at.exception
    assert "".join(at.query_params["find"]) == "forgotten:1"
    assert "".join(at.query_params["list"]) == "Search"


def test_what_was_found_becomes_the_selection(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, list="Search", find="label:3")
    at.button(key="samples_select_found").click().run()
    assert at.session_state["selection"] == tuple(search.find(joint, [Term("label", 3)]).tolist())


# ---- drawn curves


def test_a_curve_is_read_as_it_is_written():
    drawn = Drawn("loss", "value", 0, 2.5, drawing.preset("Falls early"))
    assert str(drawn) == f"loss:value:0:2.5:{DIGITS}"
    assert Drawn.parse(str(drawn)) == drawn


@pytest.mark.parametrize(
    "text",
    [
        "", "loss", f"label:shape:0:1:{DIGITS}", f"loss:other:0:1:{DIGITS}", f"loss:shape:1:0:{DIGITS}",
        f"loss:shape:nan:1:{DIGITS}", f"loss:shape:0:1:{DIGITS[:-1]}", f"loss:shape:0:1:{'²' * 64}",
    ],
)  # fmt: skip
def test_a_text_that_is_no_curve_is_none(text: str):
    assert Drawn.parse(text) is None


def test_a_drawn_line_becomes_heights_at_even_steps():
    heights = drawing.heights_of([[1, 0], [0, 1]])
    assert heights is not None
    assert heights[0] == 99
    assert heights[-1] == 0
    assert list(heights) == sorted(heights, reverse=True)
    middle = drawing.heights_of([[0.4, 0.5], [0.6, 2.0]])
    assert middle is not None
    assert (middle[0], middle[-1]) == (50, 99)  # level to both ends, and never out of the field


@pytest.mark.parametrize(
    "points", [[], [[0, 1]], [[0, 1], [1]], [[0, "x"], [1, 1]], [[0, math.nan], [1, 1]], [1]]
)
def test_what_is_no_line_is_not_taken(points: list[object]):
    assert drawing.heights_of(points) is None


def test_a_curve_stands_at_the_epochs_of_a_run():
    drawn = Drawn("loss", "value", 1, 3, (99, *[0] * 30, 99))
    np.testing.assert_allclose(drawn.at_epochs(2), [3, 3])
    np.testing.assert_allclose(drawn.at_epochs(3), [3, 1, 3])
    np.testing.assert_allclose(drawn.at_epochs(1), [3])


def test_lines_behind_the_drawn_one_are_brought_to_its_height():
    curves = np.array([[10.0, np.nan, 30.0]], np.float32)
    nearest = Nearest(np.array([0]), np.array([0.0]), 1)
    rising = tuple(round(99 * step / 31) for step in range(32))
    by_shape = lines(curves, nearest, Drawn("loss", "shape", 0, 1, rising))
    np.testing.assert_allclose(by_shape[0], [[0, 0], [1, 1]], atol=1e-3)
    by_value = lines(curves, nearest, Drawn("loss", "value", 0, 40, rising))
    np.testing.assert_allclose(by_value[0], [[0, 0.25], [1, 0.75]], atol=1e-3)


def test_a_link_with_a_curve_shows_the_nearest_samples(page: Callable[..., AppTest], joint: Run):
    curve = f"loss:shape:0:2.5:{DIGITS}"
    at = page(joint.folder.parent, "samples", run=joint.id, list="Drawn curve", curve=curve)
    wanted = Drawn.parse(curve)
    assert wanted is not None
    nearest = found.by_curve(joint, wanted)
    assert f"**{len(nearest.ids)} nearest** of {nearest.compared} compared" in texts(at)
    at.session_state["sample"] = int(nearest.ids[0])
    at.run()
    at.button(key="samples_step_J").click().run()
    assert at.session_state["sample"] == nearest.ids[1]


def test_a_preset_is_a_curve_without_a_mouse(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, list="Drawn curve")
    assert "Nothing drawn yet" in texts(at)
    at.selectbox(key="samples_curve_preset").set_value("Never falls").run()
    assert "".join(at.query_params["curve"]).startswith("loss:value:0:")  # a level line has no shape
    at.segmented_control(key="samples_curve_by").set_value("shape").run()
    assert "A level line has no shape" in texts(at)


# ---- what the net saw

HISTORY = pd.DataFrame(
    {
        "epoch": [0, 1, 2, 3], "sample_id": 4, "selected": [True, False, True, False],
        "strength": [0.5, np.nan, 0.25, np.nan], "operation": [3.0, np.nan, 7.0, np.nan],
    }
)  # fmt: skip


def test_a_dropped_epoch_shows_the_last_visit_before_it():
    assert augmented.visit(HISTORY, 2) == Visit(2, 0.25, 7)
    assert augmented.visit(HISTORY, 3) == Visit(2, 0.25, 7)
    assert augmented.visit(HISTORY[1:], 1) == Visit(2, 0.25, 7)
    assert augmented.visit(HISTORY[3:], 3) == Visit(3, None, None)


def test_only_a_view_that_training_saw_is_called_so():
    seen, drawn = Visit(2, 0.25, 7), [OPERATIONS[7], *OPERATIONS[:11]]
    assert "The first is the view that epoch 2 trained on" in augmented.said(
        seen, 2, strength=0.25, operations=drawn
    )
    assert "none of these was trained on" in augmented.said(seen, 2, strength=0.5, operations=drawn)
    other = augmented.said(seen, 2, strength=0.25, operations=[OPERATIONS[1], *OPERATIONS[:11]])
    assert "the log says that epoch 2 drew color, this version of the engine draws shear x" in other
    assert augmented.said(seen, 3, strength=0.25, operations=drawn).startswith("Epoch 3 dropped it;")
    assert "No epoch trained on it" in augmented.said(Visit(3, None, None), 3, strength=0.5, operations=drawn)


def test_the_engine_draws_when_it_is_asked(
    page: Callable[..., AppTest], joint: Run, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[str, ...]] = []

    def answer(*words: str) -> dict[str, object]:
        asked.append(words)
        strengths = [
            0.0,
            1.0,
            *(float(word.split("=")[1]) for word in words if word.startswith("--strength")),
        ]
        return {"strengths": strengths, "strips": ["AAAA"] * len(strengths), "operations": ["rotate"] * 12}

    monkeypatch.setattr(launch, "ask_engine", answer)
    augmented._drawn.clear()
    at = page(joint.folder.parent, "samples", run=joint.id, sample=5, epoch=9)
    assert not asked, "a process was started before anybody asked for views"
    at.toggle(key="samples_views").set_value(True).run()
    assert not at.exception
    assert asked[0][:4] == ("-m", "engine.draws", str(joint.folder), "5")
    assert texts(at).count('aria-label="view, ') == 12


def test_an_engine_that_cannot_draw_is_a_sentence(
    page: Callable[..., AppTest], joint: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(launch, "ask_engine", lambda *_: {"error": "no folder /x; mount it"})
    augmented._drawn.clear()
    at = page(joint.folder.parent, "samples", run=joint.id, sample=6)
    at.toggle(key="samples_views").set_value(True).run()
    assert "could not draw this sample: no folder /x; mount it" in texts(at).replace("\\", "")
    with pytest.raises(EngineSilent):
        augmented._drawn(joint.id, 6, Visit(1, 0.5, 2))


def test_a_tracked_run_says_who_augmented(page: Callable[..., AppTest], tmp_path: Path):
    run = make_run(tmp_path, samples=20, epochs=2)
    settings = run.config() | {"tracked": True}
    (run.folder / "config.json").write_text(pd.Series(settings).to_json())
    at = page(tmp_path, "samples", run=run.id)
    assert "augmented the images itself" in texts(at)
    assert not at.toggle
