"""The console: what a query answers, what it may not ask, and that whatever it asks ends in a sentence."""

import json
from pathlib import Path

import pytest

from app import cell
from store import queries, sources
from store.folding import fold
from store.run import Run
from store.schema import TABLES
from store.sql import console, permitted, sandbox
from store.sql.console import Answer, Process, QueryRefused
from store.sql.recipes import RECIPES, Recipe
from tests.synthetic import make_study

SAMPLES, EPOCHS = 60, 4


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("a person's")  # a quote in the path is no end of a text
    return make_study(folder, samples=SAMPLES, epochs=EPOCHS, seeds=1)


@pytest.fixture(scope="module")
def run(study: list[Run]) -> Run:
    return study[0]


def here(question: bytes, _: float) -> bytes:
    """Answers in this process, which is quick; what only a process of its own withstands uses cell.answer."""
    head, rows = sandbox.answered(json.loads(question))
    return json.dumps(head).encode() + b"\n" + rows


def ask(run: Run, sql: str, *, process: Process = here, **options: int) -> Answer:
    return console.ask(run, sql, process=process, **options)


def refusal(run: Run, sql: str, process: Process = here) -> str:
    with pytest.raises(QueryRefused) as refused:
        ask(run, sql, process=process)
    return str(refused.value)


def test_the_console_sees_what_every_other_question_sees(run: Run) -> None:
    answer = ask(run, "SELECT sample_id, loss FROM history WHERE epoch = 3 ORDER BY sample_id")
    expected = queries.epoch_rows(run, 3, ["loss"])
    assert answer.frame["loss"].tolist() == pytest.approx(expected["loss"].tolist(), nan_ok=True)
    assert (answer.total, answer.is_whole, answer.sample_ids) == (SAMPLES, True, tuple(range(SAMPLES)))


def test_folded_epochs_and_newer_parts_are_one_table(study: list[Run]) -> None:
    run = study[1]
    run.fold()
    assert ask(run, "SELECT count(*) AS n FROM history").frame["n"].tolist() == [SAMPLES * EPOCHS]


def test_a_part_that_a_fold_removes_meanwhile_has_the_query_asked_again(tmp_path: Path) -> None:
    run = make_study(tmp_path, samples=SAMPLES, epochs=EPOCHS, seeds=1)[0]
    asked = []

    def folding_first(question: bytes, _: float) -> bytes:
        asked.append(question)
        if len(asked) == 1:
            fold.fold(run.folder, is_final=True)
        return here(question, 0)

    answer = ask(run, "SELECT count(*) AS n FROM history", process=folding_first)
    assert (answer.frame["n"].tolist(), len(asked)) == ([SAMPLES * EPOCHS], 2)


def test_a_part_that_goes_away_while_it_is_compared_with_its_seal_has_it_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_study(tmp_path, samples=SAMPLES, epochs=EPOCHS, seeds=1)[0]
    check = sources.check

    def folded_before(folder: Path, state: sources.State) -> None:
        monkeypatch.undo()
        fold.fold(folder, is_final=True)
        check(folder, state)

    monkeypatch.setattr(sources, "check", folded_before)
    assert ask(run, "SELECT count(*) AS n FROM history").frame["n"].tolist() == [SAMPLES * EPOCHS]


def test_every_run_of_the_study_is_in_the_tables_named_all(study: list[Run]) -> None:
    answer = console.ask(
        study[0], "SELECT run, count(*) AS n FROM all_history GROUP BY run", process=here, mates=study
    )
    assert dict(zip(answer.frame["run"], answer.frame["n"], strict=True)) == {
        run.id: SAMPLES * EPOCHS for run in study
    }


def test_whole_numbers_stay_whole_where_one_is_unknown_and_sums_are_numbers(run: Run) -> None:
    frame = ask(run, "SELECT unnest([1, NULL]) AS a, sum(2) OVER () AS b, 3 AS a").frame
    assert list(frame.columns) == ["a", "b", "a_2"]
    assert [str(kind) for kind in frame.dtypes] == ["Int32", "float64", "Int32"]


def test_rows_beyond_those_asked_for_are_counted(run: Run) -> None:
    answer = ask(run, "SELECT * FROM range(25)", rows=10)
    assert (len(answer.frame), answer.total, answer.is_counted, answer.is_whole) == (10, 25, True, False)


