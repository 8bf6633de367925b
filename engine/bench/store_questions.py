"""python -m engine.bench.store_questions ORDER: a fresh process reads or folds a run and says what it took.

It loads the store and nothing that trains, as the app does, so that its memory and its first question are
those of a reader that a person has just opened. The order and what was found are JSON.
"""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import numpy as np

from engine.bench.repeats import interleaved
from store import queries
from store.questions import comparing, ranking
from store.run import Run
from store.schema import EPOCH_COLUMNS, SIGNALS

HISTORY = "history of one sample"
HISTORIES = "histories of 16 samples"
EPOCH = "one epoch, all columns"
TOP = "100 highest scores of an epoch"
STATISTICS = "statistics of a signal, all epochs"
DIFFERENCE = "difference of two runs, sample by sample"
# How often each is asked: p95 needs 20, and only a few seconds are spent on the slow ones.
ASKS = {HISTORY: 60, HISTORIES: 30, EPOCH: 20, TOP: 20, STATISTICS: 40, DIFFERENCE: 20}
LEAST = 3  # asks, however long they take

FOLDED, TABLE = "the folded run", "one table in the order of epochs"

_COLUMNS = [column.name for column in EPOCH_COLUMNS[2:]]

Question = Callable[[int], Any]  # the number of the ask to an answer that has a length


def questions(runs: tuple[Run, Run], *, samples: int, epochs: int) -> dict[str, Question]:
    """Returns the questions by name, each about other samples, epochs or signals in each ask.

    runs: the one that is asked about, and the one that it is compared with, both with as many samples.
    """
    run, other = runs
    rng = np.random.default_rng(0)
    ids = rng.integers(0, samples, (max(ASKS.values()), 16)).tolist()
    asked = rng.integers(0, epochs, max(ASKS.values())).tolist()

    def difference(_: int) -> Any:
        return np.subtract(*(comparing.per_sample(one, "mean_margin", epochs - 1) for one in (run, other)))

    return {
        HISTORY: lambda ask: queries.history(run, ids[ask][:1]),
        HISTORIES: lambda ask: queries.history(run, ids[ask]),
        EPOCH: lambda ask: queries.epoch_rows(run, asked[ask], _COLUMNS),
        TOP: lambda ask: ranking.top(run, asked[ask], "score", 100),
        STATISTICS: lambda ask: queries.epoch_stats(run, SIGNALS[ask % len(SIGNALS)].name),
        DIFFERENCE: difference,
    }


def read(order: Mapping[str, Any]) -> dict[str, Any]:
    """Asks everything and returns seconds and the rows of the last answer by question.

    Also the seconds of the very first ask, which opens the run, and the peak bytes of memory before all of
    them and after each. order: folders of two runs, samples, epochs, budget in seconds a question.
    """
    one, other = (Run.open(Path(folder)) for folder in order["folders"])
    asked = questions((one, other), samples=order["samples"], epochs=order["epochs"])
    loaded, started = peak_memory(), perf_counter()
    asked[HISTORY](0)
    first = perf_counter() - started
    seconds, rows, peaks = {}, {}, {}
    for name, question in asked.items():
        seconds[name], rows[name] = _asked(question, ASKS[name], budget=order["budget"])
        peaks[name] = peak_memory()
    return {"first": first, "seconds": seconds, "rows": rows, "loaded": loaded, "peaks": peaks}


def compare(order: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the seconds of interleaved histories from a folded run and from a table, and their rows.

    order: folder of the run, table (a DuckDB file with history and samples), samples, repeats.
    """
    run = Run.open(Path(order["folder"]))
    ids = np.random.default_rng(1).integers(0, order["samples"], order["repeats"]).tolist()
    with duckdb.connect(order["table"], read_only=True, config={"threads": 2}) as connection:

        def from_table(repeat: int) -> Any:
            return connection.execute("FROM history WHERE sample_id = ?", [ids[repeat]]).df()

        candidates: dict[str, Question] = {
            FOLDED: lambda repeat: queries.history(run, [ids[repeat]]),
            TABLE: from_table,
        }
        rows = {name: len(ask(0)) for name, ask in candidates.items()}
        return {"seconds": interleaved(candidates, order["repeats"]), "rows": rows}


def fold(order: Mapping[str, Any]) -> dict[str, Any]:
    """Folds a run up to an epoch and returns seconds and peak bytes of memory. order: folder, up_to."""
    started = perf_counter()
    Run.open(Path(order["folder"])).fold(order["up_to"])
    return {"seconds": perf_counter() - started, "peak": peak_memory()}


def peak_memory() -> int:
    """Returns the most bytes that this process ever had in memory.

    From the process's own account where there is one: what getrusage tells begins with its parent's memory.
    """
    account = Path("/proc/self/status")
    if account.exists():
        words = account.read_text(encoding="utf-8").partition("VmHWM:")[2].split()
        return 1024 * int(words[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _asked(question: Question, most: int, *, budget: float) -> tuple[list[float], int]:
    """Returns the seconds of each ask and the rows of the last answer; once the budget is spent no more."""
    seconds: list[float] = []
    rows = 0
    while len(seconds) < most and (len(seconds) < LEAST or sum(seconds) < budget):
        started = perf_counter()
        answer = question(len(seconds))
        seconds.append(perf_counter() - started)
        rows = len(answer)
    return seconds, rows


ORDERS = {"read": read, "compare": compare, "fold": fold}


def main() -> None:
    """Does what the command line orders and writes what was found to the standard output."""
    order = json.loads(sys.argv[1])
    try:
        sys.stdout.write(json.dumps(ORDERS[order["do"]](order)))
    except KeyboardInterrupt:  # said by the process that ordered it
        sys.exit(130)


if __name__ == "__main__":
    main()
