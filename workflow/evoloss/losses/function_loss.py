"""A Python function as a loss: `some.module:function`, a user's own or one of `on_logits.py`.

The function takes logits (n, C) of float32 or float64 and targets (n,) of int64, and returns the
loss of each sample, (n,), to be minimised.
"""

import importlib
import traceback
from collections.abc import Callable

import torch

from evoloss.errors import UserError
from evoloss.losses.loss_module import Loss
from evoloss.time_limit import TimeIsUp

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

PROBES = 8


class FunctionLoss(Loss):
    """A loss computed by the function that `text` names.

    The function is tried on a few logits of `classes` classes when the loss is made. Raises UserError when it cannot
    be imported, fails, or returns anything but finite values and gradients of the right shape.
    """

    def __init__(self, text: str, classes: int, factor: float = 1.0) -> None:
        super().__init__(text, factor)
        self._function = imported(text)
        for dtype in (torch.float32, torch.float64):  # of trainings, of gradient scales
            if problem := self._problem(classes, dtype):
                raise UserError(
                    f"loss {text!r} {problem}; it must map logits (n, C) and class indices (n,) to a "
                    "loss per sample, (n,)"
                )

    def unscaled(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """As in the base class; autocast is off, because a function may multiply matrices."""
        with torch.autocast(logits.device.type, enabled=False):
            return self._function(logits, targets)

    def _problem(self, classes: int, dtype: torch.dtype) -> str | None:
        source = torch.Generator().manual_seed(0)
        logits = torch.randn(PROBES, classes, generator=source).to(dtype).requires_grad_()
        shape = f"({PROBES}, {classes}) of {dtype}"
        try:
            with torch.enable_grad():
                values = self.unscaled(logits, torch.arange(PROBES) % classes)
        except (KeyboardInterrupt, TimeIsUp):
            raise
        except BaseException as error:  # a user's function may raise anything, even SystemExit
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename}, line {place.lineno}"
            return f"fails on logits {shape} with {type(error).__name__}: {error} ({where})"
        if not isinstance(values, torch.Tensor):
            return f"returns {type(values).__name__}, not a tensor"
        if values.shape != (PROBES,):
            return f"returns shape {tuple(values.shape)} for logits {shape}, not ({PROBES},)"
        if not bool(values.isfinite().all()):
            return f"is not finite on random logits {shape}"
        if not values.requires_grad:
            return "does not depend on the logits"
        (gradient,) = torch.autograd.grad(values.sum(), logits, allow_unused=True)
        if gradient is None:
            return "does not depend on the logits"
        if not bool(gradient.isfinite().all()):
            return f"has a gradient that is not finite on random logits {shape}"
        return None


def imported(text: str) -> LossFunction:
    """The function that a `module:function` names; raises UserError when there is none."""
    module, _, name = text.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (KeyboardInterrupt, TimeIsUp):
        raise
    except BaseException as error:  # a user's module may raise anything, even SystemExit
        raise UserError(
            f"loss {text!r} cannot be imported: {type(error).__name__}: {error}"
        ) from None
    if not callable(function):
        raise UserError(
            f"loss {text!r} is {type(function).__name__}, not a function; write module:function"
        )
    return function
