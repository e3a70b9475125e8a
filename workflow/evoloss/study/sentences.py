"""Pydantic's errors as sentences: the key, what it got, what it accepts."""

import difflib
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from evoloss.search.method import algorithms, load_algorithm
from evoloss.strict_model import Disagreement

LONGEST_SHOWN = 80
"""The most characters of a value that a sentence shows."""


def shown(value: Any) -> str:
    """A value as a sentence quotes it, shortened if it is long."""
    text = repr(value)
    return (
        text
        if len(text) <= LONGEST_SHOWN
        else f"{text[:LONGEST_SHOWN]}... ({len(text)} characters)"
    )


def sentences(error: ValidationError, root: type[BaseModel], raw: dict[str, Any]) -> list[str]:
    """One sentence per mistake, for a configuration `raw` that the model `root` refuses."""
    found = [line for each in error.errors() for line in _of_error(each, root, raw)]
    return list(dict.fromkeys(found))


def _of_error(error: Mapping[str, Any], root: type[BaseModel], raw: dict[str, Any]) -> list[str]:
    """A pydantic error in words: the key, what it got, what it accepts."""
    path = _written_path(error["loc"], raw)
    key = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        known = _fields_at(path[:-1], root, raw)
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
        return [f"{key}: unknown key {shown(path[-1])}{hint}"]
    if error["type"] == "missing":
        return [f"{key}: this key is missing"]
    if error["type"] == "union_tag_not_found":
        return [f"{key}.algorithm: this key is missing; there are {', '.join(algorithms())}"]
    if error["type"] == "union_tag_invalid":
        tag = error["ctx"]["tag"]
        return [f"{key}.algorithm: got {shown(tag)}, but there are {', '.join(algorithms())}"]
    if error["type"] == "too_short":
        return [f"{key}: got {shown(error['input'])}, but it needs at least one entry"]
    if error["type"] in ("model_type", "model_attributes_type"):
        known = _fields_at(path, root, raw)
        wanted = f"a mapping with keys of {', '.join(known)}" if known else "a mapping of settings"
        return [f"{key}: got {shown(error['input'])}, but it needs {wanted}"]
    if error["type"] == "value_error":
        cause = error["ctx"]["error"]
        if isinstance(cause, Disagreement):
            return [f"{'.'.join([*map(str, path), at])}: {what}" for at, what in cause.problems]
        text = str(cause)
        return [f"{key}: {text}" if key else line for line in text.split("\n")] if text else [key]
    message = error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    hint = (
        " (YAML wants a point and a sign, as in 1.0e-3 or 1.0e+4)"
        if _is_yaml_trap(error["input"])
        else ""
    )
    return [f"{key}: got {shown(error['input'])}, but it accepts {message}{hint}"]


def _is_yaml_trap(value: Any) -> bool:
    if not isinstance(value, str) or "e" not in value.lower():
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _written_path(loc: tuple, raw: Any) -> list[Any]:
    """The location of an error, without the parts that pydantic adds for unions: only keys that the user wrote."""
    path: list[Any] = []
    here = raw
    for number, part in enumerate(loc):
        last = number == len(loc) - 1
        inside = isinstance(here, dict) and part in here
        inside |= isinstance(here, list) and isinstance(part, int) and part < len(here)
        if inside:
            here = here[part]
        if inside or (last and isinstance(here, dict) and not _is_tag(part, here)):
            path.append(part)
    return path


def _is_tag(part: Any, here: dict[str, Any]) -> bool:
    return part == here.get("algorithm") or "[" in str(part) or part in ("str", "dict")


def _fields_at(path: list[Any], root: type[BaseModel], raw: dict[str, Any]) -> list[str]:
    """Names of the fields of the model that stands at `path`."""
    model: Any = root
    here: Any = raw
    for part in path:
        here = here[part] if isinstance(here, dict | list) else None
        model = _model_in(model)
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[part].annotation
        elif get_origin(model) is dict:
            model = get_args(model)[1]
            if isinstance(here, dict) and "algorithm" in here:
                model = load_algorithm(here["algorithm"]).Settings
    model = _model_in(model)
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    return list(model.model_fields) if is_model else []


def _model_in(annotation: Any) -> Any:
    """The model of an optional setting (`Model | None`); any other annotation as it is."""
    models = [
        part
        for part in get_args(annotation)
        if isinstance(part, type) and issubclass(part, BaseModel)
    ]
    return models[0] if len(models) == 1 and get_origin(annotation) is not dict else annotation
