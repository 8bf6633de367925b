"""Every table and column that a run keeps: name, type, label, meaning and the moment it holds for.

Declared here once; the Parquet parts, the DuckDB tables, the selectors, the tooltips and the README are
derived from these tuples, so that no number on screen can mean something else than the number in the file.
"""

from dataclasses import dataclass

SCHEMA_VERSION = 3  # files are sealed since 3

FIXED = "fixed for the run"
USED_IN = "used in the epoch"
MEASURED_IN = "measured in the epoch; empty where the sample was not visited"
PROBED_IN = "measured after the epoch; empty where it ends without a clean pass over all samples"
KNOWN_AFTER = "known after the epoch"

HISTOGRAM_BINS = 64


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, what a person reads about it, and when it holds.

    low, high: the range a value can have, None where it is unbounded; direction: what a high value says.
    """

    name: str
    type: str
    label: str
    meaning: str
    when: str
    low: float | None = None
    high: float | None = None
    direction: str = ""

    @property
    def range(self) -> str:
        """The range as text, such as "0 to 1" or "0 and up"."""
        if self.low is None:
            return "any number"
        return f"{self.low:g} and up" if self.high is None else f"{self.low:g} to {self.high:g}"


# fmt: off
_EPOCH = Column("epoch", "USMALLINT", "Epoch", "pass over the selected samples; counts from 0", FIXED, 0)
_SAMPLE = Column("sample_id", "UINTEGER", "Sample", "row in the training set; stable for ever", FIXED, 0)

SAMPLE_COLUMNS: tuple[Column, ...] = (
    _SAMPLE,
    Column("label", "USMALLINT", "Label", "class the sample is trained with; wrong where noise was added",
           FIXED, 0),
    Column("true_label", "USMALLINT", "True label", "class before label noise was added; empty where nobody "
           "knows it; never shown to training", FIXED, 0),
    Column("consistency", "FLOAT", "Consistency", "agreement of image and label: cosine of the adapted image "
           "embedding and the adapted embedding of its label's prompt, by adapters that did not train on the "
           "sample, min-max scaled (p_con of arXiv 2505.03809; cross-fitting and scaling ours)",
           FIXED, 0, 1, "high = image and label agree"),
)

EPOCH_COLUMNS: tuple[Column, ...] = (
    _EPOCH,
    _SAMPLE,
    Column("selected", "BOOLEAN", "Kept", "trained on in this epoch", USED_IN),
    Column("strength", "FLOAT", "Strength", "how strongly the sample is augmented; with SADA 1 - scaled variance "
           "(arXiv 2510.00434; scaling ours)", USED_IN, 0, 1, "high = strong augmentation (stable sample)"),
    Column("weight", "FLOAT", "Weight", "factor on the sample's loss; empty where it was not kept", USED_IN, 0),
    Column("operation", "UTINYINT", "Operation", "augmentation drawn for the sample, as its place in the list of "
           "14; empty where it was not kept", USED_IN, 0, 13),
    Column("loss", "FLOAT", "Loss", "cross-entropy of the sample in nats, on the augmented view it was trained "
           "with, without label smoothing", MEASURED_IN, 0, None, "high = badly predicted"),
    Column("confidence", "FLOAT", "Confidence", "probability that the model gives the sample's label",
           MEASURED_IN, 0, 1, "high = the label is believed"),
    Column("margin", "FLOAT", "Margin", "logit of the label minus the best other logit; its mean over epochs is "
           "AUM", MEASURED_IN, None, None, "below 0 = another class is preferred"),
    Column("prediction", "USMALLINT", "Prediction", "class with the largest logit", MEASURED_IN, 0),
    Column("correct", "BOOLEAN", "Correct", "the prediction is the label", MEASURED_IN),
    Column("clean_loss", "FLOAT", "Clean loss", "cross-entropy of the sample in nats on the image without "
           "augmentation, by the model as it stands after the epoch", PROBED_IN, 0, None, "high = badly predicted"),
    Column("clean_correct", "BOOLEAN", "Correct when clean", "the prediction on the image without augmentation is "
           "the label", PROBED_IN),
    Column("influence", "FLOAT", "Influence", "absolute change of the sample's loss since its previous visit "
           "(arXiv 2510.00434), or what influence.proxy and influence.probe compare instead (ours); empty where "
           "the epoch did not observe it or there is nothing before to compare with", KNOWN_AFTER, 0, None,
           "high = the last updates moved this sample"),
    Column("variance", "FLOAT", "Variance", "moving average of the population variance of the last L influences "
           "(arXiv 2510.00434, L = 5); empty until L influences are there", KNOWN_AFTER, 0, None,
           "high = learned unsteadily"),
    Column("neighbour_distance", "FLOAT", "Neighbour distance", "mean L2 distance to the k nearest neighbours in "
           "L2-normalised features", KNOWN_AFTER, 0, 2, "high = sparse surroundings"),
    Column("density", "FLOAT", "Density", "how crowded the sample's surroundings are: 1 / neighbour distance "
           "(arXiv 2505.03809)", KNOWN_AFTER, 0, None, "high = crowded"),
    Column("rarity", "FLOAT", "Rarity", "neighbour distance, min-max scaled and clipped at both ends by "
           "density.clip (p_rho of arXiv 2505.03809; clipping ours), within the class where density.per_class "
           "is set (ours)", KNOWN_AFTER, 0, 1, "high = sparse"),
    Column("score", "FLOAT", "Score", "what a strategy ranks by: rarity x consistency (p_sel of arXiv 2505.03809; "
           "exponents ours, 1 by default), rarity or consistency alone where it goes by one of them", KNOWN_AFTER, 0, None, "high = kept first"),
    Column("feature_age", "USMALLINT", "Feature age", "epochs since the sample's features were computed",
           KNOWN_AFTER, 0, None, "0 = fresh"),
    Column("feature_clean", "BOOLEAN", "Clean features", "the sample's features are of the image without "
           "augmentation, not of an augmented view", KNOWN_AFTER),
)

METRIC_COLUMNS: tuple[Column, ...] = (
    _EPOCH,
    Column("kept", "UINTEGER", "Kept", "samples trained on", USED_IN, 0),
    Column("kept_share", "FLOAT", "Kept share", "kept / all samples", USED_IN, 0, 1),
    Column("learning_rate", "FLOAT", "Learning rate", "at the last step of the epoch", USED_IN, 0),
    Column("mean_loss", "FLOAT", "Training loss", "mean loss of the kept samples on their augmented views, nats",
           MEASURED_IN, 0),
    Column("train_accuracy", "FLOAT", "Training accuracy", "share correct of the kept samples, against their "
           "labels, on their augmented views", MEASURED_IN, 0, 1),
    Column("test_loss", "FLOAT", "Test loss", "mean loss on the test set, nats; by the averaged weights where ema is "
           "set", KNOWN_AFTER, 0),
    Column("test_accuracy", "FLOAT", "Test accuracy", "share correct on the test set; by the averaged weights where "
           "ema is set", KNOWN_AFTER, 0, 1),
    Column("validation_loss", "FLOAT", "Validation loss", "mean loss on the held-out share of the training data, "
           "nats; empty where nothing is held out", KNOWN_AFTER, 0),
    Column("validation_accuracy", "FLOAT", "Validation accuracy", "share correct on the held-out share of the "
           "training data; empty where nothing is held out", KNOWN_AFTER, 0, 1),
    Column("samples_forwarded", "UINTEGER", "Samples forwarded", "forward passes over training samples in this "
           "epoch: training, step probe and clean passes", KNOWN_AFTER, 0),
    Column("samples_probed", "UINTEGER", "Samples probed", "forward passes that only the probe of influence asked "
           "for; 0 where training and feature refreshes had them already", KNOWN_AFTER, 0),
    Column("samples_backpropagated", "UINTEGER", "Samples back-propagated", "backward passes in this epoch",
           KNOWN_AFTER, 0),
    Column("seconds", "FLOAT", "Seconds", "wall time of the epoch, without its own recording", KNOWN_AFTER, 0),
    Column("seconds_train", "FLOAT", "Training", "wall seconds of augmentation, forward, backward and update",
           KNOWN_AFTER, 0),
    Column("seconds_probe", "FLOAT", "Probe", "wall seconds of the forward passes that only the probe of "
           "influence asked for", KNOWN_AFTER, 0),
    Column("seconds_features", "FLOAT", "Features", "wall seconds of refreshing features", KNOWN_AFTER, 0),
    Column("seconds_index", "FLOAT", "Index", "wall seconds of building the neighbour index", KNOWN_AFTER, 0),
    Column("seconds_query", "FLOAT", "Query", "wall seconds of asking the neighbour index", KNOWN_AFTER, 0),
    Column("seconds_check", "FLOAT", "Check", "wall seconds of comparing what the index finds with exact "
           "neighbours", KNOWN_AFTER, 0),
    Column("seconds_map", "FLOAT", "Map", "wall seconds of the layout of the map", KNOWN_AFTER, 0),
    Column("seconds_test", "FLOAT", "Test", "wall seconds of the test set", KNOWN_AFTER, 0),
    Column("seconds_record", "FLOAT", "Record", "wall seconds of writing the epoch before this one and its "
           "checkpoint", KNOWN_AFTER, 0),
    Column("recall", "FLOAT", "HNSW recall", "share of the true k nearest neighbours that the index found, on up "
           "to 200 samples", KNOWN_AFTER, 0, 1),
    Column("jaccard", "FLOAT", "Kept-set agreement", "Jaccard index of the samples that the index's distances "
           "and exact ones would keep, on up to 2,000 samples; empty where the strategy ignores distances",
           KNOWN_AFTER, 0, 1),
    Column("exact_seconds", "FLOAT", "Exact neighbours", "wall seconds that comparing all pairs would take, from "
           "the rows that were compared", KNOWN_AFTER, 0),
    Column("clean_agreement", "FLOAT", "Agreement with clean influence", "Spearman's rank correlation, over the "
           "samples visited since the clean pass before, of the absolute changes of the loss at visits and of the "
           "clean loss (ours); empty without two clean passes", KNOWN_AFTER, -1, 1),
    Column("feature_age", "FLOAT", "Mean feature age", "mean epochs since a sample's features were computed",
           KNOWN_AFTER, 0),
    Column("map_trust", "FLOAT", "Map trustworthiness", "how far neighbours on the map are true neighbours "
           "(trustworthiness at k = 10, on up to 1,000 samples); empty where no map was drawn", KNOWN_AFTER, 0, 1),
    Column("map_movement", "FLOAT", "Map movement", "median distance that a sample moved since the last map, in "
           "units of the map's spread; 0 where no features came in since, empty where no map was drawn", KNOWN_AFTER, 0),
)

STATS_COLUMNS: tuple[Column, ...] = (
    _EPOCH,
    Column("signal", "VARCHAR", "Signal", "column of history that is summarised", FIXED),
    Column("label", "USMALLINT", "Label", "class that is summarised; empty = all samples", FIXED, 0),
    Column("n", "UINTEGER", "n", "samples with a finite value", KNOWN_AFTER, 0),
    Column("mean", "FLOAT", "Mean", "mean of the known values", KNOWN_AFTER),
    Column("q05", "FLOAT", "5 %", "5 % quantile, linear interpolation", KNOWN_AFTER),
    Column("q25", "FLOAT", "25 %", "25 % quantile", KNOWN_AFTER),
    Column("q50", "FLOAT", "Median", "median", KNOWN_AFTER),
    Column("q75", "FLOAT", "75 %", "75 % quantile", KNOWN_AFTER),
    Column("q95", "FLOAT", "95 %", "95 % quantile", KNOWN_AFTER),
    Column("low", "FLOAT", "Lowest", "left edge of the histogram: the smallest value", KNOWN_AFTER),
    Column("high", "FLOAT", "Highest", "right edge of the histogram: the largest value", KNOWN_AFTER),
    Column("histogram", "UINTEGER[]", "Histogram", f"counts in {HISTOGRAM_BINS} equal bins from low to high",
           KNOWN_AFTER),
)

CLASS_COLUMNS: tuple[Column, ...] = (
    Column("label", "USMALLINT", "Label", "number of the class", FIXED, 0),
    Column("name", "VARCHAR", "Class", "name of the class", FIXED),
)
# fmt: on

TABLES: dict[str, tuple[Column, ...]] = {
    "samples": SAMPLE_COLUMNS,
    "history": EPOCH_COLUMNS,
    "metrics": METRIC_COLUMNS,
    "epoch_stats": STATS_COLUMNS,
    "classes": CLASS_COLUMNS,
}

TABLE_MEANINGS: dict[str, str] = {
    "samples": "one row a sample: what does not change during the run",
    "history": "one row a sample and epoch, kept or not",
    "metrics": "one row an epoch",
    "epoch_stats": "one row an epoch, signal and class: quantiles and histogram",
    "classes": "one row a class",
}

# Numbers that vary from sample to sample and from epoch to epoch, in the order a person meets them.
SIGNALS: tuple[Column, ...] = tuple(
    column for column in EPOCH_COLUMNS if column.type == "FLOAT" and column.name != "weight"
)


def column(table: str, name: str) -> Column:
    """Returns the declaration of one column; raises KeyError naming both where there is none."""
    for declared in TABLES[table]:
        if declared.name == name:
            return declared
    raise KeyError(f"table {table} has no column {name!r}; the columns are declared in store/schema.py")


def ddl(table: str) -> str:
    """Returns the CREATE TABLE statement of one table."""
    columns = ", ".join(f'"{column.name}" {column.type}' for column in TABLES[table])
    return f"CREATE TABLE {table} ({columns})"
