"""One query that a person wrote, answered in a process of its own that can read one study and nothing else.

DuckDB can be told to open no file but those of the run, to write nothing and to stay within a memory limit,
but some of its functions neither stop when asked nor count what they allocate. Only a process has limits that
hold whatever is asked, and its end, however sudden, is not the app's. It is started with the question on its
input and writes the answer to its output: one line of JSON, then the rows as an Arrow stream.
"""

import json
import resource
import sys
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from store.sql import permitted

MEMORY = 512  # megabytes for DuckDB
PROCESS_MEMORY = 2048  # megabytes for all that the process may map
MOST_BYTES = 64_000_000  # of rows in one answer
COUNTED = 5_000_000  # rows up to which all are counted although not all are sent

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": f"{MEMORY}MB",
    "temp_directory": "",
    "home_directory": "/nonexistent",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,  # the variables of this program are no tables
}


class _Interrupter:
    """Interrupts a connection when its time is up, and remembers that it did."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self.has_struck = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> "_Interrupter":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _strike(self) -> None:
        self.has_struck = True
        self._connection.interrupt()


def main() -> None:
    """Reads a question from the input, answers it on the output and ends."""
    question = json.loads(sys.stdin.buffer.read())
    _limit(question["seconds"])
    head, rows = answered(question)
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + rows)


def answered(question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Returns the head of the answer and its rows; that of a refusal has kind and message."""
    try:
        connection = _opened(question)
    except duckdb.Error as failure:
        return {"kind": "files", "message": str(failure)}, b""
    wrong = permitted.wrong(connection, question["sql"], tables=set(question["views"]))
    if wrong:
        return {"kind": "refused", "message": wrong}, b""
    with _Interrupter(connection, question["seconds"]) as interrupter:
        try:
            return _executed(connection, question, interrupter)
        except (duckdb.Error, pa.ArrowException, MemoryError, OSError) as failure:
            kind = "files" if _is_gone(failure, question) else _kind(failure, interrupter)
            return {"kind": kind, "message": str(failure)}, b""


def _limit(seconds: float) -> None:
    """Holds this process to memory and time, and keeps it from writing any file."""
    for limit, most in (
        (resource.RLIMIT_AS, PROCESS_MEMORY << 20),
        (resource.RLIMIT_CPU, int(seconds) + 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(limit, (most, most))


def _opened(question: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Returns a connection that sees the views of the question, after which nothing can be opened or set."""
    connection = duckdb.connect(config=_SETTINGS)
    for catalog, path in question["databases"].items():
        connection.execute(f"ATTACH {_quoted(path)} AS {catalog} (READ_ONLY)")
    for name, select in question["views"].items():
        connection.execute(f"CREATE VIEW {name} AS {select}")
    listed = ", ".join(_quoted(path) for path in question["files"])
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute("BEGIN TRANSACTION READ ONLY")
    return connection


def _executed(
    connection: duckdb.DuckDBPyConnection, question: dict[str, Any], interrupter: _Interrupter
) -> tuple[dict[str, Any], bytes]:
    connection.execute(
        f"EXPLAIN {question['sql']}"
    ).fetchall()  # says where a mistake is, which sql() does not
    reader = connection.sql(question["sql"]).to_arrow_reader(2048)  # hands on rows as they come
    batches = _until_time_is_up(reader, interrupter)
    kept, total, size = [], 0, 0
    for batch in batches:
        room = question["rows"] - total if size <= MOST_BYTES else 0
        total += len(batch)
        if room > 0:
            kept.append(batch.slice(0, room))
            size += kept[-1].nbytes
        if total > COUNTED:
            break
    rows = sum(len(batch) for batch in kept)
    if interrupter.has_struck and rows < question["rows"]:
        raise duckdb.InterruptException("the time is up")
    is_counted = total <= COUNTED and not interrupter.has_struck
    return {"total": total, "is_counted": is_counted, "rows": rows}, _written(reader.schema, kept)


def _until_time_is_up(reader: pa.RecordBatchReader, interrupter: _Interrupter) -> Iterator[pa.RecordBatch]:
    """Yields what there is; an interrupt ends it, as what came before may be enough."""
    try:
        yield from reader
    except (duckdb.Error, pa.ArrowException, OSError):
        if not interrupter.has_struck:
            raise


def _written(schema: pa.Schema, batches: list[pa.RecordBatch]) -> bytes:
    stream = BytesIO()
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return stream.getvalue()


def _kind(failure: Exception, interrupter: _Interrupter) -> str:
    if interrupter.has_struck or isinstance(failure, duckdb.InterruptException):
        return "time"
    text = str(failure)
    if isinstance(failure, (duckdb.OutOfMemoryException, MemoryError)) or "bad allocation" in text:
        return "memory"
    if "Out of Memory" in text or "bad_alloc" in text:
        return "memory"
    if isinstance(failure, duckdb.IOException) and not isinstance(failure, duckdb.PermissionException):
        return "files"
    return "query"


def _is_gone(failure: Exception, question: dict[str, Any]) -> bool:
    """True where a fold removed a file of the question: DuckDB then looks for a folder, which is refused."""
    is_refused = isinstance(failure, duckdb.PermissionException)
    return is_refused and not all(Path(path).exists() for path in question["files"])


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
