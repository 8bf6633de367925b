"""What a selection does, as a formula with its numbers; configs in, sentences out."""

from numpy import ndarray

from app import wording
from engine.config import RunConfig
from engine.selection import kept_count
from engine.selection.budget import BudgetSettings, RankedSettings, in_full_tail
from engine.selection.infobatch import InfoBatch
from engine.selection.random_subset import RandomSubset
from store.questions import decision


def formula(config: RunConfig, epoch: int, samples: int) -> str:
    """Returns how an epoch of this run selects, with what the paper has and what is ours."""
    strategy = config.strategy
    if isinstance(strategy, InfoBatch):
        chance = wording.percent(1 - strategy.drop_chance)
        return (
            "Kept: all with a last loss of at least the mean, and each below it with a chance of "
            f"{chance} (arXiv 2303.04947)."
        )
    if not isinstance(strategy, BudgetSettings):
        return "Kept: all samples."
    share = strategy.keep if epoch < strategy.warmup_epochs else strategy.share(epoch, config.epochs)
    kept = wording.count(kept_count(share, samples))
    amount = f"round({share:.4g} × {wording.count(samples)}) = {kept}"
    if isinstance(strategy, RandomSubset) or not isinstance(strategy, RankedSettings):
        return f"Kept: {amount} samples, drawn at random."
    how = "highest scores" if strategy.draw == "top" else "drawn, chance grows with score"
    limits = _limits(strategy)
    most = "at most " if limits else ""
    return (
        f"Score = {_score(config)}. Kept: {most}{amount} {how}{limits}. Rarity = distance to the "
        f"{config.density.k} nearest, {wording.setting_percent(config.density.clip)} clipped at either end, "
        "min-max scaled. After arXiv 2505.03809, where both exponents are 1; exponents, thresholds and "
        "clipping are ours."
    )


def nothing_dropped(config: RunConfig, kept: ndarray, epoch: int) -> str:
    """Returns why all of kept (N,) bool are true; "" where some are not."""
    strategy = config.strategy
    if not kept.all():
        return ""
    if isinstance(strategy, BudgetSettings) and epoch < strategy.warmup_epochs:
        return f"Epoch {epoch} is one of the warm-up, which trains on all samples: choose a later one."
    tail = getattr(strategy, "full_tail", 0.0)
    if in_full_tail(epoch, config.epochs, tail):
        return f"Epoch {epoch} is one of the full tail, which trains on all samples: choose an earlier one."
    return "" if epoch else "Nothing is known before the first epoch: choose a later one."


def title(found: list[tuple[str, str, str]]) -> str:
    """Returns the name of a run whose settings differ so: "what if keep 0.3, clip 0.05"."""
    told = (f"{address.rpartition('.')[2].replace('_', ' ')} {after}" for address, _, after in found if after)
    return wording.shortened(f"what if {', '.join(told)}", 80)


def _score(config: RunConfig) -> str:
    names = ("rarity", "consistency")
    powers = zip(names, decision.exponents(config.strategy.model_dump()), strict=True)
    return " × ".join(f"{name}{wording.power(power)}" for name, power in powers if power) or "1 for all"


def _limits(strategy: RankedSettings) -> str:
    limits = []
    if strategy.min_consistency > 0:
        limits.append(f"consistency ≥ {wording.number(strategy.min_consistency)}")
    if strategy.max_rarity < 1:
        limits.append(f"rarity ≤ {wording.number(strategy.max_rarity)}")
    return f" with {' and '.join(limits)}" if limits else ""
