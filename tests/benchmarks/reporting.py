"""How a benchmark tells what it found: a table for people, and one line of JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evoloss.provenance import provenance


def show(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows below their columns; numbers with three digits that count."""
    texts = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for line in (columns, *texts):
        first, *others = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        print("  ".join(cells))


def tell(name: str, figures: Mapping[str, Any]) -> None:
    """Print the line of JSON: the benchmark's name, its figures and the machine."""
    found = {key: _rounded(value) for key, value in figures.items()}
    machine = {**provenance()["machine"], "torch": provenance()["packages"]["torch"]}
    print(json.dumps({"name": name, **found, "machine": machine}))


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
