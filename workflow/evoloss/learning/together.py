"""Trainings that advance together: a single one, or several of small networks side by side."""

import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

from evoloss.errors import UserError
from evoloss.learning.batches import Batches
from evoloss.learning.device import peak_memory, synchronise
from evoloss.learning.early_stopping import BestEpoch
from evoloss.learning.models import OneModel, StackedModel, initial_network
from evoloss.learning.optimizers import Optimizer
from evoloss.learning.own_randomness import OwnRandomness
from evoloss.learning.schedule import segment_ends, total_steps
from evoloss.learning.stacking import NotStackable, stack
from evoloss.learning.stepping import (
    CUDA_GRAPHS,
    CapturedSteps,
    Steps,
    StepsOnDevice,
    free_captures,
)
from evoloss.learning.task import Part, Task
from evoloss.learning.training_curves import TrainingCurves
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.loss_module import LossRefused
from evoloss.time_limit import TimeIsUp, last_resort, time_limit, too_long, training_seconds

LONGEST_REASON = 300
"""Most characters kept of the message of an exception that ended a training."""

LARGEST_STACKED = 300_000
"""Most parameters of a network that trains side by side: a larger network keeps a GPU busy alone."""

GRACE_SECONDS = 60
"""How long a training may take to end after the time limit has interrupted it."""


class Member(Protocol):
    """A training and its records so far; it goes on as long as it has no result."""

    loss: nn.Module
    together: "Together"
    result: TrainingResult | None
    best: BestEpoch
    curve: list[float]
    training_loss: list[float]
    training_accuracy: list[float]
    validation: list[float]
    seconds: float
    validation_seconds: float

    def begin(self) -> None:
        """Discard all progress."""


