"""A person's own loop through the tracker: what it logs is what a brute-force computation beside it finds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.influence import InfluenceSettings
from engine.maps import MapSettings
from engine.selection.joint import Joint
from engine.strength.sada import Sada
from engine.track import Numbered, Tracker
from store import queries
from store.run import Run, find_runs

SAMPLES, CLASSES, WIDTH = 200, 10, 16
NO_MAPS = MapSettings(every=0)
FAST = {"maps": NO_MAPS, "influence": InfluenceSettings(window=2)}


@pytest.fixture(scope="module")
def digits() -> SimpleNamespace:
    """The first digits: images (N, 1, 8, 8) from 0 to 1 and labels (N,)."""
    torch.set_num_threads(1)
    loaded = load_digits()
    images = torch.tensor(loaded.images[:SAMPLES], dtype=torch.float32)[:, None] / 16
    return SimpleNamespace(images=images, labels=torch.tensor(loaded.target[:SAMPLES]))


def make_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))


Seen = Callable[[Tensor, Tensor], None]


def train(
    digits: SimpleNamespace, net: nn.Module, *, seen: Seen, ended: Callable[[], None], epochs: int = 3
) -> None:
    """A plain loop; seen is called with the ids and logits of each batch, ended after each epoch."""
    optimizer = torch.optim.SGD(net.parameters(), 0.5)
    order = torch.Generator().manual_seed(1)
    for _ in range(epochs):
        for ids in torch.randperm(SAMPLES, generator=order).split(32):
            logits = net(digits.images[ids])
            loss = cross_entropy(logits, digits.labels[ids])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen(ids, logits)
        ended()


@pytest.fixture(scope="module")
def tracked(digits: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run of a plain loop, and the losses (epochs, N) and features of the last visits kept beside it."""
    net, losses, features, logged = make_net(), np.full((3, SAMPLES), np.nan), np.zeros((SAMPLES, WIDTH)), []
    settings = {"influence": InfluenceSettings(window=2, newest_weight=0.75), "maps": MapSettings(every=1)}
    tracker = Tracker(
        tmp_path_factory.mktemp("tracked"), labels=digits.labels, images=digits.images, features_of=net[2],
        epochs=3, hyperparameters={"learning_rate": 0.5}, **settings,
    )  # fmt: skip

    def seen(ids: Tensor, logits: Tensor) -> None:
        for row, sample_id in enumerate(ids.tolist()):
            chance = torch.softmax(logits[row].detach().double(), 0)[digits.labels[sample_id]]
            losses[len(logged), sample_id] = -float(chance.log())
        tracker.add(ids, logits)

    def ended() -> None:
        tracker.end_epoch(0.5 + 0.1 * len(logged), test_loss=1.0, learning_rate=0.5)
        logged.append(len(logged))

    caught: list[Tensor] = []
    net[2].register_forward_hook(lambda _module, _inputs, output: caught.append(output.detach()))

    def seen_with_features(ids: Tensor, logits: Tensor) -> None:
        features[ids.numpy()] = caught[-1].numpy()
        seen(ids, logits)

    train(digits, net, seen=seen_with_features, ended=ended)
    return SimpleNamespace(run=tracker.run, losses=losses, features=features, net=net)


def column(run: Run, name: str, epoch: int) -> np.ndarray:
    rows = queries.epoch_rows(run, epoch, [name])
    return rows[name].to_numpy("float64", na_value=np.nan)


# ---- what is logged


def test_losses_influences_and_variances_are_those_of_a_brute_force_computation(tracked: SimpleNamespace):
    changes = np.abs(np.diff(tracked.losses, axis=0))
    for epoch in range(3):
        assert_allclose(column(tracked.run, "loss", epoch), tracked.losses[epoch], rtol=2e-4, atol=1e-6)
    assert np.isnan(column(tracked.run, "influence", 0)).all()
    assert_allclose(column(tracked.run, "influence", 2), changes[1], rtol=1e-3, atol=1e-5)
    # The window of two is full after the third visit, and the first variance stands for itself.
    assert np.isnan(column(tracked.run, "variance", 1)).all()
    assert_allclose(column(tracked.run, "variance", 2), np.var(changes, axis=0), rtol=1e-3, atol=1e-6)


