"""Detects that a data set's files have changed since its copy was prepared.

Files are compared by content, so that copying or touching them does not count as a change. The digest of the contents
is stored with one of paths, sizes and times; as long as those are the same, the contents are not read again.
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
"""`source_state` of a data set that has not been prepared yet."""


def files_of(settings: DatasetSettings) -> list[Path] | None:
    """The files that a data set is read from; None when some of them have to be downloaded.

    Empty for a data set that is part of a package. Raises UserError when an image folder is not usable.
    """
    if settings.source == "image_folder":
        return sorted(all_files(settings.place()))
    source = SOURCES[settings.source]
    files = [settings.place() / source.folder / name for name in source.files]
    return files if all(file.is_file() for file in files) else None


def source_state(settings: DatasetSettings, folder: Path) -> str:
    """A text for the files of a data set, which differs from the manifest's if the prepared copy in `folder` is stale.

    It is the text in the copy's manifest, unless the files exist and differ from those that the copy was made from:
    then it is their digest. Missing files count as unchanged. FIRST_COPY if there is no copy yet. Raises UserError when
    an image folder is not usable, or is missing and has no copy yet.
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
    """A record read from JSON, or None if it is missing or not readable."""
    try:
        return read_json(record)
    except UserError:
        return None


def missing_place(settings: DatasetSettings) -> str | None:
    """A warning if a data set's image folder is not where the settings say; else None."""
    if settings.source == "image_folder" and not settings.place().exists():
        return (
            f"data set {settings.name}: {settings.place()} is not there; its prepared copy is used as "
            "it is"
        )
    return None


def source_digest(settings: DatasetSettings, folder: Path) -> str | None:
    """A digest of the names and contents of a data set's files; None when some are missing, empty when it has no files.

    The last digest is stored in `folder`, that of the prepared copy, with a digest of the files' sizes and times.
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
