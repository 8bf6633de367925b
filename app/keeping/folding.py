"""Folding runs from a terminal, with what it took and what it saved.

Beside an engine only those epochs are folded that a resume would keep: what comes after the last checkpoint
may be trained anew, and dropping it from a database means writing the database again.
"""

import time
from pathlib import Path

from app import terminal, wording
from app.keeping import sizes
from store import manifest
from store.errors import RunIsBusy, RunIsForeign
from store.run import Run


def fold(folder: Path) -> bool:
    """Folds one run and says what came of it; returns False where it could not be folded."""
    try:
        run = Run.open(folder)
        _fold(run, up_to=_checkpointed(run) if run.status().is_alive else None)
    except (RunIsForeign, RunIsBusy, OSError) as failure:
        sentence = str(failure)
        terminal.refuse(sentence if folder.name in sentence else f"{folder.name}: {sentence}")
        return False
    return True


def _fold(run: Run, *, up_to: int | None) -> None:
    newer = manifest.committed(run.folder).newer
    epochs = [epoch for epoch in newer if up_to is None or epoch <= up_to]
    parts = sizes.by_kind(run.folder)["parts"].bytes
    began = time.monotonic()
    with terminal.out.status(f"Folding {wording.plural(len(epochs), 'epoch')} of {run.id}"):
        run.fold(up_to)
    seconds = wording.duration(time.monotonic() - began)
    if not epochs:
        rest = f"; {wording.plural(len(newer), 'epoch')} without a checkpoint stay as parts" if newer else ""
        terminal.say(f"{run.id}: nothing to fold{rest}")
        return
    database = (run.folder / str(manifest.read_manifest(run.folder).database)).stat().st_size
    sizes_told = f"parts of {wording.size(parts)}, database of {wording.size(database)}"
    terminal.say(
        f"{run.id}: {wording.plural(len(epochs), 'epoch')} folded in {seconds}: {sizes_told}; "
        "the parts stay a while for those who read them"
    )


def _checkpointed(run: Run) -> int:
    """The last epoch that the newest checkpoint has, which is named after the next one; -1 without one."""
    names = (path.stem.removeprefix("epoch-") for path in run.checkpoints.glob("epoch-*.pt"))
    return max((int(name) for name in names if name.isdigit()), default=0) - 1