def test_neighbour_distances_are_those_of_all_pairs(tracked: SimpleNamespace):
    rows = tracked.features / np.linalg.norm(tracked.features, axis=1, keepdims=True)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    expected = np.sort(apart, axis=1)[:, :10].mean(1)
    assert_allclose(column(tracked.run, "neighbour_distance", 2), expected, atol=2e-3)
    rarity = column(tracked.run, "rarity", 2)
    assert expected[rarity == 1].min() >= expected[rarity == 0].max()


def test_metrics_are_the_loops_own(tracked: SimpleNamespace):
    metrics = queries.metrics(tracked.run)
    assert_allclose(metrics["test_accuracy"], [0.5, 0.6, 0.7], rtol=1e-6)
    assert metrics["test_loss"].tolist() == [1, 1, 1]
    assert metrics["learning_rate"].tolist() == [0.5, 0.5, 0.5]
    assert_allclose(metrics["mean_loss"], tracked.losses.mean(1), rtol=1e-4)
    assert metrics["samples_backpropagated"].tolist() == [SAMPLES] * 3


def test_what_the_loop_did_not_say_is_unknown(tracked: SimpleNamespace):
    for name in ("strength", "weight", "operation", "clean_loss", "score"):
        assert np.isnan(column(tracked.run, name, 2)).all(), name
    assert column(tracked.run, "selected", 2).all()


def test_a_finished_run_is_done_folded_and_has_thumbnails_and_maps(tracked: SimpleNamespace):
    status = tracked.run.status()
    assert (status.state, status.epochs, status.is_tracked) == ("done", 3, True)
    assert list(tracked.run.folder.glob("run*.duckdb"))
    assert tracked.run.map_epochs() == [0, 1, 2]
    thumbnails = tracked.run.thumbnails()
    assert thumbnails is not None
    assert thumbnails.shape == (SAMPLES, 8, 8, 1)
    assert (thumbnails.min(), thumbnails.max()) == (0, 255)


def test_what_the_first_batch_shows_is_kept(tracked: SimpleNamespace):
    about = tracked.run.about()
    assert (about["n"], about["device"], about["precision"], about["index"]) == (
        SAMPLES,
        "cpu",
        "float32",
        "hnsw",
    )


def test_the_training_stays_as_it_was(tracked: SimpleNamespace, digits: SimpleNamespace):
    net = make_net()
    train(digits, net, seen=lambda _ids, _logits: None, ended=lambda: None)
    for with_tracker, without in zip(tracked.net.parameters(), net.parameters(), strict=True):
        assert torch.equal(with_tracker, without)
    assert not tracked.net[2]._forward_hooks or len(tracked.net[2]._forward_hooks) == 1  # the test's own


# ---- the four lines


def plain(lines: list[str]) -> list[str]:
    return [line for line in lines if "racker" not in line]


def readme_example() -> list[str]:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = text.split("## Your own training loop", 1)[1].split("```python\n", 1)[1].split("```", 1)[0]
    return block.splitlines()


def test_the_loop_in_the_readme_needs_four_lines_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    example = readme_example()
    without = plain(example)
    assert len(example) - len(without) == 4
    ends = []
    for lines in (without, example):
        torch.manual_seed(0)
        scope: dict[str, object] = {}
        exec(compile("\n".join(lines), "README.md", "exec"), scope)
        ends.append(scope["net"])
    assert all(torch.equal(*pair) for pair in zip(*(net.parameters() for net in ends), strict=True))
    run = find_runs(tmp_path / "runs")[0]
    assert run.status().state == "done"
    assert len(queries.metrics(run)) == run.config()["epochs"]
    assert run.map_epochs()


class Module:
    """What a person writes for a trainer with hooks; the tracker's calls are the four lines."""

    def __init__(self, digits: SimpleNamespace, root: Path) -> None:
        self.digits, self.net = digits, make_net()
        self.tracker = Tracker(root, labels=digits.labels, **FAST)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        ids, images, labels = batch
        logits = self.net(images)
        self.tracker.add(ids, logits)
        return cross_entropy(logits, labels)

    def on_train_epoch_end(self) -> None:
        self.tracker.end_epoch()

    def on_train_end(self) -> None:
        self.tracker.close()


