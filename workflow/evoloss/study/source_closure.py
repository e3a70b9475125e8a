"""A digest of the source code that a step runs, so that an edit reruns what it affects.

Snakemake does not see edits of imported modules. So every rule has `code_of(step, *plugins)` among its params, which
follows the imports of the step through the package by their syntax trees. Comments, formatting and docstrings do not
count. Modules called `settings.py` and those in NOT_COUNTED are left out: what they change for a step is in its params anyway.
"""

import ast
import atexit
import contextlib
import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evoloss.errors import UserError
from evoloss.files import write_text
from evoloss.study.own_parts import spec_of

PACKAGE = "evoloss"
ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path(".snakemake/evoloss_code.json")
NOT_COUNTED = frozenset(
    f"{PACKAGE}.{name}"
    for name in ("losses.registry", "reporting.deliverables", "strict_model", "version")
)


def code_of(step: str, *plugins: str) -> str:
    """The digest of `evoloss.steps.<step>`, of what it imports, and of the plugins.

    A plugin is a module that the step loads by name: `search.egp`, `learning.networks.convnet`, or
    a user's own `module:function`, of which only that one file counts.
    """
    modules: set[str] = set()
    digests = []
    for name in [f"{PACKAGE}.steps.{step}", *plugins]:
        if ":" in name:
            digests.append(_digest_of_file(_user_file(name)))
        else:
            modules |= closure(name if name.startswith(PACKAGE) else f"{PACKAGE}.{name}")
    digests += [f"{name} {_digest_of_module(name)}" for name in sorted(modules)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


@cache
def closure(module: str) -> frozenset[str]:
    """The names of `module` and of everything in the package it imports, directly or not."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and _counts(name):
            found.add(name)
            waiting += imports_of(name)
    return frozenset(found)


def _counts(name: str) -> bool:
    return not name.endswith(".settings") and name not in NOT_COUNTED


@cache
def imports_of(module: str) -> tuple[str, ...]:
    """The modules of the package that `module` imports anywhere in its text, functions included."""
    names = []
    for base, name in _facts_of(_path(module)).imports:
        inner = f"{base}.{name}"
        names.append(inner if name and _path(inner).is_file() else base)
    return tuple(n for n in names if n.startswith(PACKAGE + ".") and _path(n).is_file())


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")


@cache
def _digest_of_module(module: str) -> str:
    return _facts_of(_path(module)).digest


def _digest_of_file(path: Path | None) -> str:
    if path is None:
        return "unknown"
    try:
        return _facts_of(path).digest
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from None


class Facts(NamedTuple):
    """The digest of a source file's code, and its imports as (module, name or empty text)."""

    digest: str
    imports: list[tuple[str, str]]


def _facts_of(path: Path) -> Facts:
    """The facts of a file, from its text. MEMORY keeps them between two calls of Snakemake."""
    text = path.read_text(encoding="utf-8")
    key = hashlib.sha256(f"{sys.version} {text}".encode()).hexdigest()
    if key not in _used:
        known = _memory().get(key)
        if known is None:
            atexit.register(_remember)
        _used[key] = Facts(*known) if known else _read(ast.parse(text), path)
    return _used[key]


_used: dict[str, Facts] = {}


@cache
def _memory() -> dict[str, list]:
    try:
        return json.loads(MEMORY.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


@cache
def _remember() -> None:
    """Save the facts in Snakemake's own folder, if it exists; otherwise the files are parsed again next time."""
    with contextlib.suppress(OSError):
        if MEMORY.parent.is_dir():
            write_text(MEMORY, json.dumps(_used))


def _read(tree: ast.Module, path: Path) -> Facts:
    imports: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [statement for statement in body if not _is_text(statement)]
        if isinstance(node, ast.Import):
            imports += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level and path.is_relative_to(ROOT):
                raise ValueError(f"{path} has a relative import; write it out, from {PACKAGE}.")
            imports += [(node.module or "", alias.name) for alias in node.names]
    return Facts(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is a docstring: of a module, class or function, or below an attribute."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _user_file(reference: str) -> Path | None:
    """The file of a `module:function`; None when Python cannot find the module."""
    spec = spec_of(reference.split(":")[0])
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).suffix == ".py" else None
