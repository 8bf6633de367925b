"""Labels as a person corrected them, in a file that another run can train on and that says whose they are.

The file names every sample of the run it comes from and not only the corrected ones: the run may itself have
trained on made noise, and a child must get its labels, apart from the corrections, as they were.
"""

import hashlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from store import files, judgements
from store.reader import ask
from store.run import Run

FOLDER = "corrections"


class Tally(NamedTuple):
    """What the verdicts of a run amount to."""

    judged: int
    noisy: int
    corrected: int  # noisy ones with a class
    hard: int
    fine: int

    @property
    def unresolved(self) -> int:
        """Noisy ones whose class nobody said: they keep their label."""
        return self.noisy - self.corrected


def tally(run: Run) -> Tally:
    """Counts the verdicts of a run."""
    found = judgements.judgements(run).values()
    verdicts = [one.verdict for one in found]
    return Tally(
        judged=len(verdicts),
        noisy=verdicts.count("noisy"),
        corrected=sum(one.corrected is not None for one in found),
        hard=verdicts.count("hard"),
        fine=verdicts.count("fine"),
    )


def truth_known(run: Run) -> bool:
    """True where the true label of every sample is known: then the source's labels are the true ones."""
    known = ask(run, "SELECT count(true_label) AS known, count(*) AS n FROM samples")
    return bool(known.n[0] and known.known[0] == known.n[0])


def corrected_labels(run: Run) -> pd.DataFrame:
    """Returns the labels of all N samples with the corrections applied, by id.

    sample_id is a row of the run's training set; label and base_label are class names (numbers as text where
    two classes share a name); verdict and judged_at are missing where nobody judged. A noisy sample without
    a class keeps its label. Raises ValueError for a verdict that the run has no sample or class for.
    """
    samples = ask(run, "SELECT sample_id, label FROM samples ORDER BY sample_id")
    spelled = np.array(_spelled(ask(run, "SELECT name FROM classes ORDER BY label").name.tolist()), object)
    judged = judgements.table(run)
    _check(judged, samples=len(samples), classes=len(spelled))
    labels = samples.label.to_numpy("int64").copy()
    corrected = judged.dropna(subset=["corrected_label"])
    labels[corrected.sample_id.to_numpy()] = corrected.corrected_label.to_numpy("int64")
    table = pd.DataFrame(
        {
            "sample_id": samples.sample_id.to_numpy("int64"),
            "label": spelled[labels],
            "base_label": spelled[samples.label.to_numpy("int64")],
        }
    )
    return table.merge(judged[["sample_id", "verdict", "judged_at"]], on="sample_id", how="left").assign(
        base_run=run.id
    )


def write(run: Run, provenance: Mapping[str, Any]) -> Path:
    """Writes the corrected labels under the run and returns their file, whose name is that of its content.

    The same labels are written once, so that what a child trained on never changes below it; beside the
    file stands what it is (.json). Raises OSError or DiskIsFull where nothing can be written.
    """
    content = BytesIO()
    corrected_labels(run).to_parquet(content, index=False)
    digest = hashlib.sha256(content.getvalue()).hexdigest()[:12]
    path = run.folder / FOLDER / f"labels-{digest}.parquet"
    files.make_folder(path.parent)
    if not path.exists():
        note = {"run": run.id, **tally(run)._asdict(), **provenance}
        files.write_json(path.with_suffix(".json"), note)
        files.write_whole(path, [content.getvalue()])
    return path


def _spelled(names: Sequence[str]) -> list[str]:
    """Returns how each class is written so that a reader of names and numbers cannot mistake it."""
    if len(set(names)) == len(names):
        return list(names)
    numbers = [str(label) for label in range(len(names))]
    taken = sorted(set(numbers) & set(names))
    if taken:
        raise ValueError(
            f"the classes must have different names, or none that looks like a number; got {taken[0]!r} "
            "beside classes that share a name"
        )
    return numbers


def _check(judged: pd.DataFrame, *, samples: int, classes: int) -> None:
    if len(judged) and judged.sample_id.max() >= samples:
        raise ValueError(f"a judged sample must be from 0 to {samples - 1}; got {judged.sample_id.max()}")
    highest = judged.corrected_label.max()
    if not pd.isna(highest) and highest >= classes:
        raise ValueError(f"a corrected class must be from 0 to {classes - 1}; got {highest}")