class Together:
    """Trainings with the same task, seed and learning rate; their common time is divided equally among them."""

    def __init__(
        self, members: list[Member], task: Task, learning_rate: float, seed: int, per_epoch: bool
    ) -> None:
        self._members = members
        self._task, self._rate, self._seed, self._per_epoch = task, learning_rate, seed, per_epoch
        self.device = task.device
        self._all_steps = total_steps(task.settings, len(task.train))
        self._epoch_steps = self._all_steps // task.settings.epochs
        self._ends = segment_ends(self._all_steps)
        self._done = 0  # steps
        self._epoch = -1
        self._validated = 0  # samples
        self._measured: dict[int, float] = {}
        self._measured_at = -1  # steps
        self._steps: Steps | None = None
        self._curves = TrainingCurves()
        self._randomness = OwnRandomness(seed, task.device)
        self._clock = 0.0

    def key(self) -> tuple[Any, ...]:
        """Trainings with the same key can advance together."""
        return id(self._task), self._rate, self._seed, self._per_epoch

    def can_stack(self) -> bool:
        """Whether the task's network is small and consists of layers that can be stacked."""
        network = initial_network(self._task, self._seed)
        try:
            stack(network, 1)
        except NotStackable:
            return False
        return sum(p.numel() for p in network.parameters()) <= LARGEST_STACKED

    def join(self, members: Sequence[Member]) -> None:
        """Advance these trainings too; none may have begun."""
        self._members = [*self._members, *members]
        for member in members:
            member.together = self

    def go_to(self, steps: int) -> None:
        """Train all unfinished trainings until `steps` steps are done."""
        self._clock = time.perf_counter()
        with self._randomness.drawn_from():
            trouble = self._trouble(steps)
        if trouble:  # not in an except block, where the exception would keep tensors alive
            self._make_do(trouble)
        synchronise(self.device)
        self._share("seconds")

    def _trouble(self, steps: int) -> str | None:
        """Advance until `steps` steps are done; the reason if that failed, else None."""
        try:
            with self._limits():
                self._advance(steps)
        except torch.cuda.OutOfMemoryError as error:
            return f"out of GPU memory: {error}".splitlines()[0]
        except TimeIsUp:
            return too_long()
        except LossRefused as error:
            return str(error)
        except (UserError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # A user's network or loss may raise anything, and may exit.
            traceback.print_exc(file=sys.stdout)
            said = " ".join(str(error).split())
            return f"{type(error).__name__}: {said}"[:LONGEST_REASON]
        return None

    @contextmanager
    def _limits(self) -> Iterator[None]:
        """Raise TimeIsUp inside when the unfinished trainings have used up the time they are allowed together.

        If the code does not return to Python within GRACE_SECONDS then, such as a hanging C call, the whole job ends.
        """
        allowed, going_on = training_seconds(), self._going_on()
        left = sum(max(allowed - member.seconds, 1e-3) for member in going_on) if allowed else 0.0
        hangs = f"a training on {self._task.name!r} hangs where it cannot be stopped"
        with last_resort(left and left + GRACE_SECONDS, hangs), time_limit(left, TimeIsUp):
            yield

    def stop(self, member: Member, status: str, reason: str) -> None:
        """End one training now; the others go on."""
        self._clock = time.perf_counter()
        self._end(member, status, reason)

    def _end(
        self, member: Member, status: str, reason: str | None, steps: int | None = None
    ) -> None:
        """Give a training its result, after `steps` steps (default: all done so far)."""
        self._share("seconds")
        steps = self._done if steps is None else steps
        batch_size, completed = self._task.settings.batch_size, status == "completed"
        network, accuracy = None, None
        if completed:
            network = self._model.trained(self._members.index(member), member.best.state)
            accuracy = max(member.validation) if member.best.patience else member.validation[-1]
        member.result = TrainingResult(
            status=status,
            reason=reason,
            steps=steps,
            training_samples=steps * batch_size,
            validation_samples=self._validated,
            seconds=member.seconds,
            validation_seconds=member.validation_seconds,
            peak_memory_bytes=peak_memory(self.device),
            validation_accuracy=accuracy,
            training_loss=member.training_loss,
            training_accuracy=member.training_accuracy,
            validation_accuracies=member.validation,
            network=network,
            full_samples=self._all_steps * batch_size,
            curve=member.curve,
        )
        member.best.state = None
        if not self._going_on():
            self._let_go()
        self._clock = time.perf_counter()

    def _let_go(self) -> None:
        """Free everything that takes much memory."""
        self._steps = self._model = self._optimizer = self._batches = None

    def _going_on(self) -> list[Member]:
        return [member for member in self._members if member.result is None]

    def _advance(self, steps: int) -> None:
        if self._steps is None:
            self._begin()
        while self._going_on():
            complete = self._done == (self._epoch + 1) * self._epoch_steps
            if complete and self._done and (self._done < steps or self._done == self._all_steps):
                self._end_epoch()
            if self._done >= steps or not self._going_on():
                return
            self._leave_behind()
            if complete:
                self._epoch += 1
                self._batches.draw_epoch()
            start = self._epoch * self._epoch_steps
            last = min(steps, start + self._epoch_steps)
            self._model.network.train()
            self._steps.take(start, self._done - start, last - start)
            first, self._done = self._done, last
            self._look(start, first)

    def _begin(self) -> None:
        task = self._task
        if task.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(task.device)
        if len(self._members) == 1:
            network = initial_network(task, self._seed)
            self._model = OneModel(network, self._members[0].loss, task)
        else:
            self._model = StackedModel([m.loss for m in self._members], task, self._seed)
        self._batches = Batches(task.train, task.settings, self._seed)
        parameters = self._model.network.parameters()
        self._optimizer = Optimizer(parameters, task.settings, self._rate, self._all_steps)
        self._set_up_steps()

    def _set_up_steps(self) -> None:
        kind: type[Steps] = Steps
        if self.device.type == "cuda":
            kind = CapturedSteps if os.environ.get(CUDA_GRAPHS) != "0" else StepsOnDevice
        self._steps = kind(self._model, self._optimizer, self._batches)

    def _leave_behind(self) -> None:
        """Drop the trainings that have ended."""
        going_on = [k for k, member in enumerate(self._members) if member.result is None]
        if len(going_on) < len(self._members):
            self._model.keep(going_on)
            self._optimizer.keep(going_on)
            self._members = [self._members[k] for k in going_on]
            self._curves.keep(going_on)
            self._set_up_steps()

    def _look(self, start: int, first: int) -> None:
        """Record what the steps from `first` to those done gave, in the epoch that began with step `start`."""
        losses, right = self._steps.read(first - start, self._done - start)
        targets = self._batches.targets(first - start, self._done - start)
        finite = losses.isfinite()
        for step, (named, labels) in enumerate(zip(right, targets, strict=True), start=first):
            for member, well in zip(self._members, finite[step - first].tolist(), strict=True):
                if not well and member.result is None:
                    reason = f"the loss is not finite in epoch {self._epoch + 1}"
                    self._end(member, "diverged", reason, step)
            self._curves.add_step(named, labels)
            if step + 1 in self._ends:
                self._end_segments(self._ends.count(step + 1))
        self._curves.add_steps(losses, right)

    def _end_segments(self, count: int) -> None:
        """Record the accuracies of a segment `count` times, once for each segment that ends with this step."""
        accuracies = self._curves.accuracies(self._task.settings.balanced)
        for k, member in enumerate(self._members):
            if member.result is None:
                member.curve += [accuracies[k]] * count
        self._curves.end_segment()

    def _end_epoch(self) -> None:
        losses, hits = self._curves.end_epoch()
        settings = self._task.settings
        last = self._epoch == settings.epochs - 1
        for k, member in enumerate(self._members):
            if member.result is not None:
                continue
            member.training_loss.append(losses[k])
            if self._per_epoch:
                samples = self._epoch_steps * settings.batch_size
                member.training_accuracy.append(hits[k] / samples)
        if self._per_epoch or last or settings.early_stopping:
            self._validate()
        for k, member in enumerate(self._members):
            if member.result is not None:
                continue
            if last:
                self._end(member, "completed", None)
            elif member.best.is_over():
                if not member.curve:  # so that a look has an accuracy to see
                    member.curve.append(self._curves.accuracies(settings.balanced)[k])
                end, best = self._epoch + 1, member.best.epoch
                self._end(member, "completed", f"stopped after epoch {end}; epoch {best} was best")

    def held_out_accuracy(self, member: Member) -> float:
        """A training's accuracy now on the validation images `Task.looked_at`; 0 if its outputs are not finite.

        All trainings that advance together are measured at once, and the cost counts for each of them.
        """
        if self._measured_at != self._done:
            self._clock = time.perf_counter()
            with self._randomness.drawn_from():
                self._measured = self._measure(self._task.looked_at)
            self._measured_at = self._done
            self._validated += len(self._task.looked_at)
        accuracy = self._measured[id(member)]
        return 0.0 if math.isnan(accuracy) else accuracy

    def _measure(self, part: Part) -> dict[int, float]:
        """The accuracy of every member on validation images, by the member's `id()`; nan if outputs are not finite."""
        synchronise(self.device)
        self._share("seconds")
        try:
            accuracies = self._model.validate(part)
        except FloatingPointError:
            accuracies = [float("nan")] * len(self._members)
        self._share("validation_seconds")
        return {id(m): accuracy for m, accuracy in zip(self._members, accuracies, strict=True)}

    def _validate(self) -> None:
        accuracies = list(self._measure(self._task.validation).values())
        going_on = [(k, m) for k, m in enumerate(self._members) if m.result is None]
        for k, member in going_on:
            if accuracies[k] != accuracies[k]:
                self._end(member, "diverged", "the trained network's outputs are not finite")
            else:
                member.validation.append(accuracies[k])
                member.best.see(accuracies[k], lambda k=k: self._model.state(k))
        self._validated += len(self._task.validation)

    def _share(self, what: str) -> None:
        """Add the time since the last call to the attribute `what` of the unfinished trainings, in equal parts."""
        now = time.perf_counter()
        going_on = self._going_on()
        for member in going_on:
            setattr(member, what, getattr(member, what) + (now - self._clock) / len(going_on))
        self._clock = now

    def _make_do(self, reason: str) -> None:
        """After trouble (memory, time, exception), begin again with half as many at once; a single training fails."""
        self._let_go()
        free_captures()
        members = self._going_on()
        if len(self._members) == 1:
            self._end(members[0], "failed", reason)
            return
        fewer = max(1, len(members) // 2)
        print(f"{len(self._members)} trainings at once: now {fewer} ({reason})", flush=True)
        for half in (members[:fewer], members[fewer:]):
            together = Together([], self._task, self._rate, self._seed, self._per_epoch)
            together.join(half)
            for member in half:
                member.begin()
        self._members = []
