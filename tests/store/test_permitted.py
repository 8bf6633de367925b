"""What the console refuses by the words of a query alone, before anything of it runs."""

import duckdb
import pytest

from store.sql import permitted


def refusal(sql: str) -> str:
    with duckdb.connect() as connection:
        sentence = permitted.wrong(connection, sql, tables={"history", "samples"})
    assert sentence
    return sentence


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO samples VALUES (1)",
        "UPDATE metrics SET kept = 0",
        "DELETE FROM history",
        "CREATE TABLE a AS SELECT 1",
        "CREATE TEMP VIEW a AS SELECT 1",
        "DROP VIEW history",
        "ALTER VIEW history RENAME TO a",
        "COPY samples TO 'stolen.csv'",
        "COPY (SELECT 1) TO '/dev/stdout'",
        "EXPORT DATABASE 'stolen'",
        "IMPORT DATABASE 'x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH 'stolen.duckdb'",
        "DETACH run_0",
        "USE run_0",
        "CHECKPOINT",
        "VACUUM",
        "SET threads = 8",
        "RESET memory_limit",
        "PRAGMA version",
        "PRAGMA enable_profiling",
        "CALL duckdb_settings()",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "EXPLAIN ANALYZE SELECT 1",
        "WITH gone AS (DELETE FROM samples RETURNING *) SELECT * FROM gone",
        "MERGE INTO samples USING samples AS b ON false WHEN NOT MATCHED THEN INSERT VALUES (1)",
    ],
)
def test_nothing_but_reading_is_run(sql: str) -> None:
    assert refusal(sql).startswith(("the console only reads: a query must be a SELECT; got ", "syntax error"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM '{file}'",
        'SELECT * FROM "{file}"',
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM parquet_scan('{file}')",
        "SELECT * FROM parquet_metadata('{file}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM sniff_csv('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM read_duckdb('{file}')",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
        "SELECT * FROM 'https://evil.example/x.parquet'",
        "SELECT * FROM read_parquet('s3://evil/x')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('samples')",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
        "SELECT (SELECT content FROM read_text('{file}'))",
        "FROM (DESCRIBE SELECT * FROM read_csv('{file}'))",
        "SELECT 1 WHERE EXISTS (FROM read_text('{file}'))",
        "SELECT 1 UNION ALL SELECT content FROM read_text('{file}')",
        "SELECT 1 ORDER BY (SELECT content FROM read_text('{file}'))",
        "WITH RECURSIVE a AS (SELECT 1 UNION SELECT 1 FROM read_text('{file}')) FROM a",
        "SELECT getenv('HOME')",
        "SELECT list_transform(['HOME'], lambda name: getenv(name))",
        "SELECT 'HOME'.getenv()",
        "SELECT current_setting('allowed_paths')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_databases()",
        "SELECT * FROM duckdb_views",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM pg_catalog.pg_views",
        "SELECT * FROM pg_views",
        "SELECT * FROM information_schema.tables",
        "SHOW DATABASES",
        "SHOW ALL TABLES",
        "SELECT * FROM run_0.history",
        "SELECT * FROM run_0.main.history",
        "WITH duckdb_views AS (SELECT 1) FROM duckdb_views",
        "SELECT * FROM which_secret('x', 's3')",
        "SELECT * FROM question",
        "SELECT write_log('x')",
    ],
)
def test_nothing_but_the_tables_is_read(sql: str) -> None:
    sentence = refusal(sql.format(file="/etc/passwd"))
    said = ("is closed in the console", "there is no table", "can show tables", "the console cannot check")
    assert any(words in sentence for words in said), sentence


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM history",
        "FROM history",
        "TABLE history",
        "VALUES (1)",
        "SELECT 1;",
        "DESCRIBE history",
        "SUMMARIZE history",
        "SHOW TABLES",
        "SELECT * FROM main.history",
        "SELECT * FROM HISTORY AS h, range(3)",
        "WITH mine AS (SELECT 1) SELECT * FROM mine",
        "SELECT * FROM history UNION ALL SELECT * FROM history",
        "WITH RECURSIVE a AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM a WHERE i < 3) FROM a",
        "SELECT count(*) FILTER (a > 1), lag(a) OVER (ORDER BY a) FROM history GROUP BY ALL",
    ],
)
def test_what_reads_the_tables_may_be_run(sql: str) -> None:
    with duckdb.connect() as connection:
        assert permitted.wrong(connection, sql, tables={"history"}) is None
