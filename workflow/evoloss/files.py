"""Text and JSON files, written atomically."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evoloss.errors import UserError
from evoloss.origin import json_seal, place_of
from evoloss.run_life import end_without_run

SEAL = "seal"
"""Key of a JSON record's seal."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A unique temporary path beside `path`, renamed to `path` on success and removed on failure.

    It is unique because after a kill an orphaned job may still write the same file. An orphan renames nothing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{path.suffix}")
    try:
        yield temporary
        end_without_run()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: dict[str, Any]) -> None:
    """Write a JSON record atomically, with a seal, and with sorted keys so that equal content gives equal bytes."""
    sealed = {**value, SEAL: json_seal(value, place_of(path))}
    write_text(path, json.dumps(sealed, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON record; raises UserError if it is missing, edited or moved."""
    value = parse_json(path)
    seal = value.pop(SEAL, None) if isinstance(value, dict) else None
    if seal is None or seal != json_seal(value, place_of(path)):
        raise UserError(
            f"{path} is not as evoloss wrote it there: it was edited, or comes from elsewhere or from "
            "another version; delete it and run snakemake again"
        )
    return value


def parse_json(path: str | Path) -> Any:
    """The content of a JSON file; raises UserError if it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run snakemake again to make it") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not valid JSON; delete it and run snakemake again") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
