"""Exports a found loss as a Python file: one torch.nn.Module that needs only torch."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from evoloss.expressions.compile import is_zero, torch_statements
from evoloss.expressions.graph import Graph
from evoloss.expressions.parsing import parse
from evoloss.expressions.tree import Expression
from evoloss.losses import drop_in
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import matching_factor

USUAL_CLASSES = (2, 3, 5, 10, 20, 50, 100, 200, 1000)
"""Numbers of classes that an exported file has a factor for, beside those of the study."""

_TEMPLATE = '''"""{loss}: a loss for image classifiers, found by evoloss (study {study}).

    sum over classes of  {expression}

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness:
{fitness:.4f}, mean of {repeats} (1 = cross entropy on the same seeds and splits, 0 = chance).
It is {fitness_is}.
Replaces nn.CrossEntropyLoss and needs only torch.
"""

{drop_in}

# Number of classes -> the factor that makes the gradient at initialisation as large as that of cross entropy.
FACTORS = {{{factors}}}


class {name}(DropIn):
    """`{name}(weight, ...)` takes the options of nn.CrossEntropyLoss, and `scale`.

    `scale` multiplies the loss: None takes the factor from FACTORS, 1.0 gives the loss as written.
    """

    def __init__(self, weight=None, *, scale={default}, **options):
        super().__init__(weight, **options)
        self.scale = scale

    def factor(self, classes):
        """As in the base class."""
        if self.scale is not None:
            return self.scale
        if classes not in FACTORS:
            raise ValueError(
                f"no factor is known for {{classes}} classes, only for {{sorted(FACTORS)}}; "
                "pass scale=1.0 for the loss as written, or a factor of your own"
            )
        return FACTORS[classes]

    def elementwise(self, log_p, y, classes):
        """The loss before the sum over classes."""
{body}

    def of_target(self, log_p, classes):
        """The same where y is 1."""
{target}

{others}
'''

_OTHERS = '''    def of_others(self, log_p, classes):
        """The same where y is 0."""
'''


def class_name(loss: str) -> str:
    """`egp_seed0` -> `EgpSeed0`."""
    return "".join(part.capitalize() for part in loss.split("_"))


def python_module(
    champion: Mapping[str, Any], classes: Iterable[int], study: str, scale_matched: bool = True
) -> str:
    """The source of a champion's module, with matching factors for `classes` and USUAL_CLASSES.

    `scale_matched` says whether the search matched gradient scales; if False, the default is the loss as written.
    """
    expression = parse(champion["expression"])
    factors = {
        c: matching_factor(ExpressionLoss(expression), c)
        for c in sorted({*classes, *USUAL_CLASSES})
    }
    return _TEMPLATE.format(
        loss=champion["loss"],
        study=study,
        expression=expression,
        fitness=champion["fitness"],
        fitness_is=champion["fitness_is"],
        repeats=champion["repeats"],
        factors=", ".join(f"{c}: {factor!r}" for c, factor in factors.items() if factor == factor),
        drop_in=inspect.getsource(drop_in).partition('"""\n\n')[2].rstrip() + "\n",
        body=_body(expression),
        target=_body(expression, 1.0),
        others=(
            "    of_others = None  # the loss is 0 where y is 0"
            if is_zero(expression, 0.0)
            else _OTHERS + _body(expression, 0.0)
        ),
        name=class_name(champion["loss"]),
        default="None" if scale_matched else "1.0",
    )


def _body(expression: Expression | Graph, y: float | None = None) -> str:
    return "\n".join(f"        {line}" for line in torch_statements(expression, y=y))
