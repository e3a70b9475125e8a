"""Captions of tables and figures, filled in with the settings: the report, the tables and the chapter share them."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "report"


def caption(kind: str, name: str, config: dict[str, Any]) -> str:
    """The caption of a `table` or `figure` (`kind`) of a study with this configuration, as one line of plain text."""
    wildcards = SimpleNamespace(**{kind: name})
    snakemake = SimpleNamespace(config=config, wildcards=wildcards)
    return " ".join(_template(kind).render(snakemake=snakemake).split())


@cache
def _template(kind: str):
    from jinja2 import Environment, StrictUndefined

    text = (FOLDER / f"{kind}.rst").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined).from_string(text)
