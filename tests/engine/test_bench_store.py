"""The store's bench on tiny sizes: what it writes is what a run writes, and it counts all rows everywhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine import recorder, train
from engine.bench import store, store_questions, store_scale, store_size
from engine.bench.line import Figure, Line, Missing, Surroundings, at_most
from engine.bench.store import Store
from engine.bench.store_scale import HALF, WHOLE, Size
from engine.config import parse
from engine.influence import InfluenceSettings
from store import queries
from store.run import Run
from store.schema import EPOCH_COLUMNS
from tests import store_table

COLUMNS = [column.name for column in EPOCH_COLUMNS[2:]]
EPOCHS = 4
SETTINGS = ["strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric", "maps.every=0"]
SHORT = ["influence.window=2", "density.refresh_every=2", f"epochs={EPOCHS}"]  # all of it in few epochs
JOINT = HALF._replace(refresh_every=2, influence=InfluenceSettings(window=2))


def recorded(root: Path, size: Size, *, method: store_scale.Method) -> Run:
    world = store_scale.invent(size, 0)
    run = store_scale.begin(root, size, world)
    for done in store_scale.invented_epochs(size, world, seed=0, method=method):
        recorder.record(done, run, recorder.metrics(done, seconds_record=0.0))
    return run


@pytest.fixture(scope="module")
def trained(make_task) -> Run:
    task, state, run = make_task(parse({}, [*SETTINGS, *SHORT]))
    train.train(task, state)
    task.progress.end()
    return run


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("invented"), Size(1437, EPOCHS), method=JOINT)


def test_the_same_cells_are_known_and_stay_equal_as_in_a_run_that_was_trained(trained: Run, invented: Run):
    before = {}
    for epoch in range(EPOCHS):
        known, changed = [], []
        for run in (trained, invented):
            rows = queries.epoch_rows(run, epoch, COLUMNS)[COLUMNS]
            known.append({name: int(rows[name].notna().sum()) for name in COLUMNS})
            if epoch:
                changed.append({name for name in COLUMNS if not rows[name].equals(before[run][name])})
            before[run] = rows
        assert known[0] == known[1], epoch
        assert epoch == 0 or changed[0] == changed[1], epoch


def test_half_is_kept_and_the_wrong_labels_less_often(invented: Run):
    kept = queries.kept_noise(invented)
    assert kept.kept.tolist() == [1437, *[round(0.5 * 1437)] * (EPOCHS - 1)]
    assert (kept.share_noisy_all - store_scale.WRONG).abs().max() < 0.03
    assert kept.share_noisy_kept[1:].max() < 0.5 * kept.share_noisy_all[0]


def test_losses_find_the_wrong_labels(invented: Run):
    assert 0.8 < queries.detection(invented, "mean_loss").auroc < 1


def test_the_same_seed_invents_the_same_epochs_and_another_seed_others():
    size = Size(50, 3)
    world = store_scale.invent(size, 0)
    one, same, other = (
        [recorder.history_columns(done) for done in store_scale.invented_epochs(size, world, seed=seed)]
        for seed in (0, 0, 1)
    )
    for epoch in range(3):
        for name in ("selected", "loss", "strength", "operation", "score", "clean_loss"):
            assert_array_equal(one[epoch][name], same[epoch][name], err_msg=name)
    assert (one[2]["loss"] != other[2]["loss"]).any()


def test_where_all_is_kept_every_cell_is_known_once_the_windows_are_full(tmp_path: Path):
    run = recorded(tmp_path, Size(40, 6), method=WHOLE)
    assert queries.epoch_rows(run, 5, COLUMNS)[COLUMNS].notna().all(axis=None)


def test_a_tiny_line_counts_every_epoch_and_question_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Here the readers are this process: starting six takes longer than all the rest."""
    monkeypatch.setattr(
        store_size,
        "ordered",
        lambda order: store_questions.ORDERS[order["do"]](json.loads(json.dumps(order))),
    )
    heard: list[str] = []
    bench = Store(sizes=(Size(60, 4),), known_epochs=7, budget=0.0, judged=False)
    line = bench.measure(Surroundings(tmp_path, say=heard.append))
    found = {figure.name.removeprefix("60 x 4: "): figure for figure in line.figures}
    written = [name for name in found if name.startswith("write an epoch") and "alone" not in name]
    assert {len(found[name].values) for name in written} == {4}
    assert len(written) == 6  # parts, two peers, three ratios
    for question in store_questions.ASKS:
        for state in ("hot", "half folded", "folded"):
            assert len(found[f"{question}, {state}"].values) == store_questions.LEAST
    kinds = [
        f"bytes a row{of}, {kept}" for of in ("", ", every cell known") for kept in ("parts", "database")
    ]
    assert min(found[kind].values[0] for kind in kinds) > 10
    assert min(figure.values[0] for name, figure in found.items() if "memory" in name) > 50  # MB
    assert list(tmp_path.iterdir()) == []
    assert "writes up to" in heard[0]
    assert any("asking the half folded run" in text for text in heard)


