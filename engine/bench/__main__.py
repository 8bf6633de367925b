"""python -m engine.bench NAME …: measures lines, one after another, and prints each as it is done.

A process of its own and one thread, as a run has: what is timed here is what a run would take.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from engine import memory
from engine.bench import repeats, report
from engine.bench.augment import Augment
from engine.bench.consistency import Consistency
from engine.bench.density import Density
from engine.bench.line import Bench, Line, Missing, Surroundings
from engine.bench.loader import Loader
from engine.bench.map import MapCost
from engine.bench.overhead import Overhead
from engine.bench.scale import Scale
from engine.bench.selection import SelectionCost
from engine.bench.store import AT_SCALE, Store
from engine.cache import cache_folder

# In the order of `--list`; all but the last are measured where none is named.
BENCHES: tuple[Bench, ...] = (
    Overhead(), SelectionCost(), Augment(), Density(), Consistency(), Store(), MapCost(), Loader(),
    Scale(), AT_SCALE,
)  # fmt: skip
ONLY_WHEN_NAMED = (AT_SCALE.name,)

log = logging.getLogger("engine.bench")

Say = Callable[[str], object]


def main() -> None:
    """Measures the lines named on the command line, else all; exit code 1 where one failed."""
    given = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    memory.keep_freed()
    if given.list:
        _say("\n".join(f"{bench.name:<13}{bench.summary}" for bench in BENCHES))
        return
    known = {bench.name: bench for bench in BENCHES}
    unknown = [name for name in given.names if name not in known]
    if unknown:
        sys.stderr.write(f"the name of a line must be one of {', '.join(known)}; got {unknown[0]}\n")
        sys.exit(2)
    usual = [name for name in known if name not in ONLY_WHEN_NAMED]
    asked = [known[name] for name in given.names or usual]
    surroundings = Surroundings(cache_folder(), given.data, _say_progress)
    benches = [bench.quick() for bench in asked] if given.quick else asked
    try:
        lines = measure(benches, surroundings, given.json)
    except KeyboardInterrupt:  # what was measured until then is on screen and in the file
        sys.exit(130)
    sys.exit(1 if any(line.failed for line in lines) else 0)


def measure(
    benches: Sequence[Bench], surroundings: Surroundings, file: Path | None, *, say: Say | None = None
) -> list[Line]:
    """Measures and tells each line; writes the JSON file, if any, after every line, so that none is lost."""
    say = say or _say
    found, noise, lines = report.machine_found(), repeats.noise(), list[Line]()
    say(report.machine_text(found, noise))
    for bench in benches:
        lines.append(measured(bench, surroundings))
        say("\n" + report.line_text(lines[-1]))
        if file:
            content = report.as_json(found, noise, lines)
            file.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return lines


def measured(bench: Bench, surroundings: Surroundings) -> Line:
    """Returns the line; skipped where something is missing, failed where it broke, which ends no other."""
    try:
        return replace(bench.measure(surroundings), threads=torch.get_num_threads())
    except Missing as missing:
        return Line(bench.name, bench.summary, skipped=str(missing))
    except Exception as error:
        log.exception("%s failed", bench.name)
        return Line(bench.name, bench.summary, failed=str(error) or type(error).__name__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="undertow bench", description="Measures Undertow against its goals."
    )
    usual = f"all but {', '.join(ONLY_WHEN_NAMED)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"lines; {usual} where none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, goals not judged")
    parser.add_argument("--json", type=Path, help="file for the figures with every repeat")
    parser.add_argument("--list", action="store_true", help="name the lines and measure nothing")
    folder = os.environ.get("UNDERTOW_DATA")
    parser.add_argument("--data", type=Path, default=Path(folder) if folder else None, help="of CIFAR-10")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say_progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
