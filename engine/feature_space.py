"""What an epoch asks of feature space: neighbours, what their index costs in kept samples, and the map.

Joint selection (arXiv 2505.03809) goes by where a sample lies among the others; all of it is asked here once
the epoch's features are in the bank.
"""

from dataclasses import replace

from engine import density, maps
from engine.checkpoint import State
from engine.density import Neighbours
from engine.maps import Map
from engine.selection.joint import Joint
from engine.selection.rarity_only import RarityOnly
from engine.stopwatch import Stopwatch
from engine.task import Task


def locate(task: Task, state: State, watch: Stopwatch) -> Neighbours:
    """Finds each sample's neighbours in feature space, and from them its rarity and score.

    Where no features came in since they were last found, they are the same.
    """
    settings, known = task.config.density, state.signals
    if state.located is not None and state.located[0] is known.features:
        return state.located[1].without_cost()
    if not settings.seeks:
        state.signals = replace(known, score=task.config.strategy.score(known.rarity, known.consistency))
        return density.NO_NEIGHBOURS
    labels = task.dataset.labels if settings.per_class else None
    task.progress.phase("finding neighbours")
    with watch("neighbours"):
        found = task.world.agreed(
            lambda: density.nearest_neighbours(
                known.features, settings, seed=task.config.seed, labels=labels, device=str(task.device)
            )
        )
    distance = density.neighbour_distance(found)
    rarity = density.rarity(distance, labels, clip=settings.clip)
    score = task.config.strategy.score(rarity, known.consistency)
    state.signals = replace(known, neighbour_distance=distance, rarity=rarity, score=score)
    state.located = known.features, found
    return found


def kept_agreement(task: Task, state: State, neighbours: Neighbours, watch: Stopwatch) -> float:
    """Jaccard index of what the index's and what exact distances would keep, of up to 2,000 samples.

    Asked where features were refreshed, since comparing so many costs more than the index itself; NaN
    elsewhere, and where the strategy does not go by distances.
    """
    settings, strategy, known = task.config.density, task.config.strategy, state.signals
    if not isinstance(strategy, Joint | RarityOnly) or state.epoch % settings.refresh_every:
        return float("nan")
    if neighbours.index_used == "exact":
        return 1.0
    labels = task.dataset.labels if settings.per_class else None
    rows = density.checked_rows(len(known), density.JACCARD_SAMPLES)
    with watch("check"):
        exact = task.world.agreed(
            lambda: density.exact_neighbours(
                known.features, rows, neighbours.ids.shape[1], labels=labels, device=str(task.device)
            )
        )
    own = None if labels is None else labels[rows]
    found, true = (
        strategy.score(density.rarity(distance, own, clip=settings.clip), known.consistency[rows])
        for distance in (known.neighbour_distance[rows], density.mean_distance(exact[1]))
    )
    return density.kept_jaccard(found, true, strategy.keep)


def draw_map(task: Task, state: State, neighbours: Neighbours, watch: Stopwatch) -> Map | None:
    """Draws the map where one is due: every so many epochs and after the last.

    Where no features came in since the last one, it is the same.
    """
    every, last = task.config.maps.every, task.config.epochs - 1
    if not task.world.leads or not every or (state.epoch % every and state.epoch != last):
        return None
    task.progress.phase("drawing the map")
    with watch("map"):
        settings, known = task.config.density, state.signals
        shown = maps.shown_samples(len(known), task.config.maps.samples)
        features = known.features[shown]
        if len(shown) < len(known) or settings.per_class or not settings.seeks:
            neighbours = density.nearest_neighbours(
                features, settings, seed=task.config.seed, device=str(task.device)
            )
        start, last_drawn = state.map_positions, (state.epoch - 1) // every * every
        if start is not None and known.feature_epoch.max() <= last_drawn:
            return maps.hold_map(features, neighbours, start, sample_ids=shown)
        drawn = maps.draw_map(features, neighbours, start, sample_ids=shown)
    state.map_positions = drawn.positions
    return drawn
