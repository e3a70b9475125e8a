"""A run's champion as a file: what it must hold, checked whenever it is read."""

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
"""Field -> whether a value will do, and what it has to be."""


def read_champion(path: str | Path) -> dict[str, Any]:
    """The champion of a run. Raises UserError that names file and field where it is not what `rescore` writes.

    Its texts become code of exported losses, and its expression is trained: nothing else may stand there.
    """
    # A copy that lies elsewhere is what its fields say.
    champion = read_json(path) if "/search/" in (place_of(path) or "") else parse_json(path)
    if not isinstance(champion, dict):
        raise UserError(
            f"{path} holds no champion, but {type(champion).__name__}; delete it and run again"
        )
    for field, (will_do, wanted) in _FIELDS.items():
        if not will_do(champion.get(field)):
            shown = repr(champion.get(field))[:80]
            raise UserError(
                f"{path}: {field} is {shown}, but must be {wanted}; delete it and run again"
            )
    return champion
