"""Images of one's own: the files of a folder, `train/<class>/*` and perhaps `test/<class>/*`, or of a table."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from evoloss.errors import UserError
from evoloss.learning.image_table import is_table, parts_of_table

Visited = set[tuple[int, int]]
"""Folders that have been looked into, by device and inode: links may lead to one twice, or in a circle."""

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


def image_files(part: Path, visited: Visited | None = None) -> dict[str, list[Path]]:
    """The image files of each class of `part` (`train` or `test`), classes and files sorted.

    Hidden files and folders are left out, as is all that is no regular file; a folder that links lead to again is
    looked into once. Raises UserError when there is no class, a class is empty,
    or an image lies outside of a class.
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
    # All of them first, so that no link between classes takes the images of one for another.
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
    """Whether a folder has not been visited; it is from now on."""
    status = folder.stat()
    place = (status.st_dev, status.st_ino)
    return place not in visited and not visited.add(place)


def _images_below(folder: Path, visited: Visited) -> list[Path]:
    files = _files_below(folder, visited)
    return sorted(path for path in files if path.suffix.lower() in SUFFIXES)


def _files_below(folder: Path, visited: Visited) -> Iterator[Path]:
    # Not Path.rglob, which takes six times as long on tens of thousands of files.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                continue
            if entry.is_dir():
                if _is_new(Path(entry.path), visited):
                    yield from _files_below(Path(entry.path), visited)
            elif entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists()):
                yield Path(entry.path)  # a link to nothing is an image that is missing


def parts_of(root: Path) -> dict[str, dict[str, list[Path]]]:
    """`train` and, where it exists, `test`: the files of each class of a folder, or of a CSV file
    (`image_table.py`). Raises UserError as above."""
    parts = parts_of_table(root) if is_table(root) else _parts_of_folder(root)
    if len(parts["train"]) < 2:
        raise UserError(
            f"image folder {root}: train has the one class {next(iter(parts['train']))!r}; a "
            "classifier needs at least two"
        )
    unknown = sorted(set(parts.get("test", ())) - set(parts["train"]))
    if unknown:
        raise UserError(
            f"image folder {root}: test has a class {unknown[0]!r} that train does not have; there "
            f"are {', '.join(parts['train'])}"
        )
    return parts


def _parts_of_folder(root: Path) -> dict[str, dict[str, list[Path]]]:
    if not (root / "train").is_dir():
        raise UserError(
            f"image folder {root}: there is no folder {root / 'train'}; images belong in "
            f"{root}/train/<class>/ (and, if you have a test split, in {root}/test/<class>/), or in a table, a "
            "CSV file with the columns image and label"
        )
    visited: Visited = set()
    parts = [part for part in ("train", "test") if (root / part).is_dir()]
    return {part: image_files(root / part, visited) for part in parts}


def all_files(root: Path) -> Iterator[Path]:
    """Every file that the folder's reader would read; the table is one of them."""
    if is_table(root):
        yield root
    for classes in parts_of(root).values():
        yield from chain.from_iterable(classes.values())


def ignored(root: Path) -> Counter[str]:
    """What below `root` is not read: files of other kinds by suffix, and folders beside the parts."""
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
