"""The lines of the bench that train: peers do the same work, epochs are counted, goals are those agreed on.

One run of each line on a few images, shared by the tests; none of them asks how long anything took.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from engine.bench import __main__ as entry
from engine.bench import cifar, epochs, overhead, scale, selection
from engine.bench.epochs import EngineRun, PlainLoop, side_by_side
from engine.bench.line import Figure, Line, Missing, Surroundings
from engine.bench.loader import Loader, PerSample, Pictures
from engine.bench.overhead import JOINT, PLAIN, SADA, Overhead
from engine.bench.scale import Scale
from engine.bench.selection import EVERYTHING, RANDOM, REFRESHED, STALE, SelectionCost
from engine.datasets.blocks import channel_statistics
from store import queries
from tests.encoded import png, write_parquet

BENCHES = [Overhead(), SelectionCost(), Loader(), Scale()]


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    """Files named as CIFAR-10's with 60 images of two colours, red and blue."""
    folder = tmp_path_factory.mktemp("cifar")
    rng = np.random.default_rng(0)
    for name, count in (("train", 60), ("test", 4)):
        images = rng.integers(0, 100, (count, 32, 32, 3), dtype=np.uint8)
        images[::2, :, :, 0] += 150
        write_parquet(
            folder / f"cifar10_{name}.parquet", [png(image) for image in images], [0, 1] * (count // 2)
        )
    return Surroundings(folder, folder)


@pytest.fixture(scope="module")
def loops(surroundings: Surroundings) -> Iterator[SimpleNamespace]:
    """Two epochs of a run with SADA and of the plain loop beside it, in float32."""
    dataset = cifar.loaded(surroundings.cifar(), 60)
    bench = Overhead(precision="float32")
    with side_by_side({SADA: (dataset, [*bench.settings(SADA), "batch_size=16"])}) as runs:
        run, lessons = runs[SADA], []
        plain = PlainLoop(run)
        for _ in range(2):
            lessons.append(run.lesson())
            plain.epoch(lessons[-1])
            run.epoch()
        yield SimpleNamespace(run=run, plain=plain, lessons=lessons)


def goals(line: Line) -> dict[str, str]:
    return {figure.name: str(figure.goal) for figure in line.figures if figure.goal}


def counts(line: Line, unit: str) -> dict[str, int]:
    return {figure.name: len(figure.values) for figure in line.figures if figure.unit == unit}


# ---- the loops


def test_the_plain_loop_ends_at_the_weights_of_the_run(loops: SimpleNamespace):
    untrained = PlainLoop(loops.run).model
    pairs = zip(loops.run.state.model.parameters(), loops.plain.model.parameters(), strict=True)
    for (own, other), first in zip(pairs, untrained.parameters(), strict=True):
        assert_allclose(own.detach(), other.detach(), atol=1e-4)
        assert not torch.allclose(own, first, atol=1e-3)


def test_the_lesson_is_what_the_run_used(loops: SimpleNamespace):
    for lesson in loops.lessons:
        rows = queries.epoch_rows(loops.run.run, lesson.epoch, ["strength"])
        assert_allclose(rows.strength, lesson.strengths, rtol=1e-6)
        assert_array_equal(np.sort(np.concatenate(lesson.steps)), np.arange(60))
    assert loops.lessons[0].strengths.tolist() != loops.lessons[1].strengths.tolist()


def test_a_run_waits_after_each_epoch_with_its_record_and_checkpoint(loops: SimpleNamespace):
    assert loops.run.state.epoch == 2
    assert queries.metrics(loops.run.run).samples_backpropagated.tolist() == [60, 60]
    assert len(list(loops.run.run.checkpoints.iterdir())) == 2
    assert loops.run.task.progress.phase("asked by nobody to stop") is None


def test_parts_add_up_to_the_epoch(loops: SimpleNamespace):
    for spent in loops.run.spent:
        assert {"training", "signals", "record", "checkpoint"} < set(spent)
        assert sum(spent.get(name, 0) for name in epochs.PARTS) == pytest.approx(spent[epochs.EPOCH])
        assert min(spent.values()) >= 0


def test_the_first_epoch_warms_up_and_only_whole_cycles_count(loops: SimpleNamespace):
    assert len(epochs.part(loops.run, epochs.EPOCH)) == 1
    assert epochs.part(loops.run, "no such part") == [0.0]
    assert epochs.by_cycle([1, 3, 5, 7, 100], 2) == [2, 6]


def test_per_sample_training_sees_every_sample_once_an_epoch(loops: SimpleNamespace):
    peer = PerSample(loops.run, workers=0)
    for _ in range(2):
        peer.epoch()
    assert peer.seen == 120
    assert (peer.scores != 1).all()


def test_a_picture_is_normalised_and_knows_its_index(surroundings: Surroundings):
    dataset = cifar.loaded(surroundings.cifar(), 60)
    index, image, label = Pictures(dataset.images, dataset.labels)[7]
    assert (index, image.shape, image.dtype, label) == (7, (3, 32, 32), torch.float32, dataset.labels[7])
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in channel_statistics(dataset.images))
    levels = 255 * (image * std + mean)
    assert torch.allclose(levels, levels.round().clamp(0, 255), atol=1e-3)


# ---- the lines


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_without_the_images_a_line_says_what_it_needs(bench: Overhead):
    with pytest.raises(Missing, match=r"needs cifar10_train\.parquet and .* --data FOLDER"):
        bench.measure(Surroundings(Path("cache")))


def test_the_lines_are_asked_for_by_the_names_of_the_goals():
    names = [bench.name for bench in entry.BENCHES]
    assert [name for name in names if name in {"overhead", "selection", "loader", "scale"}] == [
        "overhead", "selection", "loader", "scale",
    ]  # fmt: skip
    assert [name for name, after in pairwise(names) if after == "store-1.28M"] == ["scale"]


