"""The optimisers and learning rate schedules of a training, based on torch's functional update rules.

The first `torch.optim.Optimizer` of a process imports the compiler (torch._dynamo), which would cost every job two
seconds. The updates themselves are torch's own, fused into one kernel.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from evoloss.learning.settings import TaskSettings

ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-8


class Optimizer:
    """`sgd` (Nesterov if momentum is positive) or `adamw`, as the task says."""

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        settings: TaskSettings,
        learning_rate: float,
        total_steps: int,
    ) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._settings = settings
        self._learning_rate = learning_rate
        self._total_steps = total_steps
        self._momenta: list[torch.Tensor | None] = [None] * len(self._parameters)
        self._squares: list[torch.Tensor] = []
        self._counts: list[torch.Tensor] = []
        if settings.optimizer == "adamw":
            self._momenta = [torch.zeros_like(p) for p in self._parameters]
            self._squares = [torch.zeros_like(p) for p in self._parameters]
            self._counts = [torch.zeros((), device=p.device) for p in self._parameters]

    def zero_grad(self) -> None:
        """Drop the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def rates(self) -> list[float]:
        """The learning rate of every step."""
        return [
            self._learning_rate * rate_multiple(self._settings, step, self._total_steps)
            for step in range(self._total_steps)
        ]

    def keep(self, numbers: Sequence[int]) -> None:
        """Keep only the networks with these numbers, of those that train side by side."""
        chosen = list(numbers)
        self._momenta = [
            momentum if momentum is None else momentum[chosen] for momentum in self._momenta
        ]
        self._squares = [squares[chosen] for squares in self._squares]

    @torch.no_grad()
    def step(self, rate: float | torch.Tensor) -> None:
        """Update the parameters by their gradients; a missing gradient counts as zero.

        If `rate` is a tensor, it must lie on the device of the parameters.
        """
        settings = self._settings
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters]
        if settings.optimizer == "adamw":
            adamw(
                self._parameters,
                gradients,
                self._momenta,
                self._squares,
                [],
                self._counts,
                fused=True,
                amsgrad=False,
                beta1=ADAM_BETAS[0],
                beta2=ADAM_BETAS[1],
                lr=rate,
                weight_decay=settings.weight_decay,
                eps=ADAM_EPSILON,
                maximize=False,
            )
        else:
            sgd(
                self._parameters,
                gradients,
                self._momenta,
                fused=True,
                weight_decay=settings.weight_decay,
                momentum=settings.momentum,
                lr=rate,
                dampening=0.0,
                nesterov=settings.momentum > 0,
                maximize=False,
            )


def rate_multiple(settings: TaskSettings, step: int, total_steps: int) -> float:
    """The learning rate of a step (0, 1, ...) as a multiple of the peak rate.

    `one_cycle` first rises linearly over `warmup_fraction` of the steps. After that, and in `cosine` from the first
    step, the rate falls towards zero along half a cosine.
    """
    warmup = settings.warmup_fraction * total_steps if settings.schedule == "one_cycle" else 0.0
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, total_steps - warmup)))
