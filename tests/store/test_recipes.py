"""The README's queries find what was planted in a run, asked of an export as the README says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from store.exporting.exports import export
from store.run import Run
from store.sql.recipes import RECIPES
from tests import readme

SAMPLES, EPOCHS, CLASSES = 30, 6, 3
LABELS = np.arange(SAMPLES) % CLASSES  # cat, dog, owl, cat, …
TEXT = readme.README.read_text(encoding="utf-8")

# Samples with a wrong label, and the class that the net prefers all along.
MISLABELLED = {4: 2, 17: 0}
# Right (1), wrong (0) or not visited (-) in each epoch; every other sample is right throughout.
ANSWERS = {3: "101010", 7: "1--0-1", 8: "0-0-00", 20: "110000", **dict.fromkeys(MISLABELLED, "000000")}
BARELY = -0.125  # the margin of an answer that is wrong for a right label


def is_kept(epoch: int) -> np.ndarray:
    """Cats always, dogs in the first half of the epochs, and of the ten owls five at a time."""
    takes_turn = (np.arange(SAMPLES) // CLASSES + epoch) % 2 == 0
    return np.choose(LABELS, [np.full(SAMPLES, True), np.full(SAMPLES, epoch < EPOCHS / 2), takes_turn])


def planted(epoch: int) -> dict[str, np.ndarray]:
    """What an epoch logs: answers and margins as planted; a wrong label is contradicted more and more."""
    signs = [ANSWERS.get(sample_id, "1" * EPOCHS)[epoch] for sample_id in range(SAMPLES)]
    answers = np.array([np.nan if sign == "-" else float(sign) for sign in signs])
    margins = np.select([answers == 1, answers == 0], [2.0, BARELY], np.nan)
    prediction = np.where(answers == 0, (LABELS + 1) % CLASSES, LABELS).astype(float)
    for place, (sample_id, preferred) in enumerate(MISLABELLED.items()):
        margins[sample_id], prediction[sample_id] = -1 - place - epoch, preferred
    prediction[np.isnan(answers)] = np.nan
    return {"selected": is_kept(epoch), "correct": answers, "margin": margins, "prediction": prediction}


@pytest.fixture
def exported(
    make_run: Callable[..., Run], rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with the export that the README's command makes, which is where its code runs."""
    run = make_run(samples=SAMPLES)
    for epoch in range(EPOCHS):
        run.write_epoch(epoch, rows.epoch(epoch, SAMPLES, **planted(epoch)), rows.metrics(epoch))
    assert "undertow export RUN --to duckdb --out run.duckdb\n" in TEXT
    monkeypatch.chdir(tmp_path)
    export(run, Path("run.duckdb"), "duckdb")
    return tmp_path


def queries() -> dict[str, str]:
    """The queries as they stand in the README, by their question."""
    return dict(re.findall(r"^([^\n]+):\n\n```sql\n(.*?)\n```$", TEXT, flags=re.DOTALL | re.MULTILINE))


def answer(question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("run.duckdb", read_only=True) as client:
        return client.sql(queries()[question]).fetchall()


def test_the_readme_shows_the_queries_of_the_page() -> None:
    assert queries() == {recipe.question: recipe.sql for recipe in RECIPES if recipe.is_in_readme}
    assert len(queries()) == 3


@pytest.mark.usefixtures("exported")
def test_the_queries_find_what_was_planted() -> None:
    growing = float(np.mean(range(EPOCHS)))
    assert {question: answer(question) for question in queries()} == {
        "Forgotten samples": [(3, 3), (7, 1), (20, 1)],
        "Kept share by class": [("dog", 10, 1.0, 0.0), ("owl", 10, 0.5, 0.5), ("cat", 10, 1.0, 1.0)],
        "Labels that look wrong": [
            (17, 2, 0, -2 - growing, EPOCHS),
            (4, 1, 2, -1 - growing, EPOCHS),
            (8, 2, 0, BARELY, 4),
        ],
    }


@pytest.mark.usefixtures("exported")
def test_the_lines_of_python_print_what_they_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(import duckdb\n.*?)```", TEXT, flags=re.DOTALL)
    assert code.count("\n") == 4
    namespace: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), namespace)
    with namespace["run"] as client:
        expected = client.sql(
            "SELECT label, avg(variance) FROM history JOIN samples USING (sample_id) GROUP BY ALL"
        )
        rows = expected.fetchall()
    printed = capsys.readouterr().out
    assert len(rows) == CLASSES
    assert all(f"{mean:.6f}" in printed for _, mean in rows)