def fit(module: Module, loader: torch.utils.data.DataLoader, epochs: int) -> None:
    """A trainer that knows hooks and nothing of what stands in them."""
    optimizer = torch.optim.SGD(module.net.parameters(), 0.5)
    for _ in range(epochs):
        for batch in loader:
            optimizer.zero_grad()
            module.training_step(batch).backward()
            optimizer.step()
        module.on_train_epoch_end()
    module.on_train_end()


def test_a_trainer_with_hooks_is_tracked_from_inside_them(digits: SimpleNamespace, tmp_path: Path):
    dataset = Numbered(torch.utils.data.TensorDataset(digits.images, digits.labels))
    module = Module(digits, tmp_path)
    fit(module, torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True), epochs=2)
    run = module.tracker.run
    assert (run.status().state, run.status().epochs, run.last_epoch()) == ("done", 2, 1)
    assert not np.isnan(column(run, "influence", 1)).any()


# ---- what a loop may leave out or do its own way


def test_without_features_there_is_no_map_and_no_rarity(digits: SimpleNamespace, tmp_path: Path):
    with Tracker(tmp_path, labels=digits.labels, influence=FAST["influence"]) as tracker:
        tracker.add(torch.arange(SAMPLES), torch.zeros(SAMPLES, CLASSES))
        tracker.end_epoch()
    assert tracker.run.map_epochs() == []
    assert tracker.run.thumbnails() is None
    for name in ("rarity", "density", "feature_age"):
        assert np.isnan(column(tracker.run, name, 0)).all(), name
    assert_allclose(column(tracker.run, "loss", 0), np.log(CLASSES), rtol=1e-6)


def test_the_last_of_several_visits_counts(tmp_path: Path):
    tracker = Tracker(tmp_path, labels=[0, 1, 0], **FAST)
    tracker.add([0, 1], torch.zeros(2, 2), losses=torch.tensor([1.0, 2.0]))
    tracker.add([1, 1], torch.zeros(2, 2), losses=torch.tensor([3.0, 4.0]))
    tracker.end_epoch()
    assert_array_equal(column(tracker.run, "loss", 0), [1, 4, np.nan])
    assert_array_equal(column(tracker.run, "selected", 0), [1, 1, 0])
    assert queries.metrics(tracker.run)["samples_forwarded"].tolist() == [4]
    tracker.close()


def test_strengths_and_weights_of_an_own_policy_are_logged(tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1, 0], **FAST) as tracker:
        tracker.add([2, 0], torch.zeros(2, 2), strengths=[0.25, 0.5], weights=torch.tensor([2.0, 1.0]))
        tracker.end_epoch()
    assert_allclose(column(tracker.run, "strength", 0), [0.5, np.nan, 0.25])
    assert_allclose(column(tracker.run, "weight", 0), [1, np.nan, 2])


def test_features_that_come_late_join_in_and_samples_without_them_stay_off_the_map(tmp_path: Path):
    rng = np.random.default_rng(0)
    with Tracker(tmp_path, labels=np.arange(30) % 2, maps=MapSettings(every=1)) as tracker:
        tracker.add(np.arange(30), torch.zeros(30, 2))
        tracker.end_epoch()
        tracker.add(
            np.arange(25), torch.zeros(25, 2), torch.tensor(rng.normal(size=(25, 3)), dtype=torch.float32)
        )
        tracker.end_epoch()
    assert tracker.run.map_epochs() == [1]
    assert tracker.run.read_map(1)["sample_id"].tolist() == list(range(25))
    assert np.isnan(column(tracker.run, "rarity", 1)[25:]).all()
    assert not np.isnan(column(tracker.run, "rarity", 1)[:25]).any()


