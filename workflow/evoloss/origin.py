"""What a record says about itself: its place, its order (a digest of what its job was told), and a seal."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

NEUTRAL = ("--side-by-side", "--readers", "--place")
"""Flags that change no record: how many train at once, who decodes images, where the images lie."""


def place_of(path: str | Path) -> str | None:
    """A record's path after the last folder `results`, from the study's name on; None outside such a folder.

    It names study, method, run seed, generation and batch, or task, loss and block. A record that lies in
    another place than its own belongs to another job.
    """
    parts = Path(path).parts
    if "results" not in parts[:-1]:
        return None
    last = len(parts) - 1 - parts[::-1].index("results")
    return "/".join(parts[last + 1 :])


def order_of(step: str, arguments: Sequence[str]) -> str:
    """A digest of what a job was told: its step and its flags, one of which is the digest of its code.

    The planner computes it from the command of the planned job, the job from its own command.
    """
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument.partition("=")[0] not in NEUTRAL:
            kept.append(argument)
        skip = not skip and argument in NEUTRAL
    return digest([json.dumps([step, *kept]).encode()])


def digest(parts: Iterable[bytes]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of all parts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()[:16]


def json_seal(value: Mapping[str, Any], place: str | None) -> str:
    """The seal of a JSON record whose place is `place`."""
    return digest([json.dumps([place, value], sort_keys=True).encode()])
