"""Where a retrained loss's expression comes from: a formula, or a champion's file."""

from evoloss.expressions.parsing import parse
from evoloss.expressions.tree import Expression
from evoloss.parquet import read_json


def loss_expression(formula: str | None, champion: str | None, classes: int) -> Expression:
    """The expression of a formula (in which `C` is the number of classes) or of a champion.json."""
    if (formula is None) == (champion is None):
        raise ValueError("give a formula or a champion file, one of the two")
    text = formula if formula is not None else read_json(champion)["expression"]
    return parse(text, classes)
