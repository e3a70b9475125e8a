"""Training steps: executed one by one, or on a GPU by replaying one captured step.

The losses and predictions of an epoch's steps stay on the device until `read`. A captured step is a CUDA graph that
reads its own step number from GPU memory, so that Python only has to replay it.
"""

import math
import warnings
from functools import lru_cache

import torch

from evoloss.learning.batches import Batches, Step, row
from evoloss.learning.models import Model
from evoloss.learning.optimizers import Optimizer

CUDA_GRAPHS = "EVOLOSS_CUDA_GRAPHS"
"""Environment variable of a job: 0 turns the capture of steps off."""
BEFORE_CAPTURE = 3
"""Steps executed one by one before a capture, since libraries initialise themselves in their first calls."""


class Steps:
    """Executes a model's steps; keeps the losses (K,) and correct predictions (K, n) of each step of the epoch."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        self._model, self._optimizer, self._batches = model, optimizer, batches
        self._rates = optimizer.rates()
        device = next(model.network.parameters()).device
        self._losses = torch.zeros(batches.steps, model.members, device=device)
        shape = (batches.steps, model.members, batches.size)
        self._right = torch.zeros(shape, dtype=torch.bool, device=device)

    def take(self, start: int, first: int, last: int) -> None:
        """Execute steps `first` to `last` (excluded) of the epoch that began with step `start` of the training.

        Ends early if no loss of a step is finite.
        """
        for step in range(first, last):
            losses = self._step(step, self._rates[start + step])
            if not any(map(math.isfinite, losses.tolist())):
                return

    def read(self, first: int, last: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses (steps, K) and correct predictions (steps, K, n) from `first` to `last` (excluded), on the CPU."""
        tables = (self._losses, self._right)
        return tuple(table[first:last].to("cpu", copy=True) for table in tables)

    def _step(self, step: Step, rate: float | torch.Tensor) -> torch.Tensor:
        images, targets = self._batches.at(step)
        logits, losses, backward = self._model.forward(images, targets)
        self._optimizer.zero_grad()
        backward()
        self._optimizer.step(rate)
        losses = losses.detach().view(-1).to(self._losses.dtype)
        self._note(step, losses, logits.detach().argmax(dim=-1) == targets)
        return losses

    def _note(self, step: Step, losses: torch.Tensor, right: torch.Tensor) -> None:
        self._losses[step] = losses
        self._right[step] = right


class StepsOnDevice(Steps):
    """Steps that read their own number from the device, as a captured step must."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        super().__init__(model, optimizer, batches)
        device = self._losses.device
        self._all_rates = torch.tensor(self._rates, device=device)
        self._numbers = torch.arange(batches.steps, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)  # in this epoch
        self._count = torch.zeros(1, dtype=torch.int64, device=device)  # in the whole training

    def take(self, start: int, first: int, last: int) -> None:
        """As in the base class, but never ends early."""
        self._place.fill_(first)
        self._count.fill_(start + first)
        for _ in range(first, last):
            self._next()

    def _next(self) -> None:
        """Execute the next step."""
        self._step(self._place, row(self._all_rates, self._count))
        self._place.add_(1)
        self._count.add_(1)

    def _note(self, step: torch.Tensor, losses: torch.Tensor, right: torch.Tensor) -> None:
        now = self._numbers == step
        torch.where(now[:, None], losses, self._losses, out=self._losses)
        torch.where(now[:, None, None], right, self._right, out=self._right)


class CapturedSteps(StepsOnDevice):
    """Steps on a GPU without waiting for it: after a few steps, one step is captured and then replayed."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        super().__init__(model, optimizer, batches)
        self._stream = _shared_stream(self._losses.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._taken = 0

    def take(self, start: int, first: int, last: int) -> None:
        """As in the base class, on a stream of its own, since the default stream cannot be captured."""
        outside = torch.cuda.current_stream(self._losses.device)
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            super().take(start, first, last)
        outside.wait_stream(self._stream)

    def _next(self) -> None:
        if self._taken == BEFORE_CAPTURE:
            self._graph = self._captured()
        if self._graph is None:
            super()._next()
        else:
            self._graph.replay()
        self._taken += 1

    def _captured(self) -> torch.cuda.CUDAGraph | None:
        """A step as a CUDA graph; None, with a line in the log, if a step cannot be captured."""
        try:
            self._try_without_waiting()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=_shared_pool(), stream=self._stream):
                super()._next()
        except torch.cuda.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError) as error:  # TypeError: the model cannot be copied
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"trains step by step, since no CUDA graph can hold a step ({said})", flush=True)
            return None
        finally:
            # Gradients must not outlive a step: all captured trainings share this memory.
            self._optimizer.zero_grad()
        return graph

    def _try_without_waiting(self) -> None:
        """Raises RuntimeError when a step waits for the GPU, for example because the loss branches on tensor values."""
        trial = self._model.copy()
        images, targets = self._batches.at(self._place)
        mode = torch.cuda.get_sync_debug_mode()
        with torch.random.fork_rng(devices=[images.device]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns that this mode is a prototype
            try:
                torch.cuda.set_sync_debug_mode("error")
                _, _, backward = trial.forward(images, targets)
                backward()
            finally:
                torch.cuda.set_sync_debug_mode(mode)


@lru_cache
def _shared_stream(device: torch.device) -> torch.cuda.Stream:
    """The stream of all captures: torch reuses memory only on the stream that it was used on."""
    return torch.cuda.Stream(device)


@lru_cache(maxsize=1)
def _first_graph() -> torch.cuda.CUDAGraph:
    """A graph that is kept, so that the memory pool which all graphs share is kept."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        torch.zeros(1, device="cuda")
    return graph


def _shared_pool() -> tuple[int, int]:
    """The memory pool shared by all graphs: they are replayed in turn, and nothing in it outlives a replay."""
    return _first_graph().pool()


def free_captures() -> None:
    """Give back the memory of captures that are no longer in use."""
    _first_graph.cache_clear()
    torch.cuda.empty_cache()
