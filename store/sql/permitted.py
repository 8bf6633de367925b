"""What a query of the console may say: one SELECT over the run's tables, by DuckDB's own reading of it.

A list of what is forbidden would have to know every function of every version of DuckDB that opens a file or
tells a path. Tables and functions that return tables are therefore allowed by name, and only the few
functions of single values that tell of the process are forbidden.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

LONGEST = 20_000  # characters
EMPTY = "the query is empty; write a SELECT or click an example"

# DuckDB's names of the nodes that only read.
_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "json_each", "json_tree"}
_TELLING = re.compile(
    r"(getenv|current_setting|getvariable|which_secret|write_log|current_query.*|set_config|txid_current"
    r"|pragma_.*|duckdb_.*|sqlite_.*|read_.*|nextval|currval|pg_.*(conf|setting|read|ls|file).*)",
    re.IGNORECASE,
)
# A name of DuckDB's own tables stays theirs where a query names its own table so elsewhere.
_SYSTEM = re.compile(r"(duckdb|pragma|sqlite|pg|information_schema)_.*", re.IGNORECASE)


def wrong(connection: duckdb.DuckDBPyConnection, sql: str, *, tables: set[str]) -> str | None:
    """Returns why the console does not run this text, None where it does; tables: those that may be read."""
    if len(sql) > LONGEST:
        return f"a query must have at most {LONGEST:,} characters; got {len(sql):,}"
    [(text,)] = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
    read = json.loads(text)
    if read.get("error"):
        return _misread(connection, sql, read)
    statements = read["statements"]
    if not statements:
        return EMPTY
    if len(statements) > 1:
        return f"the console runs one statement at a time; got {len(statements)}"
    nodes = list(_nodes(statements))
    own = {entry["key"].lower() for node in nodes for entry in _named(node) if not _is_system(entry["key"])}
    reasons = (_reason(node, tables | own) for node in nodes)
    return next((reason for reason in reasons if reason), None)


def _misread(connection: duckdb.DuckDBPyConnection, sql: str, read: dict[str, Any]) -> str:
    """Returns why a text is no SELECT: a mistake of its writing, or a statement of another kind."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as failure:
        return str(failure)
    if not statements:
        return EMPTY
    kind = statements[0].type.name.replace("_", " ")
    if kind in ("SELECT", "MULTI"):
        return f"the console cannot check this query; write it as a plain SELECT ({read['error_message']})"
    return f"the console only reads: a query must be a SELECT; got {kind}"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every object of a parsed query."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _named(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the tables that a WITH names."""
    named = node.get("cte_map")
    return list(named["map"]) if isinstance(named, dict) else []


def _reason(node: dict[str, Any], tables: set[str]) -> str | None:
    """Returns why this node may not be in a query."""
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _READING:
        return f"the console only reads: a query must be a SELECT; got {kind.split('_')[0]}"
    if kind == "BASE_TABLE":
        return _unknown_table(node, tables)
    if kind == "SHOW_REF":
        return _unshown(node, tables)
    function = str(node.get("function_name") or "")
    if kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name"))
        return None if name.lower() in _TABLE_FUNCTIONS else _closed(name)
    return _closed(function) if _TELLING.fullmatch(function) else None


def _unknown_table(node: dict[str, Any], tables: set[str]) -> str | None:
    name, schema, catalog = node["table_name"], node["schema_name"], node["catalog_name"]
    if name.lower() in tables and schema in ("", "main") and not catalog:
        return None
    full = ".".join(part for part in (catalog, schema, name) if part)
    return f"there is no table {full!r} here; the tables are {', '.join(sorted(tables))}"


def _unshown(node: dict[str, Any], tables: set[str]) -> str | None:
    name = str(node.get("table_name", "")).strip('"').lower()
    if not name or name == "tables" or name in tables:
        return None
    return f"the console can show tables and describe each; got {name!r}"


def _is_system(name: str) -> bool:
    return bool(_SYSTEM.fullmatch(name))


def _closed(function: str) -> str:
    return f"the function {function} is closed in the console, which reads nothing but the tables of the run"
