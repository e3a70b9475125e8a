"""Checks that a user's own network or loss, `module:function`, exists, without importing it."""

import ast
import importlib.util
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


def own_part_problem(reference: str) -> str | None:
    """Why `module:function` cannot exist, as the end of a sentence; None if it seems to exist.

    The module's text is parsed, not run: every name that is bound anywhere in it counts.
    """
    module, _, function = reference.partition(":")
    spec = spec_of(module)
    if spec is None:
        return f"Python finds no module {module!r}"
    if not spec.origin or Path(spec.origin).suffix != ".py":
        return None
    try:
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    except SyntaxError as error:
        return f"{spec.origin}, line {error.lineno}: {error.msg}"
    names = _bound(tree)
    if names is None or function in names:
        return None
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return f"{spec.origin} has no {function!r}; it has {', '.join(functions) or 'no function'}"


def spec_of(module: str) -> ModuleSpec | None:
    """The spec of a module, found without importing the packages that contain it; None if there is none."""
    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)  # this imports nothing
    except (ImportError, ValueError):
        return None
    name = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _bound(tree: ast.Module) -> set[str] | None:
    """The names that a module binds; None if only running the module would tell."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                return None
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return None if "__getattr__" in names else names
