"""Any loss as a torch module for a training of one's own: `from evoloss.losses import loss`."""

from typing import Any, Literal

import torch
from torch import nn

from evoloss.errors import UserError
from evoloss.losses.catalogue import formula_of
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss, in_float32

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS = ("mean", "sum", "none")


def loss(
    text: str,
    *,
    classes: int | None = None,
    match_gradient_scale: bool = True,
    weight: torch.Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> "LossModule":
    """A loss by catalogue name, expression or `module:function`, used like `nn.CrossEntropyLoss`.

    `classes` makes the loss at once, so that a mistake shows here and not at the first batch; it is
    otherwise read off the logits. `match_gradient_scale` multiplies the loss by the constant that
    makes its initial gradient as large as cross entropy's with so many classes (of hard labels);
    false gives the loss as written. The other options are those of `torch.nn.functional.cross_entropy`
    and equal it for "cross_entropy", with one exception: with both `weight`
    and `label_smoothing` torch weighs every class's term, this the sample by its target.
    Raises UserError.
    """
    return LossModule(
        text, classes, match_gradient_scale, weight, ignore_index, label_smoothing, reduction
    )


class LossModule(nn.Module):
    """What `loss` returns; it can be copied, pickled and moved, and `weight` moves with it."""

    def __init__(
        self,
        text: str,
        classes: int | None,
        match_gradient_scale: bool,
        weight: torch.Tensor | None,
        ignore_index: int,
        label_smoothing: float,
        reduction: Reduction,
    ) -> None:
        super().__init__()
        self.text = text
        self.formula = formula_of(text)
        self.match_gradient_scale = match_gradient_scale
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.reduction = reduction
        self.register_buffer("weight", None if weight is None else torch.as_tensor(weight))
        self._of_classes: dict[int, Loss] = {}
        self._check()
        if classes is not None:
            self.of(classes)

    def _check(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise UserError(f"reduction: got {self.reduction!r}; there are {', '.join(REDUCTIONS)}")
        if not 0 <= self.label_smoothing <= 1:
            raise UserError(
                f"label_smoothing: got {self.label_smoothing}, but it lies between 0 and 1"
            )
        if self.label_smoothing and ":" in self.formula:
            raise UserError(
                f"label_smoothing: {self.text!r} is a function of class indices, which cannot be "
                "smoothed; leave label_smoothing at 0 or write the loss as an expression"
            )
        weight = self.weight
        if weight is not None and (weight.ndim != 1 or not weight.is_floating_point()):
            raise UserError("weight: it must be a floating-point tensor with one number a class")

    def of(self, classes: int) -> Loss:
        """The loss at so many classes, scaled; made once and kept."""
        if classes not in self._of_classes:
            # Not in inference mode, whose tensors have no gradient to measure.
            with torch.inference_mode(False), torch.enable_grad():
                written = as_written(self.formula, classes)
                scaled = task_loss(written, classes, self.match_gradient_scale)
            self._of_classes[classes] = scaled
        return self._of_classes[classes]

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits (n, C) or (n, C, d1, ...), class indices (n,) or (n, d1, ...).

        A scalar, or with reduction "none" the shape of `targets`, in float32 at least. The mean is
        over what is not ignored, by weight: sum of w l / sum of w. Of nothing it is nan, as in torch.
        """
        self._check_batch(logits, targets)
        classes = logits.shape[1]
        rows = logits.movedim(1, -1).reshape(-1, classes)
        indices = targets.reshape(-1).long()
        kept = indices != self.ignore_index
        # Any class does for the ignored, whose value and gradient are then dropped.
        indices = indices.where(kept, 0)
        values = self._per_sample(in_float32(rows), indices)
        weights = torch.ones_like(values) if self.weight is None else self.weight[indices]
        weights = weights.to(values.dtype) * kept
        values = (weights * values).where(kept, 0.0)
        if self.reduction == "none":
            return values.reshape(targets.shape)
        return values.sum() if self.reduction == "sum" else values.sum() / weights.sum()

    def _per_sample(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        classes = logits.shape[1]
        inner = self.of(classes)
        if not self.label_smoothing or not isinstance(inner, ExpressionLoss):
            return inner.per_sample(logits, targets)
        labels = nn.functional.one_hot(targets, classes).to(logits.dtype)
        labels = (1 - self.label_smoothing) * labels + self.label_smoothing / classes
        return inner.factor * inner.of_labels(logits, labels)

    def _check_batch(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        shape = tuple(logits.shape)
        if logits.ndim < 2 or targets.shape != (shape[0], *shape[2:]):
            raise UserError(
                f"logits {shape} and targets {tuple(targets.shape)} do not fit; they must be (n, C) "
                "and (n,), or (n, C, d1, ...) and (n, d1, ...)"
            )
        if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
            raise UserError(
                f"targets are {targets.dtype}, but must be class indices, as of targets.long()"
            )
        if self.weight is not None and len(self.weight) != shape[1]:
            raise UserError(f"weight: got {len(self.weight)} numbers for {shape[1]} classes")

    def extra_repr(self) -> str:
        return f"{self.text!r}, reduction={self.reduction!r}"

    def __getstate__(self) -> dict[str, Any]:
        # Compiled losses cannot be pickled, and are made again in a moment.
        return {**self.__dict__, "_of_classes": {}}
