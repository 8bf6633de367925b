"""The lines of the bench on tiny sizes: what they count and compare, never how long it takes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from engine import density
from engine.bench import augment, cifar, repeats
from engine.bench import density as lines
from engine.bench.augment import Augment
from engine.bench.consistency import Consistency
from engine.bench.density import Density, agreement_of
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

    monkeypatch.setattr(lines, "PEERS", {"numpy": ("numpy", peer), "absent": ("no_such_module", peer)})
    line = Density(samples=60, epochs=1, repeats=2).measure(surroundings)
    assert "60 x 128 features of resnet8_wide after 1 epochs" in line.compared
    found = figures(line)
    kept = [name for name in found if name.startswith("Jaccard")]
    assert len(kept) == 4
    # Among so few samples HNSW finds all neighbours, so both keep the same.
    assert {tuple(found[name].values) for name in [*kept, "recall@10, all rows"]} == {(1.0, 1.0)}
    times = [figure for figure in line.figures if figure.unit == "s"]
    assert [len(figure.values) for figure in times] == [2] * 4  # two HNSW, exact, the peer
    assert [len(figure.values) for figure in line.figures if figure.unit == "x"] == [2] * 3
    # Once before, to compile, and once after, for its recall.
    assert asked == [((60, 128), 10, repeat) for repeat in (0, 0, 1, 0)]
    assert found["recall@10, numpy"].values == [0.0]
    assert line.notes[0] == repeats.absent("absent")
    assert line.notes[1].startswith("numpy took ")


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
    line = Augment(samples=40, repeats=2, kernel_rounds=1).measure(Surroundings(Path("cache")))
    rates = [figure for figure in line.figures if figure.unit == "images/s"]
    assert [len(figure.values) for figure in rates] == [2] * 4
    assert figures(line)["largest difference"].values[0] <= 1
    assert figures(line)["pixels that differ from torchvision's"].values[0] <= 0.12


def test_tiles_are_squares_of_the_photographs():
    from sklearn.datasets import load_sample_image

    whole = load_sample_image("china.jpg")
    found = augment.tiles(600)
    assert found.shape == (600, 3, 32, 32)
    assert (found[21].transpose(1, 2, 0) == whole[32:64, 32:64]).all()  # 20 tiles a row
    assert (found[520] == found[0]).all()
