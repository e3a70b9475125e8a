"""A study in one file: `python -m evoloss.study.archive pack STUDY`, `verify FILE` or `unpack FILE`.

An archive holds the records, tables, figures, exported losses, chapter and configuration of a study, and the lock file
of the packages. Its manifest has the checksum of every file, the commit and the package versions. It holds no images,
only their manifests with checksums. After unpacking, `make redraw` makes tables and figures without any training.
"""

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from evoloss.errors import UserError
from evoloss.files import atomic_path
from evoloss.provenance import provenance

MANIFEST = "MANIFEST.json"
CONFIGURATION = "configuration.yaml"
LOCK = Path("envs") / "requirements.lock"
LEFT_OUT = ("logs", "benchmarks")
"""Folders of a study that are not archived: their content is about one machine only."""
VERSION = 1


def files_of(study: Path) -> Iterator[Path]:
    """The files of a study that belong in its archive, sorted."""
    for path in sorted(study.rglob("*")):
        inner = path.relative_to(study)
        images = inner.parts[0] == "data" and path.suffix == ".parquet"
        hidden = any(part.startswith(".") for part in inner.parts)
        if path.is_file() and not (images or hidden or inner.parts[0] in LEFT_OUT):
            yield path


def pack(study: Path, target: Path) -> int:
    """Write the archive of a study's folder to `target`; returns the number of files in it.

    Raises UserError if the study does not exist or lacks the saved configuration of its last run.
    """
    if not (study / CONFIGURATION).is_file():
        raise UserError(
            f"{study / CONFIGURATION} is missing: run the study with snakemake or make first"
        )
    contents = {
        f"results/{study.name}/{path.relative_to(study).as_posix()}": path
        for path in files_of(study)
    }
    if LOCK.is_file():
        contents[LOCK.as_posix()] = LOCK
    data = {name: path.read_bytes() for name, path in contents.items()}
    manifest = {
        "archive": VERSION,
        "study": study.name,
        "provenance": provenance(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in data.items()},
    }
    with atomic_path(target) as temporary, tarfile.open(temporary, "w:gz") as archive:
        _add(
            archive, MANIFEST, json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n", 0.0
        )
        for name, content in data.items():
            _add(archive, name, content, contents[name].stat().st_mtime)
    return len(data)


def _add(archive: tarfile.TarFile, name: str, content: bytes, time: float) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(content), time, 0o644
    archive.addfile(member, io.BytesIO(content))


def read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[bytes, float]]]:
    """The manifest of an intact archive, and file name -> (content, modification time).

    Raises UserError that says which file is missing, altered or superfluous.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            members = {m.name: (archive.extractfile(m), m.mtime) for m in archive if m.isfile()}
            data = {name: (file.read(), time) for name, (file, time) in members.items() if file}
    except FileNotFoundError:
        raise UserError(f"there is no {path}") from None
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(f"{path} is no archive of a study, or damaged: {error}") from None
    try:
        manifest = json.loads(data.pop(MANIFEST)[0])
        wanted, study = dict(manifest["sha256"]), manifest["study"]
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path} has no {MANIFEST} that can be read") from None
    if manifest.get("archive") != VERSION:
        raise UserError(f"{path} is an archive of another version of evoloss")
    for name, (content, _) in data.items():
        if not _is_inside(name, study):
            raise UserError(f"{path}: {name} does not belong in an archive of {study!r}")
        if hashlib.sha256(content).hexdigest() != wanted.pop(name, None):
            raise UserError(f"{path}: {name} is not what was packed")
    if wanted:
        raise UserError(f"{path}: {min(wanted)} is missing")
    return manifest, data


def _is_inside(name: str, study: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == LOCK.as_posix() or (parts[:2] == ("results", study) and ".." not in parts)


def unpack(path: Path, into: Path) -> Path:
    """Unpack an archive under `into`; returns the study's folder. Raises UserError if that folder exists already."""
    manifest, data = read(path)
    study = into / "results" / manifest["study"]
    if study.exists():
        raise UserError(f"{study} is there already; move it away first")
    for name, (content, time) in data.items():
        if name == LOCK.as_posix():
            continue  # this checkout has its own
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (time, time))
    return study


def main() -> None:
    """Pack, verify or unpack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("pack", "verify", "unpack"))
    parser.add_argument("name", help="for pack the study's name, else the archive's file")
    flags = parser.parse_args()
    try:
        if flags.what == "pack":
            target = Path("results") / f"{flags.name}.tar.gz"
            count = pack(Path("results") / flags.name, target)
            print(f"{target}: {count} files, {target.stat().st_size / 2**20:.1f} MB")
        elif flags.what == "verify":
            manifest, data = read(Path(flags.name))
            made = manifest["provenance"]
            print(
                f"{flags.name}: all {len(data)} files of study {manifest['study']!r} are as they were packed, by evoloss "
                f"{made['version']}, commit {made['commit']}, torch {made['packages']['torch']}"
            )
        else:
            study = unpack(Path(flags.name), Path())
            print(
                f"{study}: `make redraw STUDY={study.name}` makes its tables and figures anew, without training"
            )
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
