"""Adapters: InfoNCE by hand, folds, and the law that nobody is scored by adapters that saw its label."""

import math

import numpy as np
import pytest
import torch
from numpy import ndarray
from torch.nn import functional

from engine.consistency.adapters import (
    Adapter,
    Pairs,
    cross_fitted_cosine,
    info_nce,
    plain_cosine,
    stratified_folds,
)
from engine.consistency.settings import Adapters

FOLDS = np.arange(60) % 2


def ignore(share: float) -> None:
    """Takes a report and does nothing with it."""


def clusters() -> Pairs:
    """Sixty samples in three clusters whose direction has nothing to do with that of their prompt."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) // 2 % 3
    centres, prompts = torch.randn(2, 3, 16, generator=generator)
    images = centres[labels] + 0.3 * torch.randn(60, 16, generator=generator)
    return Pairs(functional.normalize(images, dim=-1), labels, functional.normalize(prompts, dim=-1))


def scored(pairs: Pairs, folds: ndarray, **settings: object) -> ndarray:
    return cross_fitted_cosine(pairs, folds, settings=Adapters(batch_size=8, **settings), report=ignore)


def test_info_nce_is_the_cross_entropy_of_the_cosines_over_the_temperature() -> None:
    images = texts = torch.eye(2)
    loss = info_nce(images, texts, torch.tensor([0, 1]), temperature=0.5)
    assert loss.item() == pytest.approx(math.log(1 + math.exp((0 - 1) / 0.5)))


def test_info_nce__pairs_of_the_same_label_are_no_negatives() -> None:
    images = texts = torch.eye(2)
    assert info_nce(images, texts, torch.tensor([0, 0]), temperature=0.5).item() == 0


@pytest.mark.parametrize("kind", ["linear", "residual_mlp"])
def test_an_untrained_adapter_only_brings_embeddings_to_length_1(kind: str) -> None:
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    adapted = Adapter(kind, 2, torch.Generator().manual_seed(0))(embeddings)
    assert torch.allclose(adapted, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))


def test_without_adapters_the_cosine_is_that_of_the_image_and_its_own_prompt() -> None:
    images = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    prompts = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]])
    cosine = plain_cosine(Pairs(images, torch.tensor([2, 0]), prompts))
    assert cosine == pytest.approx([0.6 * 0.8 + 0.8 * 0.6, 0.0])


def test_an_adapter_draws_from_its_own_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Adapter("residual_mlp", 4, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_folds_hold_equal_shares_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [40, 10, 4])
    folds = stratified_folds(labels, 2, np.random.default_rng(0))
    assert [np.bincount(folds[labels == label]).tolist() for label in range(3)] == [[20, 20], [5, 5], [2, 2]]


def test_folds__classes_of_one_sample_are_spread() -> None:
    folds = stratified_folds(np.arange(6), 3, np.random.default_rng(0))
    assert np.bincount(folds).tolist() == [2, 2, 2]


@pytest.mark.parametrize("kind", ["linear", "residual_mlp"])
def test_adapters_bring_images_to_the_prompt_of_their_label(kind: str) -> None:
    pairs = clusters()
    before = (pairs.images * pairs.prompts[pairs.labels]).sum(dim=1).mean().item()
    assert scored(pairs, FOLDS, kind=kind, learning_rate=0.01).mean() > before + 0.5


def test_a_label_changes_only_the_scores_of_the_other_fold_and_its_own() -> None:
    pairs = clusters()
    labels = pairs.labels.clone()
    labels[0] = (labels[0] + 1) % 3
    before = scored(pairs, FOLDS)
    after = scored(pairs._replace(labels=labels), FOLDS)
    mine = FOLDS[0] == FOLDS
    assert np.array_equal(before[mine][1:], after[mine][1:])
    assert not np.isclose(before[~mine], after[~mine], atol=1e-6).any()


def test_a_wrong_label_agrees_less() -> None:
    pairs = clusters()
    wrong = torch.arange(60) % 10 == 0
    labels = torch.where(wrong, (pairs.labels + 1) % 3, pairs.labels)
    cosine = scored(pairs._replace(labels=labels), FOLDS, learning_rate=0.01)
    assert cosine[wrong.numpy()].max() < cosine[~wrong.numpy()].min()


def test_the_same_seed_gives_the_same_scores() -> None:
    pairs = clusters()
    assert np.array_equal(scored(pairs, FOLDS, seed=3), scored(pairs, FOLDS, seed=3))
    assert not np.array_equal(scored(pairs, FOLDS, seed=3), scored(pairs, FOLDS, seed=4))


def test_one_class_alone_teaches_nothing_and_breaks_nothing() -> None:
    pairs = clusters()
    pairs = pairs._replace(labels=torch.zeros_like(pairs.labels))
    untouched = (pairs.images @ pairs.prompts[0]).numpy()
    assert scored(pairs, FOLDS) == pytest.approx(untouched, abs=1e-6)


def test_a_class_that_the_other_fold_never_saw_has_a_finite_score() -> None:
    pairs = clusters()
    labels = pairs.labels % 2
    labels[7] = 2
    assert np.isfinite(scored(pairs._replace(labels=labels), FOLDS)).all()


def test_progress_is_reported_from_start_to_end_over_all_folds() -> None:
    shares: list[float] = []
    cross_fitted_cosine(clusters(), FOLDS, settings=Adapters(epochs=2, batch_size=15), report=shares.append)
    assert shares == pytest.approx([fold / 2 + step / 8 for fold in range(2) for step in range(4)])
