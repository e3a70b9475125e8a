"""Any loss as a torch module for your own training: `from evoloss.losses import loss`."""

from contextlib import nullcontext
from functools import lru_cache
from operator import index
from typing import Any, Literal

import torch
from torch import Tensor

from evoloss.errors import UserError
from evoloss.expressions.compile import CLASSES, compile_expression, is_zero
from evoloss.expressions.parsing import parse
from evoloss.losses.binary import BinaryLoss
from evoloss.losses.drop_in import DropIn
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.formula import as_written
from evoloss.losses.function_loss import imported
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss
from evoloss.losses.modes import constant_when_compiled, in_a_fresh_thread
from evoloss.losses.registry import formula_of
from evoloss.losses.shown import Shown

ACTIVATIONS = ("softmax", "sigmoid")


def loss(
    text: str,
    *,
    activation: Literal["softmax", "sigmoid"] = "softmax",
    classes: int | None = None,
    match_gradient_scale: bool = True,
    weight: Tensor | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
    **options: Any,
) -> "LossModule | BinaryLoss":
    """A loss by catalogue name, expression or `module:function`, used like torch's own losses.

    With `activation="softmax"` it replaces `nn.CrossEntropyLoss` and takes its `weight`, `reduction`, `ignore_index`
    and `label_smoothing`. With "sigmoid" it replaces `nn.BCEWithLogitsLoss` (one logit per label, for two classes or
    several labels per image; see `binary.py`) and takes its `weight`, `reduction` and `pos_weight`.

    `match_gradient_scale` multiplies the loss by the constant that makes its initial gradient as large as that of
    cross entropy with the same number of classes; False gives the loss as written. If `classes` is given, a mistake in
    a function shows here and not at the first batch; otherwise the number is read off the logits.
    Raises UserError for a wrong text or option.
    """
    text = text.strip()
    if activation not in ACTIVATIONS:
        raise UserError(f"activation: got {activation!r}; there are {', '.join(ACTIVATIONS)}")
    known = {"ignore_index", "label_smoothing"} if activation == "softmax" else {"pos_weight"}
    for option in options:
        if option not in known:
            raise UserError(
                f"{option}: no option of losses with activation {activation!r}; there are "
                f"match_gradient_scale, weight, reduction, {', '.join(sorted(known))}"
            )
    if classes is not None and activation == "sigmoid":
        raise UserError("classes: a loss with a sigmoid works on single logits; leave it out")
    options |= {"weight": weight, "reduction": reduction}
    try:
        if activation == "sigmoid":
            return BinaryLoss(text, match_gradient_scale, **options)
        return LossModule(text, classes, match_gradient_scale, **options)
    except ValueError as error:
        raise UserError(str(error)) from None


class LossModule(Shown, DropIn):
    """The loss that `loss` returns with `activation="softmax"`."""

    def __init__(
        self, text: str, classes: int | None, match_gradient_scale: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.text = text
        self.formula = formula_of(text)
        self.match_gradient_scale = match_gradient_scale
        self.is_nll = self.formula == str(CROSS_ENTROPY)
        self.is_function = ":" in self.formula
        if self.label_smoothing:
            self._no_soft_labels("label_smoothing")
        self._compile()
        if classes is not None:
            self.of(classes)

    def _compile(self) -> None:
        if self.is_function:
            self._function = imported(self.formula)
            return
        expression = parse(self.formula, classes=CLASSES)
        self._extra = "C" if CLASSES in expression else ""
        self._function = compile_expression(expression, self._extra)
        self._at_one = compile_expression(expression, self._extra, 1.0)
        self._at_zero = compile_expression(expression, self._extra, 0.0)
        if is_zero(expression, 0.0):
            self.of_others = None

    def of(self, classes: int) -> Loss:
        """The scaled loss for this number of classes. Raises UserError, or LossError if it has no gradient to scale."""
        if classes < 1:
            raise UserError(f"classes: got {classes}, but a loss needs at least one")
        return _made(self.formula, classes, self.match_gradient_scale)

    def factor(self, classes: int) -> float:
        """As in the base class."""
        if self.is_nll:
            return 1.0
        # `index` makes a plain int of `classes`, which torch.compile may treat as a variable.
        return _factor(self.formula, index(classes), self.match_gradient_scale)

    def elementwise(self, log_p: Tensor, y: Tensor, classes: int) -> Tensor:
        """As in the base class."""
        return self._function(log_p, y, *self._extras(log_p, classes))

    def of_target(self, log_p: Tensor, classes: int) -> Tensor:
        """As in the base class."""
        return self._at_one(log_p, *self._extras(log_p, classes))

    def of_others(self, log_p: Tensor, classes: int) -> Tensor:
        """As in the base class."""
        return self._at_zero(log_p, *self._extras(log_p, classes))

    def _extras(self, log_p: Tensor, classes: int) -> list[Tensor]:
        if not self._extra:
            return []
        return [torch.full((), classes, dtype=log_p.dtype, device=log_p.device)]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """As in the base class."""
        if target.is_floating_point() and target.shape == input.shape:
            self._no_soft_labels("targets")
        return super().forward(input, target)

    def _values_of_indices(self, rows: Tensor, indices: Tensor) -> Tensor:
        if not self.is_function:
            return super()._values_of_indices(rows, indices)
        classes = rows.shape[-1]
        # Autocast is off, as in trainings: a function may multiply matrices. Meta tensors do not support autocast.
        plain = nullcontext() if rows.is_meta else torch.autocast(rows.device.type, enabled=False)
        with plain:
            values = self._function(rows.reshape(-1, classes), indices.reshape(-1))
        return self.factor(classes) * values.reshape(indices.shape)

    def __getstate__(self) -> dict[str, Any]:
        # Compiled functions cannot be pickled; `__setstate__` quickly makes them again.
        compiled = ("_function", "_at_one", "_at_zero")
        return {key: value for key, value in self.__dict__.items() if key not in compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._compile()

    def _no_soft_labels(self, where: str) -> None:
        if self.is_function:
            raise ValueError(
                f"{where}: {self.text!r} is a function of class indices and takes no soft labels; give class "
                "indices without label_smoothing, or write the loss as an expression"
            )


@lru_cache(maxsize=256)
@in_a_fresh_thread
def _made(formula: str, classes: int, match_gradient_scale: bool) -> Loss:
    return task_loss(as_written(formula, classes), classes, match_gradient_scale)


@constant_when_compiled
def _factor(formula: str, classes: int, match_gradient_scale: bool) -> float:
    return _made(formula, classes, match_gradient_scale).factor
