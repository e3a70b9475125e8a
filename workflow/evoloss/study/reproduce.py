"""Checks whether a finished study can be reproduced: `python -m evoloss.study.reproduce STUDY [--seed N]`.

It answers three questions. Are all records whole, and of this configuration and this code? Which packages and which
processor differ from those here? Do a batch of evaluations and a block of final trainings, drawn at random and made
again in a separate folder, give the same numbers? Nothing in the study's folder is changed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from evoloss.errors import UserError
from evoloss.parquet import read_metadata
from evoloss.provenance import provenance
from evoloss.study.archive import CONFIGURATION
from evoloss.study.foreign_records import ASK_ALL

NOT_COPIED = ("logs", "benchmarks", ".lock")
MEASURED = ("seconds", "memory", "device")
"""Columns whose names contain one of these are measurements, which differ from run to run."""


def snakemake(study: str, *arguments: str, folder: Path | None = None, **environment: str) -> str:
    """Run Snakemake with the saved configuration of a study; returns its output. Raises UserError if it fails."""
    here = ["--directory", str(folder)] if folder else []
    configuration = Path("results", study, CONFIGURATION).resolve()
    answer = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, *here, "--configfile", str(configuration)],
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if answer.returncode:
        raise UserError(f"snakemake failed:\n{answer.stdout[-3000:]}")
    return answer.stdout


def planned_again(study: str) -> list[str]:
    """The files that would be made again, with the reason, if the metadata of every record are checked."""
    said = snakemake(study, "-n", "--cores", "1", **{ASK_ALL: "1"})
    lines = [line.strip() for line in said.splitlines()]
    return [
        line
        for line in lines
        if line.startswith(("output:", "reason:")) or "It is made again" in line
    ]


def differences(found: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    """One sentence per difference between the machine and packages of a record and those here."""
    for name, version in found["packages"].items():
        if version != here["packages"].get(name):
            yield f"{name} was {version}, here it is {here['packages'].get(name)}"
    for key in ("version", "commit", "python", "compiled"):
        if found[key] != here[key]:
            yield f"{key} was {found[key]}, here it is {here[key]}"
    if found["machine"]["cpu"] != here["machine"]["cpu"]:
        yield f"the processor was {found['machine']['cpu']}, here it is {here['machine']['cpu']}"


def recompute(study: str, record: Path) -> list[str]:
    """Make one record again in a separate folder; returns one sentence per column that differs."""
    with tempfile.TemporaryDirectory(prefix="reproduce-") as name:
        folder = Path(name).resolve()
        for entry in Path().iterdir():  # data, and the user's own modules
            if entry.name not in ("results", ".snakemake", ".git"):
                (folder / entry.name).symlink_to(entry.resolve())
        shutil.copytree(
            Path("results", study),
            folder / "results" / study,
            ignore=shutil.ignore_patterns(*NOT_COPIED),
        )
        (folder / record).unlink()
        snakemake(study, str(record), "--cores", "1", folder=folder)
        return list(differing(record, folder / record))


def differing(old: Path, new: Path) -> Iterator[str]:
    """One sentence per column in which two Parquet files of a record differ; measurements are left out."""
    with pq.ParquetFile(old) as one, pq.ParquetFile(new) as two:
        tables = one.read(), two.read()
    if tables[0].num_rows != tables[1].num_rows:
        yield f"{tables[0].num_rows} rows, now {tables[1].num_rows}"
        return
    for name in tables[0].column_names:
        if any(part in name for part in MEASURED):
            continue
        before, after = (table[name].to_pylist() for table in tables)
        rows = [
            k
            for k, pair in enumerate(zip(before, after, strict=True))
            if repr(pair[0]) != repr(pair[1])
        ]
        if rows:
            first = rows[0]
            yield f"{name} differs in {len(rows)} of {len(before)} rows: was {before[first]}, is {after[first]}"


def drawn(study: str, rng: random.Random) -> list[Path]:
    """One batch of evaluations and one block of final trainings, at random, if the study has any."""
    folder = Path("results", study)
    kinds = (
        folder.glob("search/**/evaluations/*.parquet"),
        folder.glob("retrain/*/*/[0-9]*.parquet"),
    )
    with_rows = ([p for p in sorted(paths) if pq.read_metadata(p).num_rows] for paths in kinds)
    return [rng.choice(paths) for paths in with_rows if paths]


def reproduce(study: str, seed: int | None) -> bool:
    """Print the answers to the three questions; returns whether everything is as it was."""
    if not Path("results", study, CONFIGURATION).is_file():
        raise UserError(
            f"results/{study}/{CONFIGURATION} is missing: there is no finished study {study!r}"
        )
    again = planned_again(study)
    if again:
        print("not of this configuration and code, or not whole:", *again[:20], sep="\n  ")
        return False
    print("all records are whole, and of this configuration and code")
    records = drawn(study, random.Random(seed))
    seen = {
        note
        for path in records
        for note in differences(read_metadata(path)["provenance"], provenance())
    }
    print("packages, commit and processor:", *(sorted(seen) or ["as here"]), sep="\n  ")
    same = True
    for record in records:
        found = recompute(study, record)
        print(f"{record}, made again: {'the same' if not found else ''}", *found, sep="\n  ")
        same &= not found
    if not same and seen:
        print("other packages or processors round differently, so the last digits can differ")
    return same


def main() -> None:
    """Exit with status 0 if everything is as it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--seed", type=int, help="seed of the choice of records to make again")
    flags = parser.parse_args()
    try:
        sys.exit(not reproduce(flags.study, flags.seed))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
