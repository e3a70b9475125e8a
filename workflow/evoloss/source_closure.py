"""A digest of the source code that a step runs, so that an edit reruns what it affects.

Snakemake does not see edits of imported modules. Every rule therefore carries
`code_of(step, *plugins)` among its params: the imports of the step are followed through the package
by their syntax trees. Comments, formatting and docstrings do not count. Left out on purpose, because
their effect on a step is in its params: every module called `settings.py` and the registries in NOT_COUNTED.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from evoloss.errors import UserError

PACKAGE = "evoloss"
ROOT = Path(__file__).resolve().parent
NOT_COUNTED = frozenset(
    f"{PACKAGE}.{name}"
    for name in ("losses.catalogue", "reporting.deliverables", "strict_model", "version")
)


def code_of(step: str, *plugins: str) -> str:
    """The digest of `evoloss.steps.<step>` and what it imports, and of the named plugins.

    A plugin is a module that the step loads by name: `search.egp`, `reporting.tables.accuracy`, or
    a user's own `module:function`, of which the one file counts.
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
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module} has a relative import; write it out, from {PACKAGE}.")
            base = node.module or ""
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                names.append(inner if _path(inner).is_file() else base)
    return tuple(n for n in names if n.startswith(PACKAGE + ".") and _path(n).is_file())


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@cache
def _digest_of_module(module: str) -> str:
    return _digest(_tree(module))


def _digest_of_file(path: Path | None) -> str:
    if path is None:
        return "unknown"
    try:
        return _digest(ast.parse(path.read_text(encoding="utf-8")))
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from None


def _digest(tree: ast.Module) -> str:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _user_file(reference: str) -> Path | None:
    """The file of a `module:function`; None when Python cannot find the module."""
    try:
        spec = importlib.util.find_spec(reference.split(":")[0])
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).suffix == ".py" else None
