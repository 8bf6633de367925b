"""Consistency, end to end on handwritten digits with known wrong labels and the packaged encoder."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy import ndarray
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from engine.consistency.measure import Measured, consistency
from engine.consistency.settings import Adapters, NoConsistency, Offline

NAMES = tuple(str(digit) for digit in range(10))
PROMPTS = ("a photo of the digit {}",)
TRAINING = 1437  # 80 % of the 1,797 digits


def ignore(phase: str, share: float) -> None:
    """Takes a report and does nothing with it."""


def refused(*_: Any, **__: Any) -> None:
    raise AssertionError("asked the network")


def with_flips(labels: ndarray, share: float) -> tuple[ndarray, ndarray]:
    """Returns the labels with a share of them moved to another class, and which ones those are."""
    rng = np.random.default_rng(0)
    flipped = rng.permutation(len(labels)) < round(share * len(labels))
    return np.where(flipped, (labels + rng.integers(1, 10, len(labels))) % 10, labels), flipped


@pytest.fixture(scope="module")
def samples() -> tuple[ndarray, ndarray, ndarray]:
    """Images (N, 1, 8, 8), labels with 10 % flipped, and which ones are."""
    loaded = load_digits()
    rows = np.random.default_rng(0).permutation(len(loaded.target))[:TRAINING]
    images = (loaded.images[rows] / 16 * 255).round().astype(np.uint8)[:, None]
    return images, *with_flips(loaded.target[rows], 0.1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def measured(samples: tuple[ndarray, ndarray, ndarray], cache: Path) -> Measured:
    """The consistency of the digits, measured with an empty cache and a network that answers nobody."""
    images, labels, _ = samples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        patch.setattr(socket, "getaddrinfo", refused)
        return consistency(
            images, labels, NAMES, settings=Offline(), prompts=PROMPTS, cache=cache, report=ignore
        )


@pytest.fixture
def again(cache: Path) -> Callable[..., Measured]:
    """Measures in the cache where the digits' embeddings are known."""

    def measure(images: ndarray, labels: ndarray, **changed: Any) -> Measured:
        wanted: dict[str, Any] = {"settings": Offline(), "prompts": PROMPTS, "cache": cache, "report": ignore}
        return consistency(images, labels, NAMES, **(wanted | changed))

    return measure


def test_flipped_labels_have_the_lower_consistency(
    samples: tuple[ndarray, ndarray, ndarray], measured: Measured
) -> None:
    _, _, flipped = samples
    assert measured.values[flipped].mean() < measured.values[~flipped].mean() - 0.3
    assert roc_auc_score(~flipped, measured.values) >= 0.95


def test_values_span_0_to_1_and_name_their_encoder(measured: Measured) -> None:
    assert (measured.values.min(), measured.values.max(), str(measured.values.dtype)) == (0, 1, "float32")
    assert measured.encoder == "EfficientNet-Lite0 and all-MiniLM-L6-v2, packaged"
    assert not measured.cached


def test_the_same_question_is_answered_from_the_cache(
    samples: tuple[ndarray, ndarray, ndarray], measured: Measured, again: Callable[..., Measured]
) -> None:
    images, labels, _ = samples
    second = again(images, labels.copy())
    assert second.cached
    assert second.values.tobytes() == measured.values.tobytes()


def test_a_truncated_answer_is_computed_anew_and_equal(
    samples: tuple[ndarray, ndarray, ndarray], measured: Measured, again: Callable[..., Measured], cache: Path
) -> None:
    images, labels, _ = samples
    for answer in cache.glob("consistency-*.npz"):
        answer.write_bytes(answer.read_bytes()[:500])
    second = again(images, labels)
    assert not second.cached
    assert second.values.tobytes() == measured.values.tobytes()