def test_the_engines_policy_and_strategy_choose_for_an_own_loop(digits: SimpleNamespace, tmp_path: Path):
    consistency = np.linspace(0, 1, SAMPLES)
    tracker = Tracker(
        tmp_path, labels=digits.labels, epochs=4, policy=Sada(), strategy=Joint(keep=0.5), maps=NO_MAPS,
        consistency=consistency, influence=InfluenceSettings(window=2),
    )  # fmt: skip
    kept, rng = [], np.random.default_rng(0)
    for epoch in range(4):
        ids = tracker.selection.ids
        kept.append(len(ids))
        assert 0 <= tracker.strengths.min() <= tracker.strengths.max() <= 1
        used = tracker.strengths[ids]
        tracker.add(ids, torch.tensor(rng.normal(size=(len(ids), CLASSES))), digits.images[ids].flatten(1))
        tracker.end_epoch()
        assert_allclose(column(tracker.run, "strength", epoch)[ids], used, rtol=1e-6)
    assert kept == [SAMPLES, SAMPLES // 2, SAMPLES // 2, SAMPLES // 2]
    score = column(tracker.run, "score", 2)
    assert score[ids].min() >= np.delete(score, ids).max()


def test_strengths_and_selection_need_a_policy_and_a_strategy(tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1], **FAST) as tracker:
        with pytest.raises(ValueError, match="policy=Sada"):
            _ = tracker.strengths
        with pytest.raises(ValueError, match="strategy=Joint"):
            _ = tracker.selection


@pytest.mark.parametrize("shape", [(6, 3, 80, 40), (6, 80, 40, 3), (6, 80, 40)])
def test_images_are_shown_whatever_the_order_of_their_axes(shape: tuple[int, ...], tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Tracker(tmp_path, labels=[0, 1] * 3, images=images) as tracker:
        thumbnails = tracker.run.thumbnails()
    assert thumbnails is not None
    assert thumbnails.shape == (6, 40, 20, 3 if len(shape) == 4 else 1)


def test_images_of_a_data_set_are_asked_for_one_by_one(digits: SimpleNamespace, tmp_path: Path):
    dataset = torch.utils.data.TensorDataset(digits.images[:6], digits.labels[:6])
    with Tracker(tmp_path, labels=digits.labels[:6], images=dataset) as tracker:
        thumbnails = tracker.run.thumbnails()
    assert thumbnails is not None
    expected = np.rint(
        255
        * digits.images[:6].permute(0, 2, 3, 1).numpy()
        / digits.images[:6].amax((1, 2, 3))[:, None, None, None].numpy()
    )
    assert_array_equal(thumbnails, np.repeat(expected, 3, axis=3))


# ---- what is refused


@pytest.mark.parametrize(
    ("ids", "logits", "given", "sentence"),
    [
        ([0, 3], (2, 2), {}, r"ids must be rows of labels, from 0 to 2; got 3"),
        ([-1, 7], (2, 2), {}, r"got -1, 7"),
        ([0.0, 1.0], (2, 2), {}, r"ids must be whole numbers; got float32"),
        ([[0], [1]], (2, 2), {}, r"ids must have the shape \(B,\), one a row of the batch; got \(2, 1\)"),
        ([0, 1], (3, 2), {}, r"logits must have the shape \(2, 2\); got \(3, 2\)"),
        ([0, 1], (2, 5), {}, r"logits must have the shape \(2, 2\); got \(2, 5\)"),
        ([0, 1], (2, 2), {"losses": torch.tensor(1.0)}, r"losses must have the shape \(2,\); got \(\)"),
        (
            [0, 1],
            (2, 2),
            {"features": torch.zeros(3, 4)},
            r"features must have the shape \(2, 4\); got \(3, 4\)",
        ),
        (
            [0, 1],
            (2, 2),
            {"strength": [0, 1]},
            r"strengths and weights besides the measurements; got strength",
        ),
    ],
)
def test_what_does_not_fit_is_named(ids, logits, given, sentence, tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1, 0]) as tracker, pytest.raises(ValueError, match=sentence):
        tracker.add(ids, torch.zeros(logits), **given)


def test_wrong_ids_on_an_accelerator_are_refused_when_the_epoch_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with Tracker(tmp_path, labels=[0, 1, 0]) as tracker:
        monkeypatch.setattr(torch.Tensor, "is_cpu", False)
        tracker.add(torch.tensor([0, 3]), torch.zeros(2, 2))
        with pytest.raises(ValueError, match="rows of labels, from 0 to 2; got 0 to 3"):
            tracker.end_epoch()
    assert tracker.run.last_epoch() == -1


