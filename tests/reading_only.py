"""A person who may read the runs and not write them: every page is opened, and all that writes is tried.

Run by itself, on a folder of runs, as somebody whom permissions bind; says as JSON what came of it.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app import launch, queue
from app.views import SECTIONS, address
from engine import config, diagnostics
from store import judgements
from store.judgements import Judgement
from store.run import Run, find_runs
from tests import pages

VIEWS = [address(view) for views in SECTIONS.values() for view in views]
CAPABILITIES = "-dac_override,-dac_read_search,-fowner"


def command(root: Path) -> list[str]:
    """Returns the command that runs this file on a folder, for root without the right to pass permissions."""
    bound = ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}", "--"]
    return [*(bound if os.geteuid() == 0 else []), sys.executable, "-m", "tests.reading_only", str(root)]


def opened(root: Path, view: str, run: Run) -> dict[str, list[str]]:
    """Opens a page and returns the failures that it shows."""
    os.environ["UNDERTOW_RUNS"] = str(root)
    at = AppTest.from_file(str(pages.MAIN), default_timeout=120)
    at._page_hash = pages.address(view)
    at.query_params["run"] = run.id
    at.run()
    return {
        "tracebacks": [error.message for error in at.exception],
        "errors": [error.value for error in at.error],
        "titles": [title.value for title in at.title],
    }


# What a person may do to runs from a page or a terminal.
ACTIONS: dict[str, Callable[[Run], object]] = {
    "stop": launch.stop,
    "resume": launch.resume,
    "delete": launch.delete,
    "queue": lambda run: launch.submit(run.folder.parent, config.RunConfig()),
    "slots": lambda run: queue.set_slots(run.folder.parent, 2),
    "judge": lambda run: judgements.judge(run, {1: Judgement("fine")}),
    "take back": judgements.clear,
    "write a status": lambda run: run.write_status(message="here"),
    "ask to stop": Run.request_stop,
    "say about": lambda run: run.write_about({}),
    "train": lambda run: run.claim().__enter__(),
    "go back": lambda run: run.rewind(0),
    "fold": Run.fold,
}


def outcome(action: Callable[[Run], object], run: Run) -> str:
    """Does it and returns the failure, its kind first; empty where it went well."""
    try:
        action(run)
    except Exception as failure:
        return f"{type(failure).__name__}: {failure}"
    return ""


def main() -> None:
    """Says what every page shows and what every action ends in."""
    root = Path(sys.argv[1])
    runs = {run.status().state: run for run in find_runs(root)}
    shown = {view: opened(root, view, runs["done"]) for view in VIEWS}
    tried = {name: outcome(action, runs["stopped"]) for name, action in ACTIONS.items()}
    badges = len(diagnostics.remembered(runs["done"], diagnostics.diagnosed))
    said = {"views": shown, "writes": tried, "badges": badges}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
