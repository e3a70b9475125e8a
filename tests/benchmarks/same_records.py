"""Whether two folders of one study hold the same records, bit for bit, but for times, memory and provenance.

    python tests/benchmarks/same_records.py BEFORE/results/digits AFTER/results/digits

For a change of the code that must change no number: run the study before and after it, then this. Exit status 0 if
nothing differs.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from evoloss.files import read_json
from evoloss.parquet import read_metadata
from evoloss.study.reproduce import MEASURED, differing

NOT_COMPARED = ("provenance", "order", "code", "source_state", "manifest")
"""Keys of a record's metadata that say where and by which code it was made."""
OF_THE_MACHINE = ("implementation.csv",)


def differences(before: Path, after: Path) -> Iterator[str]:
    """A sentence a file that differs, or that one of the two folders lacks."""
    files = {folder: set(compared(folder)) for folder in (before, after)}
    for name in sorted(files[before] ^ files[after]):
        yield f"{name}: only in {before if name in files[before] else after}"
    for name in sorted(files[before] & files[after]):
        one, two = before / name, after / name
        if name.suffix == ".parquet":
            found = [*differing(one, two), *other_metadata(one, two)]
        elif name.suffix == ".csv":
            found = other_columns(pd.read_csv(one), pd.read_csv(two))
        else:
            found = [] if without_places(one) == without_places(two) else ["another content"]
        yield from (f"{name}: {what}" for what in found)


def compared(folder: Path) -> Iterator[Path]:
    """The records and tables of a study, relative to its folder."""
    for pattern in ("data/**/*.parquet", "search/**/*", "retrain/**/*", "tasks/*", "tables/*.csv"):
        for path in folder.glob(pattern):
            if path.is_file() and path.name not in OF_THE_MACHINE and not path.name.startswith("."):
                yield path.relative_to(folder)


def other_metadata(one: Path, two: Path) -> list[str]:
    """The keys of metadata that say something else."""
    before, after = read_metadata(one), read_metadata(two)
    keys = before.keys() | after.keys()
    return [
        f"metadata {key}"
        for key in sorted(keys.difference(NOT_COMPARED))
        if before.get(key) != after.get(key)
    ]


def other_columns(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """The columns of a table that say something else."""
    if list(before) != list(after) or len(before) != len(after):
        return ["other columns or rows"]
    kept = [name for name in before if not any(part in name for part in MEASURED)]
    return [f"column {name}" for name in kept if not before[name].equals(after[name])]


def without_places(path: Path) -> object:
    """What a JSON file says."""
    content = read_json(path)
    return {k: v for k, v in content.items() if k not in NOT_COMPARED}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    flags = parser.parse_args()
    found = list(differences(flags.before, flags.after))
    print(*found, sep="\n")
    print(f"{len(list(compared(flags.after)))} files compared, {len(found)} differences")
    sys.exit(bool(found))
