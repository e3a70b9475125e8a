"""The base class of losses that replace `nn.CrossEntropyLoss`: its options, shapes and targets.

This file needs only torch, because exported losses contain its code.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

REDUCTIONS = ("mean", "sum", "none")

GRADIENT_LIMIT = 1e12
"""Largest absolute value of the gradient with respect to log p."""


class DropIn(nn.Module):
    """A loss with the options of `nn.CrossEntropyLoss`, which have the same meaning.

    Logits are (C,), (n, C) or (n, C, d1, ...). Targets are class indices of shape (), (n,) or (n, d1, ...), or class
    probabilities in the shape of the logits. The loss is computed in float32, or in float64 for float64 logits. It is a
    scalar, or with reduction "none" has the shape of class indices. Only cross entropy takes a logit of -inf; other
    losses may be undefined there. To mask a class, use -1e4.

    A subclass defines `factor` and `elementwise`: a sample's loss is factor * sum_k elementwise(log p_k, y_k). It also
    defines two special cases, `of_target` for y = 1 and `of_others` for y = 0; `of_others` may be None if it is 0.
    `is_nll` says that the loss is -y log p with factor 1; torch's cross entropy then computes it.

    Raises ValueError for options and shapes that do not fit, IndexError for a target that is no class.
    """

    is_nll = False

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction: got {reduction!r}; there are {', '.join(REDUCTIONS)}")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing: got {label_smoothing}, but it lies between 0 and 1")
        if weight is not None:
            weight = torch.as_tensor(weight)
            if weight.ndim != 1 or not weight.is_floating_point():
                raise ValueError(
                    "weight: it must be a floating-point tensor with one number per class"
                )
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.reduction = reduction

    def factor(self, classes: int) -> float:
        """The constant that multiplies the loss with this number of classes."""
        raise NotImplementedError

    def elementwise(self, log_p: Tensor, y: Tensor, classes: int) -> Tensor:
        """The loss before the sum over classes (the last dimension); `log_p` and `y` have the same shape."""
        raise NotImplementedError

    def of_target(self, log_p: Tensor, classes: int) -> Tensor:
        """`elementwise` where y is 1."""
        raise NotImplementedError

    def of_others(self, log_p: Tensor, classes: int) -> Tensor:
        """`elementwise` where y is 0."""
        raise NotImplementedError

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch or of one sample, from logits (`input`, as torch names them) and targets."""
        logits, targets = input, target
        probabilities = targets.is_floating_point() and targets.shape == logits.shape
        self._check(logits, targets, probabilities)
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if torch.compiler.is_compiling():
            return self._loss(logits, targets, probabilities)
        try:
            return self._loss(logits, targets, probabilities)
        except (IndexError, RuntimeError):
            if not probabilities and not targets.is_meta:
                self._check_range(targets, _classes_of(logits))
            raise

    def _loss(self, logits: Tensor, targets: Tensor, probabilities: bool) -> Tensor:
        targets = targets.to(logits.dtype if probabilities else torch.long)
        if self.is_nll:
            weight = None if self.weight is None else self.weight.to(logits.dtype)
            return functional.cross_entropy(
                logits,
                targets,
                weight=weight,
                ignore_index=self.ignore_index,
                reduction=self.reduction,
                label_smoothing=self.label_smoothing,
            )
        rows = logits if logits.ndim < 3 else logits.movedim(1, -1)
        if probabilities:
            y = targets if targets.ndim < 3 else targets.movedim(1, -1)
            values = self._values(rows, self._smoothed(y))
            return values.mean() if self.reduction == "mean" else self._reduced(values)
        kept = targets != self.ignore_index
        # Ignored targets become class 0, which is harmless: their values and gradients are dropped below.
        indices = targets.where(kept, 0)
        values = self._values_of_indices(rows, indices)
        weights = kept.to(values.dtype)
        if self.weight is not None:
            weights = weights * self.weight.to(values.dtype)[indices]
            if not self.label_smoothing:  # with smoothing, `_values` has applied the weights
                values = values * weights
        values = values.where(kept, 0.0)
        if self.reduction != "mean":
            return self._reduced(values)
        total = weights.sum()
        mean = values.sum() / total
        # If all weights are 0, the mean is nan, as in torch; without `total / total`, smoothing would make it infinite.
        return mean * (total / total) if self.label_smoothing else mean

    def _reduced(self, values: Tensor) -> Tensor:
        return values.sum() if self.reduction == "sum" else values

    def _smoothed(self, y: Tensor) -> Tensor:
        share = self.label_smoothing
        return (1 - share) * y + share / y.shape[-1] if share else y

    def _values_of_indices(self, rows: Tensor, indices: Tensor) -> Tensor:
        """The loss of each sample for class indices; class weights are included only if labels are smoothed."""
        classes, places = rows.shape[-1], indices[..., None]
        if self.label_smoothing:
            y = torch.zeros_like(rows).scatter(-1, places, 1.0)
            return self._values(rows, self._smoothed(y))
        log_p = torch.log_softmax(rows, dim=-1)
        if self.of_others is None:
            terms = self.of_target(limited(log_p.gather(-1, places)), classes)
        else:
            log_p = limited(log_p)
            own = self.of_target(log_p.gather(-1, places), classes)
            terms = self.of_others(log_p, classes).scatter(-1, places, own)
        return self.factor(classes) * terms.sum(dim=-1)

    def _values(self, rows: Tensor, y: Tensor) -> Tensor:
        """The loss of each sample for soft labels `y` (classes last), with class weights w.

        Class k contributes w_k (f(p_k, y_k) - f(p_k, 0)) + (sum_j w_j y_j) f(p_k, 0). For cross entropy this equals
        torch's weighting.
        """
        classes = rows.shape[-1]
        log_p = limited(torch.log_softmax(rows, dim=-1))
        values = self.elementwise(log_p, y, classes)
        if self.weight is not None:
            weight = self.weight.to(values.dtype)
            if self.of_others is None:
                values = weight * values
            else:
                rest = self.of_others(log_p, classes)
                values = weight * (values - rest) + (weight * y).sum(dim=-1, keepdim=True) * rest
        return self.factor(classes) * values.sum(dim=-1)

    def _check(self, logits: Tensor, targets: Tensor, probabilities: bool) -> None:
        shape = tuple(logits.shape)
        if not shape or not (
            probabilities or targets.shape == ((shape[0], *shape[2:]) if len(shape) > 1 else ())
        ):
            raise ValueError(
                f"logits {shape} and targets {tuple(targets.shape)} do not fit; class indices have shape () for logits "
                "(C,), (n,) for (n, C) and (n, d1, ...) for (n, C, d1, ...), and class probabilities are floats of "
                "the shape of the logits"
            )
        if probabilities and self.ignore_index >= 0:
            raise ValueError(
                f"ignore_index: got {self.ignore_index}, but targets that are class probabilities have no index to "
                "ignore; leave it at -100"
            )
        if logits.is_complex():
            raise ValueError(f"logits are {logits.dtype}, but must be real")
        if not probabilities and (
            targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool
        ):
            raise ValueError(
                f"targets are {targets.dtype}, but must be class indices; use targets.long()"
            )
        if self.weight is not None and len(self.weight) != _classes_of(logits):
            raise ValueError(
                f"weight: got {len(self.weight)} numbers for {_classes_of(logits)} classes"
            )

    def _check_range(self, targets: Tensor, classes: int) -> None:
        kept = targets[targets != self.ignore_index]
        wrong = kept[(kept < 0) | (kept >= classes)]
        if len(wrong):
            raise IndexError(
                f"target {int(wrong[0])} is no class; with {classes} classes targets lie between 0 and "
                f"{classes - 1}, or equal ignore_index, {self.ignore_index}"
            ) from None


def _classes_of(logits: Tensor) -> int:
    return logits.shape[0 if logits.ndim == 1 else 1]


class _Limited(torch.autograd.Function):
    """The identity, with the guard on the gradient: finite and within GRADIENT_LIMIT."""

    generate_vmap_rule = True

    @staticmethod
    def forward(log_p):
        return log_p.view_as(log_p)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        finite = torch.nan_to_num(gradient, nan=0.0, posinf=GRADIENT_LIMIT, neginf=-GRADIENT_LIMIT)
        return finite.clamp(-GRADIENT_LIMIT, GRADIENT_LIMIT)


class _LimitedEager(_Limited):
    """`_Limited` with forward-mode derivatives, which torch.compile does not support."""

    @staticmethod
    def jvp(ctx, tangent):
        return tangent.view_as(tangent)


def limited(log_p: Tensor) -> Tensor:
    """log p itself, with the guard on its gradient."""
    return (_Limited if torch.compiler.is_compiling() else _LimitedEager).apply(log_p)
