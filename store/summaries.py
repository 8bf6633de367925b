"""One row a sample over the epochs so far: how it is computed, and where a fold keeps it for the last epoch.

Going through fifty thousand samples and two hundred epochs takes a second, and most pages ask about the last
epoch. A fold therefore stores the same answer as a table; runs folded before have none and are asked anew.
"""

import duckdb

from store import derived

TABLE = derived.SUMMARY
# What a summary adds to samples, and the type that its SQL gives it.
COLUMNS = {column.name: column.type for column in derived.SUMMARY_COLUMNS[2:]}


def select(where: str, *, history: str = "history", samples: str = "samples") -> str:
    """Returns the SELECT of every column of samples and COLUMNS; where: which rows of history count.

    A visit is an epoch in which the sample was measured; forgetting_events counts visits that were wrong
    after the visit before was right.
    """
    return f"""
        WITH forgotten AS (
            SELECT sample_id, count(*) FILTER (before AND NOT correct) AS forgetting_events
            FROM (
                SELECT sample_id, correct, lag(correct) OVER (PARTITION BY sample_id ORDER BY epoch) AS before
                FROM {history} WHERE correct IS NOT NULL AND {where}
            )
            GROUP BY sample_id
        ), learned AS (
            SELECT sample_id,
                count(correct) AS visits,
                count(*) FILTER (selected) AS times_kept,
                times_kept / count(*) AS kept_share,
                avg(confidence) AS mean_confidence,
                stddev_pop(confidence) AS variability,
                avg(correct::INTEGER) AS correctness,
                avg(margin) AS mean_margin,
                avg(loss) AS mean_loss,
                arg_max(loss, epoch) AS last_loss,
                arg_max(prediction, epoch) AS last_prediction,
                arg_max(rarity, epoch) AS last_rarity,
                arg_max(score, epoch) AS last_score,
                min(epoch) FILTER (correct) AS first_learned_epoch,
                max(epoch) FILTER (correct IS NOT NULL) AS last_seen_epoch
            FROM {history} WHERE {where} GROUP BY sample_id
        )
        SELECT samples.*, learned.* EXCLUDE (sample_id, visits, times_kept),
            coalesce(visits, 0) AS visits,
            coalesce(times_kept, 0) AS times_kept,
            CASE WHEN visits > 0 THEN forgetting_events END AS forgetting_events
        FROM {samples} AS samples LEFT JOIN learned USING (sample_id) LEFT JOIN forgotten USING (sample_id)
    """


def create(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Creates the empty table in an attached database, with what it and its columns mean."""
    connection.execute("BEGIN")
    connection.execute(f"CREATE TABLE {catalog}.{TABLE} ({_declared()})")
    connection.execute(f"COMMENT ON TABLE {catalog}.{TABLE} IS '{derived.ALL_MEANINGS[TABLE]}'")
    for column in derived.SUMMARY_COLUMNS:
        comment = f"{column.meaning}; {column.when}".replace("'", "''")
        connection.execute(f"COMMENT ON COLUMN {catalog}.{TABLE}.{column.name} IS '{comment}'")
    connection.execute("COMMIT")


def fill(connection: duckdb.DuckDBPyConnection, catalog: str, *, epoch: int, low: int, high: int) -> None:
    """Inserts the samples low to high - 1 (ids) as of an epoch, the last in the database."""
    within = f"sample_id >= {low} AND sample_id < {high}"
    names = ", ".join(COLUMNS)
    answer = select(within, history=f"{catalog}.history", samples=f"{catalog}.samples")
    connection.execute(
        f"INSERT INTO {catalog}.{TABLE} SELECT sample_id, {epoch}, {names} FROM ({answer}) "
        f"WHERE {within} ORDER BY sample_id"
    )


def stored(connection: duckdb.DuckDBPyConnection, catalog: str | None) -> str:
    """Returns the SELECT of the stored answer; of no row where the database has none that is as declared."""
    names = ["sample_id", "up_to", *COLUMNS]
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
        "ORDER BY column_index",
        [catalog or "", TABLE],
    ).fetchall()
    if [name for (name,) in found] == names:
        return f"SELECT * FROM {catalog}.{TABLE}"
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _types().items())
    return f"SELECT {columns} WHERE false"


def _types() -> dict[str, str]:
    return {column.name: column.type for column in derived.SUMMARY_COLUMNS}


def _declared() -> str:
    return ", ".join(f"{name} {kind}" for name, kind in _types().items())
