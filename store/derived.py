"""The tables that follow from the log: the summary of every sample, and what an export says of its run.

They are declared as the logged tables are (store/schema.py), so that the comments in a database and the
README come from one place; they stand apart because no part holds them and the engine never writes them.
"""

from store.schema import FIXED, TABLE_MEANINGS, TABLES, Column, column

_SO_FAR = "over the epochs 0 to up_to"
_AT_EXPORT = "when the export began"

# fmt: off
SUMMARY_COLUMNS: tuple[Column, ...] = (
    column("samples", "sample_id"),
    Column("up_to", "USMALLINT", "Up to", "last epoch that the row speaks of", FIXED, 0),
    Column("kept_share", "DOUBLE", "Kept share", "share of the epochs in which the sample was trained on",
           _SO_FAR, 0, 1),
    Column("mean_confidence", "DOUBLE", "Mean confidence", "mean confidence of its visits; empty without one",
           _SO_FAR, 0, 1),
    Column("variability", "DOUBLE", "Variability",
           "population standard deviation of the confidence of its visits (data map); empty without one",
           _SO_FAR, 0, 0.5),
    Column("correctness", "DOUBLE", "Correctness",
           "share of its visits at which the prediction was the label; empty without one", _SO_FAR, 0, 1),
    Column("mean_margin", "DOUBLE", "Mean margin", "mean margin of its visits (AUM); empty without one",
           _SO_FAR),
    Column("mean_loss", "DOUBLE", "Mean loss", "mean loss of its visits, nats; empty without one",
           _SO_FAR, 0),
    Column("last_loss", "FLOAT", "Last loss", "loss at its last visit, nats; empty without one", _SO_FAR, 0),
    Column("last_prediction", "USMALLINT", "Last prediction",
           "prediction at its last visit; empty without one", _SO_FAR, 0),
    Column("last_rarity", "FLOAT", "Last rarity", "rarity when it was last known; empty where it never was",
           _SO_FAR, 0, 1),
    Column("last_score", "FLOAT", "Last score", "score when it was last known; empty where it never was",
           _SO_FAR, 0),
    Column("first_learned_epoch", "USMALLINT", "First learned",
           "first epoch in which the prediction was the label; empty where it never was", _SO_FAR, 0),
    Column("last_seen_epoch", "USMALLINT", "Last seen",
           "last epoch that visited the sample; empty without one", _SO_FAR, 0),
    Column("visits", "BIGINT", "Visits", "epochs in which the sample was measured", _SO_FAR, 0),
    Column("times_kept", "BIGINT", "Times kept", "epochs in which the sample was trained on", _SO_FAR, 0),
    Column("forgetting_events", "BIGINT", "Forgotten",
           "visits that were wrong after the visit before was right; empty without a visit", _SO_FAR, 0),
)

RUN_COLUMNS: tuple[Column, ...] = (
    Column("id", "VARCHAR", "Run", "id of the run: UTC time of its making and six random digits", FIXED),
    Column("schema_version", "USMALLINT", "Schema version", "version of the tables and columns", FIXED, 1),
    Column("state", "VARCHAR", "State", "what the run was doing: queued, running, stopped, done, failed, …",
           _AT_EXPORT),
    Column("last_epoch", "USMALLINT", "Last epoch", "last epoch in the tables; empty where there is none",
           _AT_EXPORT, 0),
    Column("config", "VARCHAR", "Settings", "every setting of the run, as JSON", FIXED),
    Column("about", "VARCHAR", "About",
           "what the engine wrote down, as JSON: versions, device, class names, …", _AT_EXPORT),
)
# fmt: on

SUMMARY, RUN = "sample_summary", "run"

# All tables of an export, in the order in which a person meets them.
ALL_TABLES: dict[str, tuple[Column, ...]] = {**TABLES, SUMMARY: SUMMARY_COLUMNS, RUN: RUN_COLUMNS}

ALL_MEANINGS: dict[str, str] = {
    **TABLE_MEANINGS,
    SUMMARY: "one row a sample: what the history says of the epochs 0 to up_to",
    RUN: "one row: whose tables these are; in exports only",
}