def test_overhead_is_judged_by_epochs_and_by_whole_cycles(surroundings: Surroundings, monkeypatch):
    monkeypatch.setattr(overhead, "CYCLE", 2)
    line = Overhead(samples=60, cycles=2, precision="float32").measure(surroundings)
    assert goals(line) == {f"an epoch, {SADA} over it": "≤ 1.03", f"a cycle, {JOINT} over it": "≤ 1.1"}
    assert counts(line, "x") == {
        f"an epoch, {SADA} over it": 4, f"a cycle, {JOINT} over it": 2, f"an epoch, {JOINT} over it": 4,
    }  # fmt: skip
    assert {name: count for name, count in counts(line, "s").items() if count > 1} == {
        f"an epoch, {name}": 4 for name in (PLAIN, SADA, JOINT)
    }
    assert f"map of {JOINT}, mean of an epoch" in counts(line, "s")
    assert f"map of {SADA}, mean of an epoch" not in counts(line, "s")


def test_both_runs_of_the_overhead_train_on_all_samples_alike(surroundings: Surroundings):
    dataset = cifar.loaded(surroundings.cifar(), 60)
    bench = Overhead(precision="float32")
    with side_by_side({name: (dataset, bench.settings(name)) for name in (SADA, JOINT)}) as runs:
        for _ in range(3):
            lessons = [run.lesson() for run in runs.values()]
            assert_array_equal(lessons[0].strengths, lessons[1].strengths)
            assert [ids.tolist() for ids in lessons[0].steps] == [ids.tolist() for ids in lessons[1].steps]
            for run in runs.values():
                run.epoch()


def test_selection_keeps_half_and_refreshes_where_it_says_so(surroundings: Surroundings, monkeypatch):
    monkeypatch.setattr(selection, "CYCLE", 2)
    made: dict[str, SimpleNamespace] = {}
    measured = selection.parts_of

    def seen(run: EngineRun, name: str) -> list[Figure]:
        rows = queries.metrics(run.run)
        made[name] = SimpleNamespace(
            kept=rows.kept.tolist(), passed=(rows.samples_forwarded - rows.kept).tolist()
        )
        return measured(run, name)

    monkeypatch.setattr(selection, "parts_of", seen)
    line = SelectionCost(samples=60, cycles=2, precision="float32").measure(surroundings)
    assert made[STALE].kept == made[REFRESHED].kept == [60, 30, 30, 30, 30]
    assert made[STALE].passed == [60, 0, 0, 0, 0]
    assert made[REFRESHED].passed == [60, 0, 60, 0, 60]
    over = {name: f"an epoch, {name} over {EVERYTHING}" for name in (RANDOM, STALE, REFRESHED)}
    assert goals(line) == {over[STALE]: "≤ 0.55", over[REFRESHED]: "≤ 0.68"}
    assert set(counts(line, "x").values()) == {2}
    agreed = [figure.values for figure in line.figures if figure.name.startswith("Jaccard")]
    assert [len(values) for values in agreed] == [2, 2]
    assert agreed[1][-1] == 1  # features are those of the pass that was just made


def test_costs_of_selection_are_means_of_cycles():
    seconds = {
        EVERYTHING: [2.0] * 10,
        RANDOM: [1.0] * 10,
        STALE: [1.1] * 10,
        REFRESHED: [1, 1, 1, 1, 2.0, 1, 1, 1, 1, 4.0],
    }
    found = {figure.name: figure.values for figure in selection.compared(seconds)}
    assert found[f"an epoch, {REFRESHED} over {EVERYTHING}"] == pytest.approx([0.6, 0.8])
    assert found[f"an epoch, {STALE} over {RANDOM}"] == pytest.approx([1.1, 1.1])
    assert found[f"an epoch, {REFRESHED}"] == pytest.approx([1.2, 1.6])


def test_loader_compares_whole_epochs_with_and_without_a_worker(surroundings: Surroundings):
    line = Loader(samples=60, repeats=2, workers=(0,), precision="float32").measure(surroundings)
    assert goals(line) == {"gain over per sample, 0 workers": "≥ 1"}
    assert counts(line, "images/s") == {"rate, the engine": 2, "rate, per sample, 0 workers": 2}
    assert Loader().workers == (0, 1)


def test_scale_draws_a_curve_and_says_how_flat_it_is(surroundings: Surroundings):
    line = Scale(sizes=(30, 60), repeats=1, precision="float32").measure(surroundings)
    assert goals(line) == {"largest over smallest, an epoch without its map": "≤ 1.5"}
    parts = ("an epoch without its map", *epochs.PARTS)
    assert list(counts(line, "µs/sample")) == [f"{part}, {size}" for part in parts for size in ("30", "60")]
    assert min(figure.values[0] for figure in line.figures) > 0


def test_cost_per_sample_leaves_the_map_out_and_a_flat_curve_has_ratio_one():
    run = SimpleNamespace(
        spent=[{}, {epochs.EPOCH: 3.0, "map": 1.0, "training": 2.0}],
        state=SimpleNamespace(signals=[0] * 1000),
    )
    costs = scale.per_sample(run)
    assert costs["an epoch without its map"] == [2000]
    assert costs["training"] == [2000]
    dearer = {name: [2 * value for value in values] for name, values in costs.items()}
    ratios = {figure.name: figure.values[0] for figure in scale.spread({"1": costs, "2": dearer})}
    assert ratios["largest over smallest, map"] == 2
    assert scale.spread({"1": costs, "2": costs})[0].values == [1]
