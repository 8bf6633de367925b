"""Named arrays to Arrow tables and Parquet bytes, in exactly the columns and types that the schema declares.

What is unknown comes as NaN or masked and is kept as NULL; what does not fit its declared type is refused
instead of rounded or wrapped, so that a number in the file is the number that was measured.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from store.schema import TABLES, Column

ARROW_TYPES: dict[str, Any] = {
    "BOOLEAN": pa.bool_(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "FLOAT": pa.float32(),
    "VARCHAR": pa.string(),
    "UINTEGER[]": pa.list_(pa.uint32()),
}

# Small enough that one sample's history decodes little of a part, large enough to compress well.
ROWS_A_GROUP = 16_384

ArrowInvalid = pa.ArrowInvalid


def check_names(where: str, given: Sequence[str], declared: Sequence[Column]) -> None:
    """Raises ValueError where a declared column is missing or a given one is not declared."""
    names = [column.name for column in declared]
    missing = [name for name in names if name not in given]
    unknown = [name for name in given if name not in names]
    if missing:
        raise ValueError(
            f"{where} has no column {missing[0]!r}; fill it in the engine (NaN where unknown) or "
            "remove it from store/schema.py"
        )
    if unknown:
        raise ValueError(f"{where} has an unknown column {unknown[0]!r}; declare it in store/schema.py")


def arrow_table(table: str, columns: Mapping[str, Any]) -> pa.Table:
    """Returns the columns of one table, checked against the schema; equal lengths are the caller's to give.

    Columns are arrays, masked arrays or (for text and lists) sequences. NaN and masked cells become NULL.
    """
    arrays = [_arrow_array(table, column, columns[column.name]) for column in TABLES[table]]
    return pa.table(arrays, schema=arrow_schema(table))


def arrow_schema(table: str) -> pa.Schema:
    """Returns the Arrow schema of one table."""
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in TABLES[table]])


def parquet_bytes(table: pa.Table, note: Mapping[str, str]) -> memoryview:
    """Returns the table as the bytes of a Parquet file that carries note in its footer."""
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    others = [name for name in table.column_names if name not in floats]
    stream = pa.BufferOutputStream()
    encoding = {"compression": "zstd", "use_dictionary": others, "use_byte_stream_split": floats}
    with pq.ParquetWriter(stream, table.schema, store_schema=False, **encoding) as writer:
        writer.write_table(table, row_group_size=ROWS_A_GROUP)
        writer.add_key_value_metadata(dict(note))
    return memoryview(stream.getvalue())


def parquet_facts(path: Path) -> tuple[list[str], int, dict[str, str]]:
    """Returns column names, rows and note from a Parquet file's footer; ArrowInvalid where it has none."""
    metadata = pq.read_metadata(path)
    note = {key.decode(): text.decode() for key, text in (metadata.metadata or {}).items()}
    return list(metadata.schema.to_arrow_schema().names), metadata.num_rows, note


def list_array(matrix: ndarray) -> pa.Array:
    """Returns the rows of a matrix (M, k) of numbers from 0 as M lists."""
    rows, width = matrix.shape
    values = pa.array(np.ascontiguousarray(matrix, np.uint32).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), values)


def unknown_cells(values: Any) -> ndarray:
    """Returns the mask of what is NaN or masked."""
    unknown: ndarray = np.array(np.ma.getmaskarray(values))
    array = np.asarray(np.ma.getdata(values))
    return unknown | np.isnan(array) if array.dtype.kind == "f" else unknown


def read_rows(path: Path) -> int:
    """Returns the number of rows of a Parquet file, from its footer."""
    return int(pq.read_metadata(path).num_rows)


def read_column(path: Path, name: str) -> list[Any]:
    """Returns one column of a Parquet file, None where it is NULL."""
    values: list[Any] = pq.read_table(path, columns=[name])[name].to_pylist()
    return values


def _arrow_array(table: str, column: Column, values: Any) -> pa.Array:
    where, wanted = f"{table}.{column.name}", ARROW_TYPES[column.type]
    if column.type == "VARCHAR":
        return pa.array(list(values), type=wanted)
    if column.type == "UINTEGER[]":
        return list_array(values)
    array, unknown = np.asarray(np.ma.getdata(values)), unknown_cells(values)
    if array.ndim != 1:
        raise ValueError(f"{where} must have one dimension; got shape {array.shape}")
    if column.type == "FLOAT":
        return pa.array(np.asarray(array, np.float32), mask=unknown)
    return pa.array(_whole_numbers(where, np.where(unknown, 0, array), wanted), mask=unknown)


def _whole_numbers(where: str, array: ndarray, wanted: Any) -> ndarray:
    """Casts to the wanted integer or boolean type; ValueError where a value would change by it."""
    target = np.dtype(wanted.to_pandas_dtype())
    with np.errstate(invalid="ignore"):
        cast = array.astype(target)
    wrong = cast != array
    if wrong.any():
        value = array[wrong][0]
        raise ValueError(f"{where} must be a whole number that fits {target}; got {value}")
    return cast
