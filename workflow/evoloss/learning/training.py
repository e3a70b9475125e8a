"""One training of one network with one loss: exact, repeatable and honest about its cost.

The seed decides weights, batches and augmentation, on whatever device (all random numbers are drawn
on the CPU), so that losses compared under one seed differ in the loss alone (common random numbers).
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from evoloss.learning.accuracy import share_right
from evoloss.learning.augmentation import augment
from evoloss.learning.device import peak_memory, synchronise
from evoloss.learning.early_stopping import BestEpoch
from evoloss.learning.network import build
from evoloss.learning.optimizers import Optimizer
from evoloss.learning.schedule import segment_ends, total_steps
from evoloss.learning.task import EVALUATION_BATCH, Part, Task
from evoloss.seeds import derive_seed

FINITE_CHECK_EVERY = {"cpu": 1, "cuda": 16}
"""Steps between looks at the loss: a look makes the CPU wait for the GPU."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave. Accuracies are shares in [0, 1]; lists have one entry an epoch.

    `validation_accuracy` is None unless the status is `completed`; a training that early stopping
    ended is completed, and its best epoch's accuracy and weights count. `full_samples` are the training
    samples of the whole schedule. `curve` has the accuracy on the training batches of each segment,
    by the task's measure (top-1, or balanced by class); of one that ends in its first segment, that far.
    """

    status: str
    reason: str | None
    steps: int
    training_samples: int
    validation_samples: int
    seconds: float
    validation_seconds: float
    peak_memory_bytes: int | None
    validation_accuracy: float | None
    training_loss: list[float] = field(default_factory=list)
    training_accuracy: list[float] = field(default_factory=list)
    validation_accuracies: list[float] = field(default_factory=list)
    network: nn.Module | None = None
    full_samples: int = 0
    curve: list[float] = field(default_factory=list)


def train(
    losses: Sequence[nn.Module],
    task: Task,
    learning_rates: Sequence[float],
    seed: int,
    per_epoch: bool = False,
) -> list[TrainingResult]:
    """Train one network with each loss, all from the same weights and on the same batches.

    A loss maps logits (n, C) and targets (n,) to a scalar. `per_epoch` also records training and
    validation accuracy after every epoch. A training stops at its first non-finite loss
    (`diverged`); running out of memory makes it `failed`.
    """
    if len(losses) != len(learning_rates):
        raise ValueError("one learning rate a loss is needed")
    return [
        Training(loss, task, rate, seed, per_epoch).finish()
        for loss, rate in zip(losses, learning_rates, strict=True)
    ]


class Training:
    """A training that may pause: looked at, ended early or taken further, without a trace in its numbers.

    What a network draws for itself (dropout) is the seed's too, and nobody else's.
    """

    def __init__(
        self, loss: nn.Module, task: Task, learning_rate: float, seed: int, per_epoch: bool = False
    ) -> None:
        self.curve: list[float] = []
        self.result: TrainingResult | None = None
        self._steps = _steps_of(loss, task, learning_rate, seed, per_epoch)
        self._device, self._seed = task.device, seed
        self._random_state: list[torch.Tensor] = []

    @classmethod
    def failed(cls, task: Task, reason: str) -> "Training":
        """A training that cannot begin."""
        training = cls.__new__(cls)
        training.curve = []
        training.result = TrainingResult(
            "failed", reason, 0, 0, 0, 0.0, 0.0, None, None, full_samples=full_samples(task)
        )
        return training

    def advance(self, segments: int) -> list[float]:
        """Train until `segments` of SEGMENTS are done, or to the end; the accuracies so far."""
        while self.result is None and len(self.curve) < segments:
            self._resume(None)
        return self.curve

    def finish(self) -> TrainingResult:
        """Train to the end."""
        while self.result is None:
            self._resume(None)
        return self.result

    def stop(self, reason: str, status: str = "stopped_early") -> TrainingResult:
        """End it here (after its first segment at the earliest), unless it has ended by itself."""
        self.advance(1)
        if self.result is None:
            self._resume((status, reason))
        return self.finish()

    def _resume(self, stop: tuple[str, str] | None) -> None:
        on_gpu = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=on_gpu):
            if self._random_state:
                torch.set_rng_state(self._random_state[0])
                for device, state in zip(on_gpu, self._random_state[1:], strict=True):
                    torch.cuda.set_rng_state(state, device)
            else:
                torch.manual_seed(derive_seed("noise", self._seed))
            try:
                # A generator that has not begun takes no message.
                self.curve += self._steps.send(stop) if self._random_state else next(self._steps)
            except StopIteration as end:
                self.result = end.value
                self.curve = end.value.curve
            self._random_state = [
                torch.get_rng_state(),
                *(torch.cuda.get_rng_state(device) for device in on_gpu),
            ]


class _Stopped(Exception):
    """Whoever looks at a training wants no more of it."""


def full_samples(task: Task) -> int:
    """Training samples of a task's whole schedule."""
    return total_steps(task.settings, len(task.train)) * task.settings.batch_size


