"""Parquet files with a declared schema, checked on read and write, and written atomically."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evoloss.errors import UserError
from evoloss.files import atomic_path
from evoloss.origin import digest, place_of

METADATA_KEY = b"evoloss"
SEAL_KEY = b"evoloss.seal"
RANGES = {
    **dict.fromkeys(("accuracy", "accuracies", "confidence", "share", "ece"), (0.0, 1.0)),
    **dict.fromkeys(("seconds", "samples", "steps", "bytes", "nll"), (0.0, math.inf)),
}
"""Last word of a column's name -> the range of its values; missing values are allowed."""
ROUNDING = 1e-9
DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, MemoryError)
"""What reading a damaged file may raise."""

Row = dict[str, Any]


def write(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    metadata: Mapping[str, Any],
) -> None:
    """Write `rows` (mappings with exactly the schema's columns) with `metadata` as JSON.

    Raises ValueError if a row lacks a column (an unknown value is an explicit None), has one that is not in
    the schema, or has a value out of range.
    """
    names = set(schema.names)
    for number, row in enumerate(rows):
        if set(row) != names:
            difference = sorted(set(row) ^ names)
            raise ValueError(
                f"row {number} for {path} disagrees with the schema about {difference}"
            )
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    _write_table(path, table, metadata)


def write_columns(
    path: str | Path, columns: Mapping[str, Any], schema: pa.Schema, metadata: Mapping[str, Any]
) -> None:
    """Write columns (arrays of equal length), as `write` does for rows."""
    table = pa.Table.from_pydict(dict(columns), schema=schema)
    _write_table(path, table, metadata)


def _write_table(path: str | Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    if problem := out_of_range(table):
        raise ValueError(f"{path}: {problem}")
    blob = json.dumps(metadata, sort_keys=True).encode()
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        # All except the footer is written now; the footer holds the seal.
        seal = _seal(sink.getbuffer(), blob, path)
        writer.add_key_value_metadata({METADATA_KEY: blob, SEAL_KEY: seal})
    with atomic_path(path) as temporary:
        temporary.write_bytes(sink.getbuffer())


def read_table(path: str | Path, schema: pa.Schema, sealed: bool = True) -> pa.Table:
    """Read a file as a table, if it is what evoloss wrote in that place.

    Raises UserError if it is missing, damaged, edited, moved, of another schema, or has a value out of
    range. `sealed=False` does not check the seal: for large files whose reader has a checksum.
    """
    try:
        data = Path(path).read_bytes()
        # Not pq.read_table: it imports pyarrow.dataset, 0.4 s in every job.
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            table = file.read()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run snakemake again to make it") from None
    except DAMAGE as error:
        raise UserError(
            f"{path} cannot be read ({error}); delete it and run snakemake again"
        ) from None
    if not table.schema.remove_metadata().equals(schema.remove_metadata()):
        raise UserError(
            f"{path} has columns {table.schema.names} but {schema.names} are expected: it comes from "
            "another version of evoloss; delete it and run snakemake again"
        )
    problem = (_broken_seal(data, path) if sealed else None) or out_of_range(table)
    if problem:
        raise UserError(f"{path}: {problem}; delete it and run snakemake again")
    return table


def read(path: str | Path, schema: pa.Schema) -> list[Row]:
    """Read a file as a list of rows; raises UserError as `read_table` does."""
    return read_table(path, schema).to_pylist()


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The JSON metadata of a file: study, step, provenance, seeds and settings."""
    try:
        blob = (pq.read_metadata(path).metadata or {}).get(METADATA_KEY)
        return json.loads(blob) if blob else {}
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read ({error}); run snakemake again") from None


def problem_of(path: str | Path) -> str | None:
    """Why a file is not what evoloss wrote in that place, or None. Its schema is not checked."""
    try:
        return _broken_seal(Path(path).read_bytes(), path)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _broken_seal(data: bytes, path: str | Path) -> str | None:
    """Why the content of a file is not what was written there, or None."""
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            metadata = file.metadata.metadata or {}
    except DAMAGE as error:
        return f"it cannot be read ({error})"
    seal = metadata.get(SEAL_KEY)
    if seal is None:
        return "it was not written by this version of evoloss"
    footer = int.from_bytes(data[-8:-4], "little") + 8
    if seal != _seal(memoryview(data)[:-footer], metadata.get(METADATA_KEY, b""), path):
        return "it was edited after it was written, or belongs elsewhere"
    return None


def _seal(rows: memoryview, blob: bytes, path: str | Path) -> bytes:
    """A digest of the compressed rows, the metadata and the place."""
    return digest([rows, blob, (place_of(path) or "").encode()]).encode()


def out_of_range(table: pa.Table) -> str | None:
    """A sentence about the first column with a value outside its range (RANGES), or None."""
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_list(column.type):
            column = column.flatten()
        bounds = RANGES.get(name.rpartition("_")[2])
        if bounds is None or pa.types.is_string(column.type):
            continue
        values = column.drop_null().to_numpy(zero_copy_only=False)
        low, high = bounds
        wrong = values[~((values >= low - ROUNDING) & (values <= high + ROUNDING))]
        if len(wrong):
            return f"{name} holds {wrong[0]}, which does not lie between {low} and {high}"
    return None
