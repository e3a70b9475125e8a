"""Reads the file of a run's champion and checks each field."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evoloss.errors import UserError
from evoloss.expressions.parsing import ExpressionError, parse
from evoloss.files import parse_json, read_json
from evoloss.origin import place_of

NAME = re.compile(r"[A-Za-z]\w{0,199}", re.ASCII)
PLAIN = re.compile(r"[\w ,.:;()-]{1,300}", re.ASCII)


def _is_expression(value: Any) -> bool:
    try:
        return isinstance(value, str) and parse(value) is not None
    except ExpressionError:
        return False


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "loss": (lambda v: isinstance(v, str) and bool(NAME.fullmatch(v)), "a name"),
    "method": (lambda v: isinstance(v, str) and bool(NAME.fullmatch(v)), "a name"),
    "run_seed": (lambda v: type(v) is int and v >= 0, "a whole number"),
    "candidate_id": (lambda v: isinstance(v, str) and bool(PLAIN.fullmatch(v)), "a plain text"),
    "expression": (_is_expression, "an expression over p and y"),
    "fitness": (lambda v: type(v) in (int, float) and math.isfinite(v), "a number"),
    "fitness_is": (lambda v: isinstance(v, str) and bool(PLAIN.fullmatch(v)), "a plain text"),
    "repeats": (lambda v: type(v) is int and v > 0, "a whole number"),
}
"""Field -> a check of its value, and what the value must be, in words."""


def read_champion(path: str | Path) -> dict[str, Any]:
    """The champion of a run. Raises a UserError that names file and field if it is not what `rescore` writes.

    The checks matter: its texts become part of the code of exported losses, and its expression is trained.
    """
    # The seal is checked only in a study's results; of a copy elsewhere only the fields are.
    champion = read_json(path) if "/search/" in (place_of(path) or "") else parse_json(path)
    if not isinstance(champion, dict):
        raise UserError(
            f"{path} must hold a champion, but holds {type(champion).__name__}; delete it and run again"
        )
    for field, (will_do, wanted) in _FIELDS.items():
        if not will_do(champion.get(field)):
            shown = repr(champion.get(field))[:80]
            raise UserError(
                f"{path}: {field} is {shown}, but must be {wanted}; delete it and run again"
            )
    return champion