def _steps_of(
    loss: nn.Module, task: Task, learning_rate: float, seed: int, per_epoch: bool
) -> Generator[list[float], tuple[str, str] | None, TrainingResult]:
    """The training itself. It yields the accuracies of the segments that a step has completed, and
    stops if it is sent a status and a reason."""
    settings, device = task.settings, task.device
    batch_size = settings.batch_size
    all_steps = total_steps(settings, len(task.train))
    steps_per_epoch = all_steps // settings.epochs
    network = initial_network(task, seed)
    ends = segment_ends(all_steps)
    optimizer = Optimizer(network.parameters(), settings, learning_rate, all_steps)
    draws = torch.Generator().manual_seed(derive_seed("batches", seed))
    check_every = FINITE_CHECK_EVERY[device.type]
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    training_loss: list[float] = []
    training_accuracy: list[float] = []
    validation: list[float] = []
    best = BestEpoch(settings.early_stopping)
    unchecked: list[torch.Tensor] = []
    curve: list[float] = []
    segment: list[tuple[torch.Tensor, torch.Tensor]] = []  # who was named right, and the targets
    steps = validation_samples = 0
    validation_seconds = 0.0
    status, reason = "completed", None
    start = time.perf_counter()
    try:
        for epoch in range(settings.epochs):
            order = torch.randperm(len(task.train), generator=draws).to(device)
            total = torch.zeros((), device=device)
            hits = torch.zeros((), device=device)
            network.train()
            for step in range(steps_per_epoch):
                images, targets = task.train.batch(
                    order[step * batch_size : (step + 1) * batch_size]
                )
                images = augment(images, settings.augmentation, draws)
                with _autocast(task):
                    logits = network(images)
                value = loss(logits, targets)
                unchecked.append(value.detach())
                if len(unchecked) == check_every or step == steps_per_epoch - 1:
                    if not bool(torch.stack(unchecked).isfinite().all()):
                        raise FloatingPointError(f"the loss is not finite in epoch {epoch + 1}")
                    unchecked.clear()
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                steps += 1
                total += value.detach()
                right = logits.detach().argmax(dim=1) == targets
                hits += right.sum()
                segment.append((right, targets))
                if steps in ends:
                    done = [_accuracy_in(segment, settings.balanced)] * ends.count(steps)
                    curve += done
                    segment.clear()
                    if steps < all_steps:
                        pause = time.perf_counter()
                        stop = yield done
                        start += time.perf_counter() - pause
                        if stop:
                            raise _Stopped(*stop)
            training_loss.append(float(total) / steps_per_epoch)
            last = epoch == settings.epochs - 1
            if per_epoch:
                training_accuracy.append(float(hits) / (steps_per_epoch * batch_size))
            if per_epoch or last or best.patience:
                synchronise(device)
                pause = time.perf_counter()
                validation.append(accuracy(network, task.validation, settings.balanced))
                validation_samples += len(task.validation)
                best.see(validation[-1], network)
                validation_seconds += time.perf_counter() - pause
            if best.is_over() and not last:
                if not curve:  # so that a look sees something
                    curve.append(_accuracy_in(segment, settings.balanced))
                reason = f"stopped after epoch {epoch + 1}; epoch {best.epoch} was best"
                break
        best.restore(network)
    except _Stopped as word:
        status, reason = word.args
    except FloatingPointError as error:
        status, reason = "diverged", str(error)
    except torch.cuda.OutOfMemoryError as error:
        status, reason = "failed", f"out of GPU memory: {error}".splitlines()[0]
    synchronise(device)
    seconds = time.perf_counter() - start - validation_seconds
    completed = status == "completed"
    return TrainingResult(
        status=status,
        reason=reason,
        steps=steps,
        training_samples=steps * batch_size,
        validation_samples=validation_samples,
        seconds=seconds,
        validation_seconds=validation_seconds,
        peak_memory_bytes=peak_memory(device),
        validation_accuracy=(max(validation) if best.patience else validation[-1])
        if completed
        else None,
        training_loss=training_loss,
        training_accuracy=training_accuracy,
        validation_accuracies=validation,
        network=network if completed else None,
        full_samples=full_samples(task),
        curve=curve,
    )


def initial_network(task: Task, seed: int) -> nn.Module:
    """The task's network with the weights that `seed` decides, on the device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("weights", seed))
        network = build(task.settings.network, task.shape, task.classes)
    return network.to(task.device, memory_format=torch.channels_last)


@torch.inference_mode()
def logits_of(network: nn.Module, part: Part) -> torch.Tensor:
    """The network's logits for a whole part, computed in float32 (n, C).

    Raises FloatingPointError when they are not finite.
    """
    network.eval()
    chunks = []
    for start in range(0, len(part), EVALUATION_BATCH):
        images, _ = part.batch(slice(start, start + EVALUATION_BATCH))
        chunks.append(network(images).float())
    logits = torch.cat(chunks)
    if not bool(logits.isfinite().all()):
        raise FloatingPointError("the trained network's outputs are not finite")
    return logits


def accuracy(network: nn.Module, part: Part, balanced: bool = False) -> float:
    """Top-1 accuracy on a part, a share in [0, 1]; `balanced` weighs all classes alike."""
    named = logits_of(network, part).argmax(dim=1)
    return share_right(named == part.labels, part.labels, balanced)


def _accuracy_in(batches: Sequence[tuple[torch.Tensor, torch.Tensor]], balanced: bool) -> float:
    """Accuracy over batches, each given as who is named right (n,) and the labels (n,)."""
    right, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    return share_right(right, labels, balanced)


def _autocast(task: Task) -> torch.autocast:
    kind = task.device.type
    wanted = task.settings.precision
    enabled = wanted == "bfloat16" or (wanted == "auto" and kind == "cuda")
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled)