def test_a_reader_is_a_process_of_its_own_and_one_that_breaks_fails_the_line(tmp_path: Path):
    folded = recorded(tmp_path, Size(20, 2), method=HALF)
    found = store_size.ordered({"do": "fold", "folder": str(folded.folder), "up_to": 0})
    assert 20e6 < found["peak"] < 1e9
    assert store_size.database_bytes(folded) > 0
    with pytest.raises(RuntimeError, match="the process that should fold ended with 1; see above"):
        store_size.ordered({"do": "fold", "folder": str(tmp_path / "nowhere"), "up_to": 0})


def test_answers_have_all_rows_and_a_run_does_not_differ_from_itself(invented: Run):
    asked = store_questions.questions((invented, invented), samples=1437, epochs=EPOCHS)
    found = {name: question(0) for name, question in asked.items()}
    assert {name: len(answer) for name, answer in found.items()} == {
        store_questions.HISTORY: EPOCHS,
        store_questions.HISTORIES: 16 * EPOCHS,
        store_questions.EPOCH: 1437,
        store_questions.TOP: 100,
        store_questions.STATISTICS: EPOCHS,
        store_questions.DIFFERENCE: 1437,
    }
    assert np.nanmax(np.abs(found[store_questions.DIFFERENCE])) == 0
    assert found[store_questions.TOP].score.is_monotonic_decreasing


def test_a_peer_that_lost_rows_fails_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store_size.store_peers.Peers, "append", lambda _self, _done: None)
    place = store_size.Place(tmp_path, 0.0, lambda _: None)
    with pytest.raises(RuntimeError, match=r"every peer must hold 40 rows; got \[40, 0\]"):
        store_size.write(place, Size(20, 2), with_peers=True)


def test_an_interrupted_line_leaves_nothing_behind(tmp_path: Path):
    def interrupt(text: str) -> None:
        if "asking" in text:
            raise KeyboardInterrupt

    bench = Store(sizes=(Size(20, 2),), with_peers=False)
    with pytest.raises(KeyboardInterrupt):
        bench.measure(Surroundings(tmp_path, say=interrupt))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_with_too_little_room_is_said_before_anything_is_written(tmp_path: Path):
    bench = Store(sizes=(Size(10**9, 10**6),))
    with pytest.raises(Missing, match=r"needs 220000000\.0 GB of disk and .* UNDERTOW_CACHE"):
        bench.measure(Surroundings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_goals_are_named_as_their_figures_are(invented: Run):
    """A goal whose figure has another name would never be judged."""
    read = {"seconds": {store_questions.HISTORY: [0.1]}, "first": 1.0, "loaded": 1}
    read["peaks"] = {store_questions.HISTORIES: 1}
    states = (store_size.HOT, store_size.HALF, store_size.WHOLE)
    names = {figure.name for state in states for figure in store_size.read_figures(read, state)}
    seconds = {name: [1.0] for name in (store_size.OWN, store_size.REOPENED, store_size.HELD)}
    written = store_size.Written(invented, seconds, [0.1], [0.1])
    names |= {figure.name for figure in store_size.written_figures(written, Size(1437, EPOCHS))}
    names |= {"bytes a row, database"}
    assert {name for goals in store.GOALS.values() for name in goals} <= names


def test_the_readmes_tables_have_a_column_a_size_and_state_and_say_which_goals_are_met():
    asked = [
        Figure(f"2,000 x 30: history, {state}", [10.0] * 30, "ms", goal)
        for state, goal in ((store_size.HOT, None), (store_size.WHOLE, at_most(60, quantile=0.95)))
    ]
    written = [Figure(f"{size}: write", [1.0, 2.0, 4.0], "s") for size in ("2,000 x 30", "50,000 x 200")]
    found = {"lines": [Line("store", "", [*asked, *written]).as_json()]}
    made = store_table.tables([found])
    kept, read = made.split("\n\n")
    assert kept.splitlines()[2:] == ["| write, s | 2.000 (1.000–4.000) | 2.000 (1.000–4.000) | – |"]
    assert read.splitlines()[2:] == [
        "| history, ms | 10.0 (10.0) | – | 10.0 (10.0), met | – | – | – | folded p95 ≤ 60 |"
    ]
    begin, end = store_table.MARKS
    assert store_table.with_tables(f"a\n{begin}old\n{end}\nb", made) == f"a\n{begin}{made}{end}\nb"
    with pytest.raises(ValueError, match="marks of the store's tables once; it has them 0 times"):
        store_table.with_tables("a", made)