def test_counting_ends_where_nobody_would_wait_for_it(run: Run) -> None:
    answer = ask(run, "SELECT * FROM range(1000000000000)", rows=10)
    assert (len(answer.frame), answer.is_counted, answer.total > 1_000_000) == (10, False, True)


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.question for recipe in RECIPES])
def test_every_example_answers(study: list[Run], recipe: Recipe) -> None:
    answer = console.ask(study[0], recipe.sql, process=here, mates=study)
    assert len(answer.frame)
    assert not answer.frame.isna().all().any()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_can_be_described(run: Run, table: str) -> None:
    names = ask(run, f"DESCRIBE {table}").frame["column_name"].tolist()
    assert names == [column.name for column in TABLES[table]]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "the query is empty; write a SELECT or click an example"),
        ("-- nothing", "the query is empty; write a SELECT or click an example"),
        ("SELECT 1; SELECT 2", "the console runs one statement at a time; got 2"),
        ("SELCT 1", "syntax error at or near \"SELCT\" (line 1, near 'SELCT')"),
        (
            "SELECT label,\n  nam FROM classes",
            'Referenced column "nam" not found in FROM clause! Candidate bindings: "name", "label" '
            "(line 2, near 'nam')",
        ),
        (
            "SELECT * FROM nothing",
            "there is no table 'nothing' here; the tables are all_classes, all_epoch_stats, all_history, "
            "all_metrics, all_samples, classes, epoch_stats, history, metrics, samples",
        ),
        ("SELECT 'a'::INT", "Could not convert string 'a' to INT32 (line 1, near ':')"),
        ("SELECT '" + "a" * 20_000 + "'", "a query must have at most 20,000 characters; got 20,009"),
    ],
)
def test_a_mistake_is_one_sentence_and_says_where(run: Run, sql: str, sentence: str) -> None:
    assert refusal(run, sql) == sentence


def test_a_file_that_no_rule_knows_is_closed_by_the_database_itself(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rules on words, the connection still opens nothing, sets nothing and writes nothing."""
    monkeypatch.setattr(permitted, "wrong", lambda *_, **__: None)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    question = console.question(run, "", mates=(), rows=10)
    for sql in (
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"COPY metrics TO '{tmp_path}/stolen.csv'",
        "SET enable_external_access = true",
        "CREATE TABLE a AS SELECT 1",
        "SELECT * FROM glob('/*')",
        f"ATTACH '{tmp_path}/new.duckdb'",
        "LOAD httpfs",
    ):
        head, rows = sandbox.answered({**question, "sql": sql})
        assert (head.get("kind"), rows) == ("query", b""), sql
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT list(i) FROM range(100000000000) AS t(i)",
        "SELECT i, repeat('abc', 100000000) FROM range(100) AS t(i)",
    ],
)
def test_a_query_for_too_much_memory_ends_in_a_sentence(run: Run, sql: str) -> None:
    assert refusal(run, sql, cell.answer).startswith("the query needs more than the 512 MB that one may take")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE a.range + b.range = 7",
        "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))",  # does not stop when asked
    ],
)
def test_a_query_that_hangs_is_cut_off_with_a_sentence(
    run: Run, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SECONDS", 0.5)
    monkeypatch.setattr(cell, "GRACE", 2.0)
    assert refusal(run, sql, cell.answer).startswith(
        "the query was cut off after 0.5 s; narrow it with WHERE"
    )


def test_the_process_answers_as_the_console_does_here(run: Run) -> None:
    sql = "SELECT * FROM metrics ORDER BY epoch"
    assert ask(run, sql, process=cell.answer).frame.equals(ask(run, sql).frame)


def test_a_process_that_dies_is_a_sentence(run: Run) -> None:
    with pytest.raises(QueryRefused, match="was stopped; select fewer rows"):
        console.ask(run, "SELECT 1", process=lambda *_: b"")


def test_the_process_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_TOKEN", "a token of many letters")
    seen: dict[str, str] = {}
    real = cell.subprocess.run

    def remember(*_: object, **options: dict[str, str]) -> object:
        seen.update(options["env"])
        return real(["true"], capture_output=True, check=False)

    monkeypatch.setattr(cell.subprocess, "run", remember)
    cell.answer(b"{}", 1.0)
    assert set(seen) <= {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}
