"""The lines of the bench on tiny sizes: what they count and compare, never how long it takes."""

from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray

from engine import density
from engine.bench import augment, augment_peers, cifar, density_peers, repeats
from engine.bench import density as lines
from engine.bench.augment import Augment
from engine.bench.consistency import Consistency
from engine.bench.density import Density, agreement_of
from engine.bench.density_peers import Peer
from engine.bench.line import Figure, Line, Missing, Surroundings
from engine.density import DensitySettings
from tests.encoded import png, write_parquet


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Surroundings:
    """Files named as CIFAR-10's with 100 images of two colours, red and blue."""
    folder = tmp_path_factory.mktemp("cifar")
    rng = np.random.default_rng(0)
    for name, count in (("train", 100), ("test", 20)):
        labels = [row % 2 for row in range(count)]
        write_parquet(
            folder / f"cifar10_{name}.parquet", [png(coloured(label, rng)) for label in labels], labels
        )
    return Surroundings(shared_cache, folder)


def coloured(label: int, rng: np.random.Generator) -> ndarray:
    image = rng.integers(0, 100, (32, 32, 3), dtype=np.uint8)
    image[:, :, 2 * label] += 150
    return image


def figures(line: Line) -> dict[str, Figure]:
    return {figure.name: figure for figure in line.figures}


@pytest.mark.parametrize("bench", [Density(), Consistency()], ids=["density", "consistency"])
@pytest.mark.parametrize("data", [None, Path("no-such-folder")], ids=["none", "empty"])
def test_without_the_images_a_line_says_what_it_needs(bench: Density | Consistency, data: Path | None):
    with pytest.raises(Missing, match=r"needs cifar10_train\.parquet and .* --data FOLDER"):
        bench.measure(Surroundings(Path("cache"), data))


