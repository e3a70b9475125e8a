"""Losses with one logit per label, for two classes or several labels per image: `loss(..., activation="sigmoid")`.

An expression f is applied element by element to p = sigmoid(z) and y. A catalogue loss is made for classes that
exclude each other. Here it has two classes, with probabilities p and 1 - p: it becomes f(p, y) + f(1 - p, 1 - y), so
that `cross_entropy` is torch's binary cross entropy.
"""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evoloss.errors import UserError
from evoloss.expressions.compile import Elementwise, compile_expression
from evoloss.expressions.parsing import parse
from evoloss.expressions.tree import Expression
from evoloss.losses.drop_in import REDUCTIONS, limited
from evoloss.losses.gradient_scale import probe_batch
from evoloss.losses.loss_module import in_float32
from evoloss.losses.modes import in_a_fresh_thread
from evoloss.losses.registry import CATALOGUE, formula_of
from evoloss.losses.shown import Shown


class BinaryLoss(Shown, nn.Module):
    """Replaces `nn.BCEWithLogitsLoss`: takes float logits and float labels in [0, 1] of the same shape, any shape.

    `weight` multiplies each element. With `pos_weight`, an element's loss is pos_weight * y * f(p, 1) +
    (1 - y) * f(p, 0), as in torch; without it, f(p, y). Raises ValueError for options and batches that do not fit.
    """

    def __init__(
        self,
        text: str,
        match_gradient_scale: bool = True,
        weight: Tensor | None = None,
        pos_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction: got {reduction!r}; there are {', '.join(REDUCTIONS)}")
        for name, values in (("weight", weight), ("pos_weight", pos_weight)):
            self.register_buffer(name, None if values is None else torch.as_tensor(values))
        self.text = text
        expression = binary_expression(text)
        self.formula = str(expression)
        self.match_gradient_scale = match_gradient_scale
        self.reduction = reduction
        factor = matching_factor(expression)  # always computed: it raises if the loss cannot learn
        self._factor = factor if match_gradient_scale else 1.0
        self._function = self._compiled()

    def _compiled(self) -> Elementwise:
        return compile_expression(binary_expression(self.text), "log_q")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss in float32 or float64: a scalar, or in the shape of the logits with reduction "none"."""
        logits, labels = input, target
        if logits.shape != labels.shape:
            raise ValueError(
                f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)} do not fit; they must have one shape"
            )
        if not labels.is_floating_point():
            raise ValueError(f"labels are {labels.dtype}, but must be floats; use labels.float()")
        logits = in_float32(logits)
        labels = labels.to(logits.dtype)
        if self.pos_weight is None:
            values = self._at(logits, labels)
        else:
            positive = self._at(logits, torch.ones_like(labels))
            negative = self._at(logits, torch.zeros_like(labels))
            values = self.pos_weight * labels * positive + (1 - labels) * negative
        values = self._factor * values
        if self.weight is not None:
            values = self.weight * values
        return values if self.reduction == "none" else getattr(values, self.reduction)()

    def _at(self, logits: Tensor, labels: Tensor) -> Tensor:
        return elementwise(self._function, logits, labels)

    def __getstate__(self) -> dict[str, Any]:
        # What was compiled cannot be pickled, and is made again in a moment.
        return {key: value for key, value in self.__dict__.items() if key != "_function"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._function = self._compiled()


def binary_expression(text: str) -> Expression:
    """The expression of `text` for p = sigmoid(logit). Raises UserError for functions, graphs and unreadable texts."""
    formula = formula_of(text)
    if ":" in formula:
        raise UserError(
            f"activation: {text!r} is a function of the logits of classes, which has no meaning with a sigmoid; "
            "write the loss as an expression"
        )
    expression = parse(formula, classes=2)
    if not isinstance(expression, Expression):
        raise UserError(
            f"activation: {text!r} has named parts, which a loss with a sigmoid cannot have"
        )
    if text in CATALOGUE:
        expression = Expression(("add", *expression.nodes, *_of_the_other_class(expression)))
    return expression


def _of_the_other_class(expression: Expression) -> list:
    """The nodes with p and 1 - p exchanged, and y and 1 - y."""
    nodes, turned, index = expression.nodes, [], 0
    while index < len(nodes):
        if nodes[index : index + 2] == ("sub", 1.0) and nodes[index + 2] in ("p", "y"):
            turned.append(nodes[index + 2])
            index += 3
            continue
        turned += ["sub", 1.0, nodes[index]] if nodes[index] in ("p", "y") else [nodes[index]]
        index += 1
    return turned


def elementwise(compiled: Elementwise, logits: Tensor, labels: Tensor) -> Tensor:
    """The expression at p = sigmoid(logits), with log p and log(1 - p) exact at every logit."""
    log_p = limited(functional.logsigmoid(logits))
    log_q = limited(functional.logsigmoid(-logits))
    return compiled(log_p, labels, log_q)


@lru_cache(maxsize=256)
@in_a_fresh_thread
def matching_factor(expression: Expression) -> float:
    """The factor that makes the median |gradient| that of binary cross entropy, |p - y|, on logits of s.d. 0.3.

    Raises UserError if the loss has no gradient at y = 0 or at y = 1: it would learn one answer for all samples.
    """
    compiled = compile_expression(expression, "log_q")
    z = probe_batch(2)[0].flatten().clone().requires_grad_()
    scales = []
    for y in (torch.zeros_like(z), torch.ones_like(z)):
        (slope,) = torch.autograd.grad(elementwise(compiled, z, y).sum(), z)
        scale = float(slope.abs().median())
        if not math.isfinite(scale) or scale == 0:
            raise UserError(
                f"activation: {str(expression)!r} has no gradient where y = {int(y[0])}, so with a sigmoid it learns "
                "one answer for all samples; write the loss as f(p, y) + f(1 - p, 1 - y), for example as "
                "-(y * log(p)) - (1 - y) * log(1 - p)"
            )
        scales.append(slope.abs())
    p = torch.sigmoid(z.detach())
    own = torch.cat([p, 1 - p]).median()
    return float(own / torch.cat(scales).median())
