"""The labels of Parquet files, and the names that the files give the classes.

Names stand in the metadata of the schema: under class_names as a JSON list, or in the hubs' description of
the features. Where they do not, text labels name themselves and numbers stay numbers.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray


def labels_and_names(
    train: list[Path], test: list[Path], column: str
) -> tuple[ndarray, tuple[str, ...], int]:
    """Returns the labels (N,) int64 of all files, the class names, and how many labels are of train.

    Raises ValueError for an empty label, and for one that no class name belongs to.
    """
    import pyarrow as pa

    parts = [_column(files, column) for files in (train, test) if files]
    training = len(parts[0])
    values = pa.concat_arrays([chunk for part in parts for chunk in part.chunks])
    if not training:
        raise ValueError(f"{train[0]} has no rows; give another file")
    if values.null_count:
        raise ValueError(f"column {column!r} must have a label in every row; {values.null_count} are empty")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return *_named(values.to_pylist(), training, column), training
    if not pa.types.is_integer(values.type):
        raise ValueError(
            f"source.label must be a column of class numbers or names; {column!r} is {values.type}"
        )
    labels = values.to_numpy(zero_copy_only=False).astype(np.int64)
    names = class_names(train[0], column) or tuple(str(label) for label in range(labels.max() + 1))
    if labels.min() < 0 or labels.max() >= len(names):
        found = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"column {column!r} must have labels from 0 to {len(names) - 1}; got {found}")
    return labels, names, training


def class_names(path: Path, column: str) -> tuple[str, ...]:
    """Returns the class names in the metadata of a Parquet file; empty where it has none."""
    from pyarrow import parquet

    metadata = parquet.read_schema(path).metadata or {}
    names = _json(metadata.get(b"class_names"))
    if names is None:
        description = _json(metadata.get(b"huggingface"))
        for key in ("info", "features", column, "names"):
            description = description.get(key) if isinstance(description, dict) else None
        names = description
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _json(text: bytes | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def _column(files: list[Path], column: str) -> Any:
    """The labels of the files one after the other, brought to one type: files may differ in it."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = [parquet.read_table(path, columns=[column]).column(0) for path in files]
    chunks = [_wide(chunk) for part in columns for chunk in part.chunks]
    return pa.chunked_array(chunks, type=chunks[0].type if chunks else pa.int64())


def _wide(chunk: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    return chunk.cast(pa.int64()) if pa.types.is_integer(chunk.type) else chunk


def _named(texts: list[str], training: int, column: str) -> tuple[ndarray, tuple[str, ...]]:
    """Numbers the classes in the order of their names; a test label that training lacks is refused."""
    names = tuple(sorted(set(texts[:training])))
    numbers = {name: label for label, name in enumerate(names)}
    unknown = set(texts) - set(names)
    if unknown:
        raise ValueError(f"column {column!r} of test has {min(unknown)!r}, which train has not; remove it")
    return np.array([numbers[text] for text in texts], np.int64), names
