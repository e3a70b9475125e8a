"""Noticing that a data set's files have changed under its prepared copy.

Files are compared by content, so that copying or touching them changes nothing; what was read once
is remembered by path, size and time, so that a look at unchanged files is a look at their names.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from evoloss.errors import UserError
from evoloss.files import read_json, write_json
from evoloss.learning.image_folder import all_files
from evoloss.learning.image_table import is_table
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.sources import SOURCES

FIRST_COPY = "first copy"
"""State of the files of a data set that has not been prepared yet."""


def files_of(settings: DatasetSettings) -> list[Path] | None:
    """The files that a data set is read from; None when (some of) them have to be downloaded.

    Empty for what comes inside a package. Raises UserError when an image folder is not usable.
    """
    if settings.source == "image_folder":
        return sorted(all_files(settings.place()))
    source = SOURCES[settings.source]
    files = [settings.place() / source.folder / name for name in source.files]
    return files if all(file.is_file() for file in files) else None


def source_state(settings: DatasetSettings, folder: Path) -> str:
    """What the files of a data set are, as far as its prepared copy in `folder` is concerned.

    The text that the copy was made under, unless the files are there and others than it was made
    from: then a new one, which makes the copy stale. A place that is gone is no change. Raises
    UserError when an image folder is there and not usable, or not there and has no copy yet.
    """
    manifest = folder / "manifest.json"
    known = _known(manifest)
    if known is None:
        files_of(settings)
        return FIRST_COPY
    if not settings.place().exists():
        return known["source_state"]
    digest = source_digest(settings, folder)
    return known["source_state"] if digest in (None, known["source_digest"]) else digest


def _known(record: Path) -> dict[str, Any] | None:
    """A record as written, or None where there is none or another text stands in it."""
    try:
        return read_json(record)
    except UserError:
        return None


def missing_place(settings: DatasetSettings) -> str | None:
    """A warning when a data set's files are not where the settings say, though they had to be."""
    if settings.source == "image_folder" and not settings.place().exists():
        return (
            f"data set {settings.name}: {settings.place()} is not there; its prepared copy is used as "
            "it is"
        )
    return None


def source_digest(settings: DatasetSettings, folder: Path) -> str | None:
    """A digest of the names and contents of the files that are there now; None when some are missing,
    empty when there are none to have.

    `folder`, that of the prepared copy, remembers the last digest with the files' sizes and times.
    Raises UserError when a file cannot be read.
    """
    files = files_of(settings)
    if not files:
        return None if files is None else ""
    try:
        return _digest(files, _folder_of(settings.place()), folder / ".source.json")
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from None


def _folder_of(place: Path) -> Path:
    return place.parent if is_table(place) else place


def _digest(files: list[Path], root: Path, memory: Path) -> str:
    glance = hashlib.sha256()
    for file in files:
        status = file.stat()
        glance.update(os.fsencode(file))
        glance.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    seen = _known(memory) or {}
    if seen.get("glance") != glance.hexdigest():
        content = hashlib.sha256()
        for file in files:
            content.update(os.fsencode(os.path.relpath(file, root)) + b"\0")
            content.update(hashlib.sha256(file.read_bytes()).digest())
        seen = {"glance": glance.hexdigest(), "content": content.hexdigest()[:16]}
        write_json(memory, seen)
    return seen["content"]
