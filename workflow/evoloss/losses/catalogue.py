"""Hand-made and published losses, each with formula, defaults and source.

Formulas are expressions (`parsing.py`), summed over classes and averaged over the batch; `C` stands
for the number of classes. They pass through the same code as evolved candidates. Guards as in
`primitives.py`: a probability below 1e-7 counts as 1e-7 in a log or a divisor.

A registry: it is in no rule's code digest, since the formula a job uses is among its params.
"""

import difflib
from dataclasses import dataclass

from evoloss.errors import UserError
from evoloss.expressions.parsing import ExpressionError, parse


@dataclass(frozen=True)
class Entry:
    """A loss of the catalogue.

    `evidence` says how sure the formula is: `code` (read in the authors' or reference code),
    `standard` (textbook) or `derived`. `target` describes p_t at the minimum.
    """

    name: str
    formula: str
    source: str
    evidence: str
    defaults: str = ""
    target: str = "1"


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in [
        Entry("cross_entropy", "-(y * log(p))", "standard", "standard"),
        Entry(
            "label_smoothing",
            "-((0.9 * y + 0.1 / C) * log(p))",
            "Szegedy et al., arXiv 1512.00567; e/C over all classes, as PyTorch does",
            "standard",
            "e = 0.1",
            "1 - e + e/C",
        ),
        Entry(
            "focal",
            "-(y * (square(1 - p) * log(p)))",
            "Lin et al., arXiv 1708.02002; gamma = 2, no alpha, gradient through both factors",
            "standard",
            "g = 2",
        ),
        Entry("mse", "square(p - y)", "Brier 1950", "standard"),
        Entry("mae", "abs(p - y)", "Ghosh et al., arXiv 1712.09482", "code"),
        Entry(
            "gce",
            "y * ((1 - exp(0.7 * log(p))) / 0.7)",
            "Zhang & Sabuncu, arXiv 1805.07836; without truncation",
            "code",
            "q = 0.7",
        ),
        Entry(
            "poly1",
            "y * ((1 - p) - log(p))",
            "Leng et al., arXiv 2204.12511",
            "code",
            "e = 1",
        ),
        Entry(
            "baikal",
            "-(log(p) - y / p)",
            "Gonzalez & Miikkulainen, arXiv 1905.11528; summed over classes (the paper averages)",
            "code",
            target="1/sqrt(C)",
        ),
        Entry(
            "ngl",
            "(exp(2.4092 - p - p * y) - cos(cos(sin(p)))) / C",
            "Akhmedova & Koerber, arXiv 2404.12948; x = softmax(z), as in the PyTorch version",
            "code",
            "a = 2.4092",
            "0.391 at C = 10",
        ),
    ]
}


def formula_of(loss: str) -> str:
    """The formula of a catalogue name; any other text is taken to be an expression itself.

    Raises UserError when it is neither.
    """
    if loss in CATALOGUE:
        return CATALOGUE[loss].formula
    try:
        expression = parse(loss, classes=10)
    except ExpressionError as error:
        if loss.isidentifier() and loss not in {"p", "y", "C"}:
            close = difflib.get_close_matches(loss, CATALOGUE, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise UserError(
                f"unknown loss {loss!r}; there are {', '.join(CATALOGUE)}, or write an expression{hint}"
            ) from None
        raise UserError(str(error)) from None
    if "p" not in expression or "y" not in expression:
        raise UserError(f"the loss {loss!r} must contain both p (prediction) and y (target)")
    return loss