@pytest.mark.usefixtures("measured")
def test_other_labels_reuse_the_embeddings(
    samples: tuple[ndarray, ndarray, ndarray], again: Callable[..., Measured]
) -> None:
    images, labels, _ = samples
    phases: set[str] = set()
    few = Offline(adapters=Adapters(epochs=1))
    other = again(images, labels[::-1], settings=few, report=lambda phase, _: phases.add(phase))
    assert not other.cached
    assert phases == {"training the adapters"}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("labels", [[3] * 8, range(8), [0, 0, 0, 0, 0, 0, 0, 9]])
def test_few_samples_and_rare_classes_have_finite_values(
    samples: tuple[ndarray, ndarray, ndarray], again: Callable[..., Measured], labels: list[int]
) -> None:
    values = again(samples[0][:8], np.array(labels)).values
    assert np.isfinite(values).all() and 0 <= values.min() <= values.max() <= 1


@pytest.mark.usefixtures("measured")
def test_without_adapters_the_towers_alone_are_asked_whatever_folds_and_seed_say(
    samples: tuple[ndarray, ndarray, ndarray], again: Callable[..., Measured]
) -> None:
    images, labels, _ = samples
    phases: set[str] = set()
    plain = [
        Offline(adapters=Adapters(kind="none", seed=seed, folds=folds)) for seed, folds in ((0, 2), (1, 20))
    ]
    found = [again(images, labels, settings=one, report=lambda phase, _: phases.add(phase)) for one in plain]
    assert not phases  # the embeddings are known and nothing is trained
    assert [one.cached for one in found] == [False, True]
    assert (found[0].values.min(), found[0].values.max()) == (0, 1)
    assert again(images[:1], labels[:1], settings=plain[1]).values.tolist() == [0.5]


@pytest.mark.usefixtures("measured")
def test_without_adapters_a_sample_is_scored_by_its_own_label_alone(
    samples: tuple[ndarray, ndarray, ndarray], again: Callable[..., Measured]
) -> None:
    images, labels, _ = samples
    plain = Offline(adapters=Adapters(kind="none"))
    other = np.append(labels[:-1], (labels[-1] + 1) % 10)
    first, second = (again(images, some, settings=plain).values for some in (labels, other))
    apart = np.abs(first - second)
    assert apart[-1] > 0.01
    assert apart[:-1].max() < apart[-1] / 10


def test_nothing_is_measured_without_an_encoder(
    samples: tuple[ndarray, ndarray, ndarray], again: Callable[..., Measured], tmp_path: Path
) -> None:
    nothing = again(samples[0], samples[1], settings=NoConsistency(), cache=tmp_path)
    assert np.isnan(nothing.values).all() and nothing.values.shape == (TRAINING,)
    assert (nothing.encoder, nothing.cached, list(tmp_path.iterdir())) == ("none", False, [])


@pytest.mark.parametrize(
    ("images", "labels", "prompts", "sentence"),
    [
        (np.zeros((1, 1, 8, 8), np.uint8), [0], PROMPTS, "folds must be at most the 1 samples; got 2"),
        (np.zeros((0, 1, 8, 8), np.uint8), [], PROMPTS, "folds must be at most the 0 samples; got 2"),
        (np.zeros((2, 1, 8, 8), np.uint8), [0, 10], PROMPTS, "labels must be from 0 to 9; got 0 to 10"),
        (np.zeros((2, 1, 8, 8), np.uint8), [0], PROMPTS, r"labels must be \(2,\), one for each image"),
        (np.zeros((2, 8, 8, 3), np.uint8), [0, 1], PROMPTS, "images must be"),
        (np.zeros((2, 1, 8, 8), np.float32), [0, 1], PROMPTS, "images must be"),
        (np.zeros((2, 1, 8, 8), np.uint8), [0, 1], ("a photo",), "prompts must have {} where"),
        (np.zeros((2, 1, 8, 8), np.uint8), [0, 1], (), "prompts must have {} where"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    again: Callable[..., Measured],
    images: ndarray,
    labels: list[int],
    prompts: tuple[str, ...],
    sentence: str,
) -> None:
    with pytest.raises(ValueError, match=sentence):
        again(images, np.array(labels, np.int64), prompts=prompts)
