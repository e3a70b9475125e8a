"""Finds a user's own image files, in a folder (`train/<class>/*`, optionally `test/<class>/*`) or by a table."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from evoloss.errors import UserError
from evoloss.learning.image_table import is_table, parts_of_table

Visited = set[tuple[int, int]]
"""Folders already visited, as (device, inode): links may lead to a folder twice, or in a circle."""

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


def image_files(part: Path, visited: Visited | None = None) -> dict[str, list[Path]]:
    """The image files of each class of the folder `part` (`train` or `test`); classes and files are sorted.

    Hidden files and folders and special files are left out. A folder reached again by a link is read only once. Raises
    UserError if there is no class, if a class is empty, or if an image lies outside of a class.
    """
    entries = sorted(path for path in part.iterdir() if not path.name.startswith("."))
    stray = [path for path in entries if path.is_file() and path.suffix.lower() in SUFFIXES]
    if stray:
        raise UserError(
            f"{stray[0]} lies outside of any class ({len(stray)} such files); images belong in "
            f"{part}/<class>/"
        )
    visited = set() if visited is None else visited
    folders = [path for path in entries if path.is_dir()]
    # Visit all class folders first: a link from one class to another then adds no images.
    fresh = {path for path in [part, *folders] if _is_new(path, visited)}
    classes = {path.name: _images_below(path, visited) for path in folders if path in fresh}
    if not classes:
        raise UserError(f"{part} has no class folders; images belong in {part}/<class>/")
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise UserError(
            f"{part / empty[0]} has no images ({', '.join(sorted(SUFFIXES))}); put some there or remove "
            "the folder"
        )
    return classes


def _is_new(folder: Path, visited: Visited) -> bool:
    """Whether a folder has not been visited yet; it then counts as visited."""
    status = folder.stat()
    place = (status.st_dev, status.st_ino)
    return place not in visited and not visited.add(place)


def _images_below(folder: Path, visited: Visited) -> list[Path]:
    files = _files_below(folder, visited)
    return sorted(path for path in files if path.suffix.lower() in SUFFIXES)


def _files_below(folder: Path, visited: Visited) -> Iterator[Path]:
    # Path.rglob takes six times as long on tens of thousands of files.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                continue
            if entry.is_dir():
                if _is_new(Path(entry.path), visited):
                    yield from _files_below(Path(entry.path), visited)
            elif entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists()):
                yield Path(entry.path)  # a broken link stands for a missing image


def parts_of(root: Path) -> dict[str, dict[str, list[Path]]]:
    """The image files of each class in `train` and, if there is one, in `test`, of a folder or a CSV file
    (`image_table.py`). Raises UserError if there are fewer than two classes or the images are not as described."""
    parts = parts_of_table(root) if is_table(root) else _parts_of_folder(root)
    if len(parts["train"]) < 2:
        raise UserError(
            f"{root}: train has the one class {next(iter(parts['train']))!r}; a "
            "classifier needs at least two"
        )
    unknown = sorted(set(parts.get("test", ())) - set(parts["train"]))
    if unknown:
        raise UserError(
            f"{root}: test has a class {unknown[0]!r} that train does not have; there "
            f"are {', '.join(parts['train'])}"
        )
    return parts


def _parts_of_folder(root: Path) -> dict[str, dict[str, list[Path]]]:
    if not (root / "train").is_dir():
        raise UserError(
            f"{root}: there is no folder {root / 'train'}; images belong in "
            f"{root}/train/<class>/ (and, if you have a test split, in {root}/test/<class>/); or give a table, a "
            "CSV file with the columns image and label"
        )
    visited: Visited = set()
    parts = [part for part in ("train", "test") if (root / part).is_dir()]
    return {part: image_files(root / part, visited) for part in parts}


def all_files(root: Path) -> Iterator[Path]:
    """Every file that a reader of the folder or table reads, the table included."""
    if is_table(root):
        yield root
    for classes in parts_of(root).values():
        yield from chain.from_iterable(classes.values())


def ignored(root: Path) -> Counter[str]:
    """Counts of what is not read below `root`: other files by suffix, and folders beside `train` and `test`."""
    found: Counter[str] = Counter()
    if is_table(root):
        return found
    for part in ("train", "test"):
        if not (root / part).is_dir():
            continue
        files = _files_below(root / part, set())
        found.update(
            path.suffix or path.name for path in files if path.suffix.lower() not in SUFFIXES
        )
    beside = (path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")
    found.update(f"{path.name}/" for path in beside if path.name not in ("train", "test"))
    return found
