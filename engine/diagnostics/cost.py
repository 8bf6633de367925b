"""What a run gained and what it paid: time against full data, neighbours against all pairs, accuracy at last.

Time is split by phase, because a share of dropped samples alone says nothing about seconds.
"""

from engine.diagnostics import asked
from engine.diagnostics.badge import Badge, Signature, figure, percent, seconds
from engine.diagnostics.kept import NOTHING_DROPPED
from store import queries
from store.run import Run

PHASES = ("train", "features", "index", "query", "probe")  # what a selection or a policy makes a run pay
WASTED = 0.05  # of the run's seconds, lost to an index that comparing all pairs would have beaten (ours)
FELL = 0.02  # of accuracy from its highest epoch to the last (ours)

_SPEED = Signature(
    "Speed-up",
    "seconds of training, features, index, query and probe / what training on all samples would have taken "
    "at the same seconds a sample; red from 100 % on. Testing, recording and maps cost both the same",
    "overview#time_per_epoch",
    "epochs",
)
_PAYS = Signature(
    "HNSW against all pairs",
    "seconds of building and asking the index / what comparing all pairs would have taken; red above 100 % "
    f"where the difference is more than {100 * WASTED:.0f} % of the run's seconds",
    "overview#time_per_epoch",
    "epochs",
)
_FELL = Signature(
    "Accuracy at the end",
    f"test accuracy of the last epoch minus that of the highest; red below {-100 * FELL:.0f} points",
    "overview#accuracy",
    "epochs",
)


def speed_up(run: Run) -> Badge:
    """Choosing costs more than it saves."""
    metrics = queries.metrics(run).dropna(subset=["kept_share", "seconds_train"])
    metrics = metrics[metrics["kept_share"] > 0]
    full = float((metrics["seconds_train"] / metrics["kept_share"]).sum())
    if not (metrics["kept_share"] < 1).any():
        return _SPEED.unknown(NOTHING_DROPPED)
    if not full:
        return _SPEED.unknown("No epoch recorded its seconds of training.")
    spent = {phase: float(metrics[f"seconds_{phase}"].sum()) for phase in PHASES}
    share = sum(spent.values()) / full
    split = ", ".join(f"{phase} {seconds(value)}" for phase, value in spent.items() if value)
    before = run.about().get("consistency_seconds") or 0.0
    return _SPEED.judged(
        share >= 1,
        percent(share),
        f"of what training on all samples would have taken ({seconds(full)}): {split}; recording "
        f"{seconds(float(metrics['seconds_record'].sum()))} and consistency {seconds(before)} come on top.",
        n=len(metrics),
    )


def index_pays(run: Run) -> Badge:
    """The index takes longer than comparing all pairs."""
    if reason := asked.no_index(run):
        return _PAYS.unknown(f"{reason}.")
    known = queries.metrics(run).dropna(subset=["exact_seconds", "seconds_index", "seconds_query"])
    exact = float(known["exact_seconds"].sum())
    if not exact:
        return _PAYS.unknown("No epoch estimated the time of comparing all pairs.")
    spent = float((known["seconds_index"] + known["seconds_query"]).sum())
    return _PAYS.judged(
        spent - exact > WASTED * float(known["seconds"].sum()),
        percent(spent / exact),
        f"of the time of comparing all pairs ({seconds(exact)}) went into the index: {seconds(spent)} over "
        f"{len(known)} epochs.",
        n=len(known),
    )


def accuracy_fell(run: Run) -> Badge:
    """The last epoch is worse than an earlier one."""
    known = queries.metrics(run).dropna(subset=["test_accuracy"])
    if known.empty:
        return _FELL.unknown("No epoch measured the test accuracy.")
    last, best = float(known["test_accuracy"].iloc[-1]), float(known["test_accuracy"].max())
    return _FELL.judged(
        best - last > FELL,
        f"{figure(100 * (last - best))}\N{NO-BREAK SPACE}pts",
        f"from the highest epoch ({percent(best)}) to the last one ({percent(last)}).",
        n=len(known),
    )
