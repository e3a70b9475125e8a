"""Reads a CSV file that gives the class of each image, with the columns `image`, `label` and optionally `split`."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from evoloss.errors import UserError

Parts = dict[str, dict[str, list[Path]]]

SPLITS = ("train", "test")
SUFFIX = ".csv"
SHOWN = 3


def is_table(path: Path) -> bool:
    """Whether a path is a table of images rather than a folder of images."""
    return path.suffix.lower() == SUFFIX


def parts_of_table(table: Path) -> Parts:
    """The image files of each class in `train` and, if some rows have the split "test", in `test`.

    Relative paths begin at the table's folder. Classes are sorted, by number if all are numbers. Raises UserError if
    the table or one of its images does not exist, or if the table does not have this form.
    """
    parts: Parts = {}
    lines: dict[Path, int] = {}
    for line, (image, label, split) in _rows(table):
        file = Path(os.path.normpath(table.parent / image))
        if file in lines:
            raise UserError(
                f"{table}, line {line}: {image} stands in line {lines[file]} too; an image must have only one row"
            )
        lines[file] = line
        parts.setdefault(split, {}).setdefault(label, []).append(file)
    missing = [file for file in lines if not _is_file(file)]
    if missing:
        named = ", ".join(f"{file} (line {lines[file]})" for file in missing[:SHOWN])
        raise UserError(
            f"{table}: {len(missing)} of {len(lines)} images are not there: {named}; relative paths "
            f"begin at {table.parent}"
        )
    if "train" not in parts:
        raise UserError(f"{table} has no rows for training; leave `split` empty or write train")
    labels = {label for classes in parts.values() for label in classes}
    numbers = all(map(_is_number, labels))
    order = sorted(labels, key=lambda label: (int(label) if numbers else 0, label))
    return {
        split: {label: sorted(parts[split][label]) for label in order if label in parts[split]}
        for split in SPLITS
        if split in parts
    }


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def _is_number(label: str) -> bool:
    return label.isascii() and label.isdigit()


def _rows(table: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """The line number, image, label and split of each row."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            columns = [name.strip() for name in reader.fieldnames or []]
            for needed in ("image", "label"):
                if columns.count(needed) != 1:
                    count = "no" if needed not in columns else "more than one"
                    raise UserError(
                        f"{table} has {count} column {needed!r}, but {', '.join(columns) or 'none'}; its first line "
                        "must be image,label or image,label,split, with commas"
                    )
            reader.fieldnames = columns
            for row in reader:
                yield reader.line_num, _checked(table, reader.line_num, row)
    except OSError as error:
        raise UserError(f"{table} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table} is no CSV file in UTF-8: {error}") from None


def _checked(table: Path, line: int, row: dict[str, str | None]) -> tuple[str, str, str]:
    image, label = ((row[name] or "").strip() for name in ("image", "label"))
    if not image or not label:
        raise UserError(f"{table}, line {line}: the {'label' if image else 'image'} is empty")
    split = (row.get("split") or "").strip() or "train"
    if split not in SPLITS:
        raise UserError(f"{table}, line {line}: split is {split!r}; there are train and test")
    return image, label, split
