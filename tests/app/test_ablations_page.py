"""The Ablations page: which runs it compares, what it says of them, and that a link shows the same again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.ablations import choices, measures, settings, unfair
from app.ablations.groups import Group, grouped
from app.studies.members import Member, by_study
from store import queries
from store.run import Run, find_runs
from tests.pages import charts, texts
from tests.synthetic import JOINT, make_damaged_run, make_run

Page = Callable[..., AppTest]
RANDOM = ("strategy.kind=random_subset", "policy.kind=random_strength", "noise.kind=symmetric")


def member(run: Run) -> Member:
    return Member(run, run.config(), run.status(), queries.metrics(run), run.about())


def groups_of(root: Path) -> list[Group]:
    """As the page has them: runs of one second have no order by their ids."""
    in_order = by_study([member(run) for run in sorted(find_runs(root), key=lambda run: run.id)])
    return grouped([one for study in in_order.values() for one in study])


def test_no_run_at_all_says_what_will_appear(page: Page, tmp_path: Path):
    said = texts(page(tmp_path, "ablations"))
    assert "No runs to compare yet" in said
    assert "`undertow demo`" in said


def test_a_study_opens_as_curves_with_n_and_a_named_band(page: Page, study_root: Path):
    at = page(study_root, "ablations")
    said = texts(at)
    assert "joint 50 % + SADA · n = 3" in said
    assert "Test accuracy by epoch: mean and standard deviation" in said
    assert "n = 3 seeds a group" in said
    assert "ends at" in charts(at)[0]
    assert at.query_params["study"] == "demo"


@pytest.mark.parametrize("measure", ["loss.mean", "variance.median", "flipped_kept", "kept_share"])
@pytest.mark.parametrize("axis", ["epoch", "seconds"])
def test_any_measure_is_drawn_over_any_axis(page: Page, study_root: Path, measure: str, axis: str):
    link = {"study": "demo", "measure": measure, "axis": axis, "band": "interval", "single": "1"}
    at = page(study_root, "ablations", **link)
    assert "mean and 95 % interval" in texts(at)
    assert len(charts(at)) == 1
    assert {name: at.query_params[name] for name in link} == link


def test_a_choice_is_written_into_the_address(page: Page, study_root: Path):
    at = page(study_root, "ablations")
    at.selectbox(key="pick_band").set_value("range").run()
    assert at.query_params["band"] == "range"
    assert "mean and min–max" in texts(at)


def test_a_choice_is_newer_than_the_address_of_before(page: Page, study_root: Path):
    at = page(study_root, "ablations", section="settings", band="se")
    at.selectbox(key="pick_study").set_value("demo").run()
    at.query_params["section"] = "curves"  # what the browser still shows where somebody clicks fast
    at.segmented_control(key="pick_section").set_value("costs").run()
    assert at.query_params["section"] == "costs"
    assert "Paired differences" in texts(at)


def test_another_study_than_the_link_names_is_said(page: Page, study_root: Path):
    at = page(study_root, "ablations", study="gone")
    assert "No run names the study 'gone' any more" in at.warning[0].value
    assert at.query_params["study"] == "demo"


def test_cost_compares_finished_runs_seed_by_seed(page: Page, study_root: Path):
    said = texts(page(study_root, "ablations", section="costs"))
    assert "Test accuracy of the last epoch against back-propagated samples" in said
    assert "Pareto front of the means (ours)" in said
    joint, other = groups_of(study_root)
    apart = [
        100 * (measures.last(one, "test_accuracy") - measures.last(two, "test_accuracy"))
        for one, two in zip(joint.members, other.members, strict=True)
    ]
    signs = {False: "+", True: "−"}  # joint less the random share, which studies compare with
    each = ", ".join(f"{seed}: {signs[value < 0]}{abs(value):.1f} pts" for seed, value in enumerate(apart))
    assert each in said
    assert "95 % interval" in said


def test_two_seeds_are_too_few(page: Page, tmp_path: Path):
    for method in (JOINT, RANDOM):
        for seed in (0, 1):
            make_run(tmp_path, samples=20, epochs=2, settings=(*method, "study=s", f"seed={seed}"))
    said = texts(page(tmp_path, "ablations", section="costs"))
    assert "too few seeds; 1 more in both" in said
    assert "Too few seeds to tell (n = 2); queue 1 more seed of each arm." in said.replace("\\", "")


def test_one_run_is_drawn_and_has_nothing_to_differ_from(page: Page, tmp_path: Path):
    make_run(tmp_path, samples=20, epochs=2)
    said = texts(page(tmp_path, "ablations"))
    assert "One seed (n = 1) a group, which has no band" in said
    assert "standard deviation" not in said
    assert "A difference needs two groups" in texts(page(tmp_path, "ablations", section="costs"))
    assert "One group has nothing to differ from" in texts(page(tmp_path, "ablations", section="settings"))


def test_settings_show_what_differs_and_all_on_demand(page: Page, study_root: Path):
    at = page(study_root, "ablations", section="settings")
    assert "<td>strategy.kind</td><td>joint</td><td>random_subset</td>" in texts(at)
    assert "<td>batch_size</td>" not in texts(at)
    at.toggle(key="pick_every").set_value(True).run()
    assert "<td>batch_size</td>" in texts(at)
    assert at.query_params["every"] == "1"


def test_more_groups_than_colours_are_grey_but_the_pinned(page: Page, tmp_path: Path):
    for keep in range(1, 10):
        make_run(tmp_path, samples=20, epochs=1, settings=(*JOINT, f"strategy.keep=0.{keep}", "study=many"))
    at = page(tmp_path, "ablations")
    assert len(at.multiselect(key="pick_pins").value) == 4
    last = choices.token(groups_of(tmp_path)[-1])
    assert page(tmp_path, "ablations", pins=last).multiselect(key="pick_pins").value == [last]


def test_a_damaged_run_is_a_sentence_and_the_others_are_compared(page: Page, tmp_path: Path):
    whole, damaged = make_run(tmp_path, samples=20, epochs=2), make_damaged_run(tmp_path)
    at = page(tmp_path, "ablations", runs=f"{whole.id},{damaged.id}")
    said = texts(at).replace("\\", "")
    assert f"Left out of the comparison: parts/epoch-00001.parquet of run {damaged.id} is missing" in said
    assert "joint 50 % + SADA · n = 1" in said
    assert len(charts(at)) == 1


def test_a_run_that_trains_is_compared_with_what_it_has(page: Page, tmp_path: Path):
    make_run(tmp_path, samples=20, epochs=4, settings=(*JOINT, "study=s"))
    make_run(
        tmp_path, samples=20, epochs=2, settings=(*JOINT, "study=s", "epochs=4", "seed=1"), state="running"
    )
    make_run(tmp_path, samples=20, epochs=2, settings=(*JOINT, "study=s", "seed=2"), state="queued")
    said = texts(page(tmp_path, "ablations", study="s"))
    assert "n = 2, seed 1 running, 2 of 4 epochs" in said
    assert "1 run without an epoch yet" in said
    assert "Dotted: fewer seeds than the group has" in said
    assert "1 done, 1 running" in texts(page(tmp_path, "ablations", study="s", section="costs"))


def test_a_study_before_its_first_epoch_says_so(page: Page, tmp_path: Path):
    make_run(tmp_path, settings=(*JOINT, "study=s"), state="queued")
    assert "No epoch has been recorded yet" in texts(page(tmp_path, "ablations", study="s"))


def test_what_makes_a_comparison_unfair_is_said(page: Page, tmp_path: Path):
    first = make_run(tmp_path, samples=20, epochs=2)
    second = make_run(tmp_path, samples=20, epochs=3, settings=(*JOINT, "noise.seed=7"))
    second.write_about({**second.about(), "device": "cuda", "versions": {"torch": "2.13.0"}})
    found = unfair.sentences(groups_of(tmp_path))
    assert list(found) == ["numbers of epochs", "devices", "seeds of the label noise", "versions"]
    assert "cpu" in found["devices"]
    assert "their seconds cannot be compared" in found["devices"]
    assert found["versions"].startswith("Different versions: torch 2.13.0, 2.14.1;")
    said = texts(page(tmp_path, "ablations", runs=f"{first.id},{second.id}"))
    assert "The groups differ in more than their method" in said


def test_wrong_labels_that_follow_from_the_seed_are_fair_to_compare(tmp_path: Path):
    for method in (JOINT, RANDOM):
        for seed in (0, 1):
            own = (f"seed={seed}", f"noise.seed={seed}", "study=s")
            make_run(tmp_path, samples=20, epochs=2, settings=(*method, *own))
    groups = groups_of(tmp_path)
    assert [group.n for group in groups] == [2, 2]
    assert unfair.sentences(groups) == {}


def test_runs_of_one_machine_and_task_are_fair_to_compare(study_root: Path):
    assert unfair.sentences(groups_of(study_root)) == {}


def test_settings_of_one_method_alone_are_unknown_in_the_other(study_root: Path):
    rows = settings.compared(groups_of(study_root)).set_index("Setting")
    assert rows.loc["strategy.rarity_exponent"].tolist() == ["1.0", "–", True]
    assert "seed" not in rows.index
