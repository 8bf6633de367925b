"""From a source to what a run trains on: part of it, thinned out, validation held out, labels made wrong.

The order is the meaning: a tail is that of the subset, validation has the classes' sizes of training, and
label noise touches the training labels alone. A sample_id is a row of what comes out here. Rows are chosen by
label before an image is touched, so that a set larger than the memory is written anew at most once.
"""

from dataclasses import replace

import numpy as np

from engine.datasets import Dataset, Noise, Source, Tail, mapped, strata
from engine.datasets.subset import Subset
from engine.progress import Report, silent


def prepared(
    source: Source, *, subset: Subset, tail: Tail, validation: float, noise: Noise, report: Report = silent
) -> Dataset:
    """Returns the data set of a run; validation: the share of the training set that is held out.

    Raises ValueError, with a remedy, where the parts do not fit the source.
    """
    dataset = source.load(report)
    classes = len(dataset.class_names)
    kept = subset.kept(dataset.labels, classes)
    kept = kept[tail.kept(dataset.labels[kept], classes)]
    held = np.empty(0, np.int64)
    if validation:
        stay, out = strata.hold_out(dataset.labels[kept], classes, validation)
        kept, held = kept[stay], kept[out]
    return noise.corrupt(
        replace(
            dataset,
            images=mapped.rows(dataset.images, kept, report),
            labels=dataset.labels[kept],
            validation_images=mapped.rows(dataset.images, held, report),
            validation_labels=dataset.labels[held],
        )
    )