def test_density_trains_a_net_and_compares_what_would_be_kept(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def peer(features: ndarray, k: int) -> Callable[[int], ndarray]:
        def find(repeat: int) -> ndarray:
            asked.append((features.shape, k, repeat))
            return np.full((len(features), k), -2)

        return find

    peers = {"numpy": Peer("numpy", peer), "absent": Peer("no_such_module", peer)}
    monkeypatch.setattr(lines, "PEERS", peers)
    line = Density(samples=60, larger=((100, 1),), epochs=1, repeats=2).measure(surroundings)
    assert "60 x 128 features of resnet8_wide after 1 epochs" in line.compared
    found = figures(line)
    kept = [name for name in found if name.startswith("Jaccard of the kept at 60")]
    assert len(kept) == 4
    # Among so few samples HNSW finds all neighbours, so both keep the same.
    assert {tuple(found[name].values) for name in [*kept, "recall@10 at 60, all rows"]} == {(1.0, 1.0)}
    times = [figure for figure in line.figures if figure.unit == "s"]
    assert [len(figure.values) for figure in times] == [2] * 4 + [1] * 4  # two HNSW, exact, the peer
    assert [len(figure.values) for figure in line.figures if figure.unit == "x"] == [2] * 3 + [1] * 3
    # Once before, to compile, and then in every repeat; the last one's ids are checked.
    assert asked == [((60, 128), 10, repeat) for repeat in (0, 0, 1)] + [((100, 128), 10, 0)]
    assert found["recall@10 at 60, numpy"].values == [0.0]
    assert line.notes[0] == repeats.absent("absent")
    assert line.notes[1].startswith("numpy took ")


def test_the_index_has_to_beat_all_pairs_only_where_they_are_many(monkeypatch: pytest.MonkeyPatch):
    features = density.normalised(np.random.default_rng(0).normal(size=(60, 8)))
    monkeypatch.setattr(density_peers, "EXACT_GOAL_FROM", 60)
    settings = DensitySettings(index="hnsw")
    for rows, goals in ((features[:59], ["≥ 2.5"]), (features, ["≥ 1", "≥ 2.5"])):
        compared = density_peers.compare(rows, settings, {}, repeats=1)
        assert [str(figure.goal) for figure in compared if figure.goal] == goals


def test_a_peer_that_compiles_for_long_is_left_out_of_small_sizes_and_named():
    asked, notes = density_peers.asked_peers(
        {"slow": Peer("numpy", density_peers.by_faiss, is_slow_to_start=True)}, slow=False
    )
    assert asked == {}
    assert notes[0].startswith("slow is left out")


def test_the_denser_graph_is_hnswlib_as_it_comes():
    features = density.normalised(np.random.default_rng(0).normal(size=(200, 8)))
    true = density_peers.exact_ids(features, 10)
    found = density_peers.by_plain_hnsw(features, DensitySettings(index="hnsw"))(0)
    assert density.recall(found, true) == 1
    assert density_peers.seed_of(0) != density_peers.seed_of(1) != 0


def test_agreement_falls_where_the_index_finds_half_of_the_neighbours(monkeypatch: pytest.MonkeyPatch):
    features = density.normalised(np.random.default_rng(0).normal(size=(200, 8)))
    whole = density.nearest_neighbours(features, DensitySettings(index="exact"), seed=0)
    shifted = whole._replace(ids=np.where(np.arange(10) < 5, whole.ids, -1), distances=whole.distances[::-1])
    monkeypatch.setattr(density, "nearest_neighbours", lambda *_, **__: shifted)
    recall, *kept = agreement_of(features, np.ones(200), DensitySettings(), repeats=1)
    assert recall.values == [0.5]
    assert all(figure.values[0] < 0.9 for figure in kept)


def test_consistency_flips_other_labels_in_each_repeat_and_embeds_anew(surroundings: Surroundings):
    line = Consistency(samples=100, seeds=(0, 1)).measure(surroundings)
    found = figures(line)
    assert {len(figure.values) for figure in line.figures} == {2}
    assert all(0 <= value <= 1 for value in found["AUROC, all classes"].values)
    adapting, all_of_it = found["time, adapters alone"], found["time, embedding and adapters"]
    assert min(all_of_it.values) > 0 and min(adapting.values) > 0


def test_flipped_labels_are_a_fifth_and_follow_from_the_seed(surroundings: Surroundings):
    dataset = cifar.loaded(surroundings.cifar(), 100)
    one, other = (cifar.flipped(dataset, seed) for seed in (0, 1))
    for flipped in (one, other):
        assert (flipped.labels != flipped.true_labels).sum() == 20
    assert (one.labels != other.labels).any()


def test_so_many_images_are_taken_each_class_in_proportion(surroundings: Surroundings):
    assert np.bincount(cifar.loaded(surroundings.cifar(), 30).labels).tolist() == [15, 15]


def test_augment_needs_no_data_and_counts_every_repeat():
    bench = Augment(samples=40, large_samples=2, repeats=2, kernel_rounds=1)
    line = bench.measure(Surroundings(Path("cache")))
    found = figures(line)
    for side, goals in ((32, ["≥ 30", "≥ 30", "≥ 30", "≥ 5"]), (224, ["≥ 3", "≥ 3", "None", "None"])):
        rates = [one for name, one in found.items() if name.startswith(f"rate at {side}")]
        gains = [one for name, one in found.items() if name.startswith(f"gain at {side}")]
        others = 4 if util.find_spec("kornia") else 3
        assert [len(figure.values) for figure in rates] == [2] * (others + 1)
        assert [str(figure.goal) for figure in gains] == goals[:others]
    assert found["largest difference"].values[0] <= 1
    assert found["pixels that differ from torchvision's"].values[0] <= 0.12


def test_kornia_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(util, "find_spec", lambda _: None)
    monkeypatch.setattr(augment, "differing", lambda _: (0.0, 0.0))
    line = Augment(samples=2, large_samples=1, repeats=1, kernel_rounds=1).measure(
        Surroundings(Path("cache"))
    )
    assert not [name for name in figures(line) if "kornia" in name]
    assert line.notes[-1] == repeats.absent("kornia")


def test_each_augments_as_many_images_of_the_same_shape_as_it_is_rated_for():
    images = augment.tiles(130)
    for name, one in augment_peers.contenders(images, kernel_rounds=2).items():
        made = one.run(0)
        sizes = [pixels_of(image) for image in made]
        assert sum(sizes) == one.rounds * images.size, name


def pixels_of(image: Any) -> int:
    """Values of an image or a batch of them, of whatever kind."""
    return image.numel() if isinstance(image, torch.Tensor) else np.asarray(image).size


def test_tiles_are_squares_of_the_photographs():
    from sklearn.datasets import load_sample_image

    whole = load_sample_image("china.jpg")
    found = augment.tiles(600)
    assert found.shape == (600, 3, 32, 32)
    assert (found[21].transpose(1, 2, 0) == whole[32:64, 32:64]).all()  # 20 tiles a row
    assert (found[520] == found[0]).all()