def test_features_of_another_width_are_refused(tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1, 0], maps=NO_MAPS) as tracker:
        tracker.add([0, 1, 2], torch.zeros(3, 2), torch.ones(3, 4))
        tracker.end_epoch()
        with pytest.raises(ValueError, match="features must be 4 wide, as in the epochs before; got 0"):
            tracker.add([0, 1, 2], torch.zeros(3, 2))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"labels": [0, -1]}, "labels must be two or more whole numbers from 0"),
        ({"labels": [0, 2], "class_names": ["a", "b"]}, "class_names must be at least 3, one a label; got 2"),
        ({"labels": [0, 1], "true_labels": [0]}, r"true_labels must have the shape \(2,\)"),
        ({"labels": [0, 1], "consistency": [0, 2]}, "consistency must be from 0 to 1; got 0 to 2"),
        ({"labels": [0, 1], "images": np.zeros((3, 8, 8))}, "images must be 2, one a label; got 3"),
        ({"labels": [0, 1], "strategy": Joint()}, "give epochs="),
        ({"labels": [0, 1], "influence": InfluenceSettings(probe="clean")}, "influence.probe of a tracker"),
    ],
)
def test_a_tracker_that_cannot_work_leaves_no_run(given, sentence, tmp_path: Path):
    with pytest.raises(ValueError, match=sentence):
        Tracker(tmp_path, **given)
    assert find_runs(tmp_path) == []


def test_an_epoch_without_a_batch_is_refused_and_so_is_a_closed_tracker(tmp_path: Path):
    tracker = Tracker(tmp_path, labels=[0, 1])
    with pytest.raises(ValueError, match="epoch 0 must have a batch; call add before end_epoch"):
        tracker.end_epoch()
    tracker.close()
    tracker.close()
    with pytest.raises(ValueError, match="is closed; make a new tracker"):
        tracker.add([0], torch.zeros(1, 2))


# ---- how it ends


def test_an_exception_in_the_loop_is_a_failed_run_with_its_message(tmp_path: Path):
    tracker = Tracker(tmp_path, labels=[0, 1], **FAST)
    with pytest.raises(RuntimeError), tracker:
        tracker.add([0, 1], torch.zeros(2, 2))
        tracker.end_epoch()
        raise RuntimeError("the loader broke")
    assert (tracker.run.status().state, tracker.run.status().message) == ("failed", "the loader broke")
    assert tracker.run.last_epoch() == 0


def test_a_request_to_stop_is_told_and_never_thrown(tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1], epochs=9, **FAST) as tracker:
        tracker.run.request_stop()
        assert tracker.should_stop
        assert tracker.run.status().state == "stopping"
        tracker.add([0, 1], torch.zeros(2, 2))
        tracker.end_epoch()
    status = tracker.run.status()
    assert (status.state, status.message) == ("stopped", "stopped after 1 whole epochs")
    assert not tracker.run.stop_requested()


def test_a_run_is_running_from_the_first_moment(tmp_path: Path):
    with Tracker(tmp_path, labels=[0, 1], **FAST) as tracker:
        status = tracker.run.status()
        assert (status.state, status.pid) == ("running", os.getpid())
    assert tracker.run.status().state == "done"


@pytest.mark.parametrize(("ending", "state"), [("", "done"), ("raise OSError('no light')", "failed")])
def test_a_run_that_nobody_closed_ends_with_its_program(ending: str, state: str, tmp_path: Path):
    program = f"""
import torch
from engine.track import Tracker
tracker = Tracker({str(tmp_path)!r}, labels=[0, 1])
tracker.add([0, 1], torch.zeros(2, 2))
tracker.end_epoch()
{ending}
"""
    subprocess.run([sys.executable, "-c", program], check=not ending, capture_output=True)
    run = find_runs(tmp_path)[0]
    assert run.status().state == state
    assert run.status().message == ("no light" if ending else "")


def test_hyperparameters_are_kept_as_far_as_json_can(tmp_path: Path):
    own = {"rate": 0.1, "layers": [1, 2], "device": torch.device("cpu")}
    with Tracker(tmp_path, labels=[0, 1], name="mine", hyperparameters=own) as tracker:
        config = json.loads((tracker.run.folder / "config.json").read_text())
    assert config["tracked"] is True
    assert config["hyperparameters"] == {"rate": 0.1, "layers": [1, 2], "device": "cpu"}
