"""Parquet files with a declared schema, checked on read and write, and written atomically."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evoloss.errors import UserError
from evoloss.files import atomic_path

METADATA_KEY = b"evoloss"

Row = dict[str, Any]


def write(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    metadata: Mapping[str, Any],
) -> None:
    """Write `rows` (one mapping a row, exactly the schema's columns) with `metadata` as JSON.

    Raises ValueError when a row lacks a column or has one that the schema does not know: an
    unknown value is an explicit None.
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
    """Write whole columns (arrays of one length), as `write` does for rows."""
    table = pa.Table.from_pydict(dict(columns), schema=schema)
    _write_table(path, table, metadata)


def _write_table(path: str | Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    blob = json.dumps(metadata, sort_keys=True).encode()
    table = table.replace_schema_metadata({METADATA_KEY: blob})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: str | Path, schema: pa.Schema) -> pa.Table:
    """Read a file as a table; raises UserError when it is missing, damaged or of another schema."""
    try:
        # Not pq.read_table: it imports pyarrow.dataset, 0.4 s in every job.
        with pq.ParquetFile(path) as file:
            table = file.read()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run snakemake again to make it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); delete it and run snakemake again"
        ) from None
    if not table.schema.remove_metadata().equals(schema.remove_metadata()):
        raise UserError(
            f"{path} has columns {table.schema.names} but {schema.names} are expected: it comes from "
            "another version of evoloss; delete it and run snakemake again"
        )
    return table


def read(path: str | Path, schema: pa.Schema) -> list[Row]:
    """Read a file as a list of rows; raises UserError as `read_table` does."""
    return read_table(path, schema).to_pylist()


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The JSON metadata of a file: study, step, provenance, seeds and settings."""
    try:
        blob = (pq.read_schema(path).metadata or {}).get(METADATA_KEY)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}); run snakemake again") from None
    return json.loads(blob) if blob else {}
