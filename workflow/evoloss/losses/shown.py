"""How a loss module is displayed: its formula as text in a terminal, as LaTeX in a notebook."""

from evoloss.expressions.latex import to_latex
from evoloss.expressions.parsing import ExpressionError, parse
from evoloss.losses.registry import CATALOGUE


def latex_of(text: str, formula: str) -> str:
    """The loss in LaTeX, without `$`; of a user's function, its name."""
    if text in CATALOGUE:
        return CATALOGUE[text].latex
    if ":" in formula:
        return rf"\texttt{{{formula.replace('_', chr(92) + '_')}}}"
    try:
        return rf"\sum_k \bigl[ {to_latex(parse(formula))} \bigr]"
    except ExpressionError:  # C cannot be parsed without a number
        return rf"\sum_k \bigl[ {to_latex(parse(formula, classes=10))} \bigr] \quad (C = 10)"


class Shown:
    """Displays a loss module in a terminal and in a notebook."""

    text: str
    formula: str
    reduction: str
    match_gradient_scale: bool

    def extra_repr(self) -> str:
        """The name or expression, the formula of a name, and options that differ from their defaults."""
        parts = [repr(self.text)]
        if self.formula != self.text:
            parts.append(f"formula={self.formula!r}")
        parts.append(f"reduction={self.reduction!r}")
        if not self.match_gradient_scale:
            parts.append("match_gradient_scale=False")
        for name, usual in (("ignore_index", -100), ("label_smoothing", 0.0)):
            if getattr(self, name, usual) != usual:
                parts.append(f"{name}={getattr(self, name)!r}")
        return ", ".join(parts)

    def _repr_markdown_(self) -> str:
        source = f" ({CATALOGUE[self.text].source})" if self.text in CATALOGUE else ""
        return f"**{self.text}**{source}: ${latex_of(self.text, self.formula)}$"
