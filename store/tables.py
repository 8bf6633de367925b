"""Named arrays to Arrow tables and Parquet bytes, in exactly the columns and types that the schema declares.

What is unknown comes as NaN or masked and is kept as NULL; what does not fit its declared type is refused
instead of rounded or wrapped, so that a number in the file is the number that was measured.
"""

import hashlib
import mmap
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

# Small enough that one sample's history decodes little of a part, large enough to compress well; of a large
# part at most so many, for what a footer says of each is read before any row.
ROWS_A_GROUP, GROUPS = 8_192, 64

ArrowInvalid = pa.ArrowInvalid

# The note of the seal: the sha256 of the file with these digits as zeros, so that no second file is needed.
SEAL = "undertow.sha256"
_UNSEALED = "0" * 64


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
    """Returns the table as the bytes of a Parquet file that carries note and its seal in its footer."""
    stream = pa.BufferOutputStream()
    with pq.ParquetWriter(stream, table.schema, store_schema=False, **_encoding(table.schema)) as writer:
        writer.write_table(table, row_group_size=max(ROWS_A_GROUP, table.num_rows // GROUPS))
        writer.add_key_value_metadata({**note, SEAL: _UNSEALED})
    return _sealed(bytearray(stream.getvalue()))


def is_sealed(path: Path) -> bool:
    """True where a Parquet file is to the byte as it was written; False where it has no seal at all too.

    Raises FileNotFoundError.
    """
    try:
        seal = parquet_facts(path)[2].get(SEAL, "").encode()
    except ArrowInvalid:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.rfind(seal) if len(seal) == len(_UNSEALED) else -1
        return place >= 0 and _digest(content, place).encode() == seal


def parquet_facts(path: Path) -> tuple[list[str], int, dict[str, str]]:
    """Returns column names, rows and note from a Parquet file's footer; ArrowInvalid where it has none."""
    try:
        metadata = pq.read_metadata(path)
        names = list(metadata.schema.to_arrow_schema().names)
    except (pa.ArrowException, ValueError, OSError) as failure:
        if isinstance(failure, OSError) and failure.errno is not None:
            raise  # it is not there, or may not be read
        raise ArrowInvalid(f"{path.name} is no whole Parquet file; {failure}") from failure
    pairs = (metadata.metadata or {}).items()
    note = {key.decode("utf-8", "replace"): text.decode("utf-8", "replace") for key, text in pairs}
    return names, metadata.num_rows, note


def list_array(matrix: ndarray) -> pa.Array:
    """Returns the rows of a matrix (M, k) of numbers from 0 as M lists."""
    rows, width = matrix.shape
    values = pa.array(np.ascontiguousarray(matrix, np.uint32).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), values)


def unknown_cells(values: Any) -> ndarray:
    """Returns the mask of what is NaN or masked."""
    array, mask = np.asarray(np.ma.getdata(values)), np.ma.getmask(values)
    unknown: ndarray = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    return unknown if mask is np.ma.nomask else unknown | mask


def read_rows(path: Path) -> int:
    """Returns the number of rows of a Parquet file, from its footer."""
    return int(pq.read_metadata(path).num_rows)


def read_column(path: Path, name: str) -> list[Any]:
    """Returns one column of a Parquet file, None where it is NULL."""
    values: list[Any] = pq.read_table(path, columns=[name])[name].to_pylist()
    return values


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """How each column is written, by its type; only texts have a dictionary, which takes longest to make.

    The bytes of floats lie by their place, so that sign and exponent compress; whole numbers lie as
    differences, which are 1 for ids. Extremes are kept of whole numbers alone: they cost a tenth of the time,
    and as rows lie by id, no question could skip any by those of a float. Against zstd lz4 takes a byte a row
    more and a tenth of the time less, written and read.
    """
    leaves = {_leaf(field): getattr(field.type, "value_type", field.type) for field in schema}
    whole = [name for name, kind in leaves.items() if pa.types.is_integer(kind)]
    floats = [name for name, kind in leaves.items() if pa.types.is_floating(kind)]
    return {
        "compression": "lz4",
        "column_encoding": dict.fromkeys(floats, "BYTE_STREAM_SPLIT")
        | dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
        "use_dictionary": [name for name, kind in leaves.items() if pa.types.is_string(kind)],
        "write_statistics": whole,
    }


def _leaf(field: pa.Field) -> str:
    """The name under which Parquet knows the numbers of a column."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)


def _sealed(content: bytearray) -> memoryview:
    place = content.rfind(_UNSEALED.encode())
    content[place : place + len(_UNSEALED)] = _digest(content, place).encode()
    return memoryview(content)


def _digest(content: bytearray | mmap.mmap, place: int) -> str:
    """Returns the sha256 of a file's content as if zeros stood at the place of its seal."""
    digest = hashlib.sha256()
    with memoryview(content) as whole:
        digest.update(whole[:place])
        digest.update(_UNSEALED.encode())
        digest.update(whole[place + len(_UNSEALED) :])
    return digest.hexdigest()


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
        return _packed(wanted, np.asarray(array, np.float32), unknown)
    return _packed(wanted, _whole_numbers(where, array, unknown, wanted), unknown)


def _whole_numbers(where: str, array: ndarray, unknown: ndarray, wanted: Any) -> ndarray:
    """Casts to the wanted integer or boolean type; ValueError where a known value would change by it."""
    target = np.dtype(wanted.to_pandas_dtype())
    with np.errstate(invalid="ignore"):
        cast = array.astype(target)
    wrong = (cast != array) & ~unknown
    if wrong.any():
        value = array[wrong][0]
        raise ValueError(f"{where} must be a whole number that fits {target}; got {value}")
    return cast


def _packed(wanted: Any, values: ndarray, unknown: ndarray) -> pa.Array:
    """The values as they lie in memory and a bit a cell for what is known, ten times as fast as pa.array."""
    known = _bits(~unknown) if unknown.any() else None
    content = _bits(values) if values.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(wanted, len(values), [known, content])


def _bits(flags: ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
