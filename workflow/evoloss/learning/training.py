"""One training of one network with one loss: exact, repeatable and honest about its cost.

The seed decides weights, batches and augmentation, on whatever device (all random numbers are drawn
on the CPU), so that losses compared under one seed differ in the loss alone (common random numbers).
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from evoloss.errors import UserError
from evoloss.learning.accuracy import balanced_accuracy, top1_accuracy
from evoloss.learning.augmentation import augment
from evoloss.learning.early_stopping import BestEpoch
from evoloss.learning.network import build
from evoloss.learning.optimizers import Optimizer
from evoloss.learning.task import EVALUATION_BATCH, Part, Task
from evoloss.provenance import peak_memory_bytes
from evoloss.seeds import derive_seed

FINITE_CHECK_EVERY = {"cpu": 1, "cuda": 16}
"""Steps between looks at the loss: a look makes the CPU wait for the GPU."""

THREADS = 1
"""One thread a job and one job a core beats threads, and makes sums repeatable."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave. Accuracies are shares in [0, 1]; lists have one entry an epoch.

    `validation_accuracy` is None unless the status is `completed`; a training that early stopping
    ended is completed, and its best epoch's accuracy and weights count.
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


def choose_device(name: str) -> torch.device:
    """The device of a `--device` flag: `auto`, `cpu`, `cuda` or `cuda:N`; sets repeatable modes.

    Raises UserError when a GPU is asked for and there is none.
    """
    torch.set_num_threads(THREADS)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise UserError(
                f"device: {name} was asked for, but torch finds no CUDA GPU; write cpu or auto"
            )
        if (device.index or 0) >= torch.cuda.device_count():
            raise UserError(
                f"device: {name} is not there; torch finds {torch.cuda.device_count()} GPUs"
            )
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.use_deterministic_algorithms(True, warn_only=True)
    return device


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
    results = []
    on_gpu = [task.device] if task.device.type == "cuda" else []
    for loss, rate in zip(losses, learning_rates, strict=True):
        # What a network draws for itself (dropout) is the seed's too, and nobody else's.
        with torch.random.fork_rng(devices=on_gpu):
            torch.manual_seed(derive_seed("noise", seed))
            results.append(_train_one(loss, task, rate, seed, per_epoch))
    return results


def _train_one(
    loss: nn.Module, task: Task, learning_rate: float, seed: int, per_epoch: bool
) -> TrainingResult:
    settings, device = task.settings, task.device
    batch_size = settings.batch_size
    steps_per_epoch = len(task.train) // batch_size
    network = initial_network(task, seed)
    total_steps = steps_per_epoch * settings.epochs
    optimizer = Optimizer(network.parameters(), settings, learning_rate, total_steps)
    draws = torch.Generator().manual_seed(derive_seed("batches", seed))
    check_every = FINITE_CHECK_EVERY[device.type]
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    training_loss: list[float] = []
    training_accuracy: list[float] = []
    validation: list[float] = []
    best = BestEpoch(settings.early_stopping)
    unchecked: list[torch.Tensor] = []
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
                if per_epoch:
                    hits += (logits.detach().argmax(dim=1) == targets).sum()
            training_loss.append(float(total) / steps_per_epoch)
            last = epoch == settings.epochs - 1
            if per_epoch:
                training_accuracy.append(float(hits) / (steps_per_epoch * batch_size))
            if per_epoch or last or best.patience:
                _synchronise(device)
                pause = time.perf_counter()
                validation.append(accuracy(network, task.validation, settings.balanced))
                validation_samples += len(task.validation)
                best.see(validation[-1], network)
                validation_seconds += time.perf_counter() - pause
            if best.is_over() and not last:
                reason = f"stopped after epoch {epoch + 1}; epoch {best.epoch} was best"
                break
        best.restore(network)
    except FloatingPointError as error:
        status, reason = "diverged", str(error)
    except torch.cuda.OutOfMemoryError as error:
        status, reason = "failed", f"out of GPU memory: {error}".splitlines()[0]
    _synchronise(device)
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
        peak_memory_bytes=_peak_memory(device),
        validation_accuracy=(max(validation) if best.patience else validation[-1])
        if completed
        else None,
        training_loss=training_loss,
        training_accuracy=training_accuracy,
        validation_accuracies=validation,
        network=network if completed else None,
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
    measure = balanced_accuracy if balanced else top1_accuracy
    return measure(logits_of(network, part), part.labels)


def _autocast(task: Task) -> torch.autocast:
    kind = task.device.type
    wanted = task.settings.precision
    enabled = wanted == "bfloat16" or (wanted == "auto" and kind == "cuda")
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled)


def device_name(device: torch.device) -> str:
    """`cpu`, or what the GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return peak_memory_bytes()
