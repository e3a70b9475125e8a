"""Training steps: taken one by one, or on a GPU as one captured step that is replayed.

What the steps of an epoch gave stays on the device until somebody asks. A captured step is a CUDA graph: it
reads its own number from memory, so that Python only says how often.
"""

import math
import warnings
from functools import lru_cache

import torch

from evoloss.learning.batches import Batches, Step, row
from evoloss.learning.models import Model
from evoloss.learning.optimizers import Optimizer

CUDA_GRAPHS = "EVOLOSS_CUDA_GRAPHS"
"""Environment variable of a job: 0 where nothing is to be captured."""
BEFORE_CAPTURE = 3
"""Steps taken one by one before a capture: libraries set themselves up in their first calls."""


class Steps:
    """The steps of a model, and the loss (K,) and who is named right (K, n) of each step of an epoch."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        self._model, self._optimizer, self._batches = model, optimizer, batches
        self._rates = optimizer.rates()
        device = next(model.network.parameters()).device
        self._losses = torch.zeros(batches.steps, model.members, device=device)
        shape = (batches.steps, model.members, batches.size)
        self._right = torch.zeros(shape, dtype=torch.bool, device=device)

    def take(self, start: int, first: int, last: int) -> None:
        """Steps `first` to `last` (excluded) of the epoch that began with step `start` of the training.

        Ends early where no loss is finite.
        """
        for step in range(first, last):
            losses = self._step(step, self._rates[start + step])
            if not any(map(math.isfinite, losses.tolist())):
                return

    def read(self, first: int, last: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses (steps, K) and who was named right (steps, K, n) in some steps, on the CPU, copied."""
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
    """The same, where a step reads its own number from the device: what a captured step has to be."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        super().__init__(model, optimizer, batches)
        device = self._losses.device
        self._all_rates = torch.tensor(self._rates, device=device)
        self._numbers = torch.arange(batches.steps, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)  # in this epoch
        self._count = torch.zeros(1, dtype=torch.int64, device=device)  # in the whole training

    def take(self, start: int, first: int, last: int) -> None:
        """As in the base class; none ends early."""
        self._place.fill_(first)
        self._count.fill_(start + first)
        for _ in range(first, last):
            self._next()

    def _next(self) -> None:
        """The next step."""
        self._step(self._place, row(self._all_rates, self._count))
        self._place.add_(1)
        self._count.add_(1)

    def _note(self, step: torch.Tensor, losses: torch.Tensor, right: torch.Tensor) -> None:
        now = self._numbers == step
        torch.where(now[:, None], losses, self._losses, out=self._losses)
        torch.where(now[:, None, None], right, self._right, out=self._right)


class CapturedSteps(StepsOnDevice):
    """The same on a GPU, without waiting for it: after a few steps, replays of a captured one."""

    def __init__(self, model: Model, optimizer: Optimizer, batches: Batches) -> None:
        super().__init__(model, optimizer, batches)
        self._stream = _shared_stream(self._losses.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._taken = 0

    def take(self, start: int, first: int, last: int) -> None:
        """As in the base class, on a stream that is not the usual one, as a capture needs it."""
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
        """A step as a graph; with a line in the log None, where no graph can hold it."""
        try:
            self._try_without_waiting()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=_shared_pool(), stream=self._stream):
                super()._next()
        except torch.cuda.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError) as error:  # TypeError: of what cannot be copied
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"trains step by step, since no CUDA graph can hold a step ({said})", flush=True)
            return None
        finally:
            # Gradients live within a step: the memory is any training's whose step is replayed.
            self._optimizer.zero_grad()
        return graph

    def _try_without_waiting(self) -> None:
        """Raises RuntimeError when a step waits for the GPU, as a loss does that looks at values."""
        trial = self._model.copy()
        images, targets = self._batches.at(self._place)
        mode = torch.cuda.get_sync_debug_mode()
        with torch.random.fork_rng(devices=[images.device]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mode itself is said to be a prototype
            try:
                torch.cuda.set_sync_debug_mode("error")
                _, _, backward = trial.forward(images, targets)
                backward()
            finally:
                torch.cuda.set_sync_debug_mode(mode)


@lru_cache
def _shared_stream(device: torch.device) -> torch.cuda.Stream:
    """The stream of all captures: memory is used again only on the stream that it was used on."""
    return torch.cuda.Stream(device)


@lru_cache(maxsize=1)
def _first_graph() -> torch.cuda.CUDAGraph:
    """A graph that stays, so that the memory it shares with all others does."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        torch.zeros(1, device="cuda")
    return graph


def _shared_pool() -> tuple[int, int]:
    """The memory of all graphs: they are replayed in turn, and nothing in it outlives a replay."""
    return _first_graph().pool()


def free_captures() -> None:
    """Give back the memory of all captures, as far as none of them is still wanted."""
    _first_graph.cache_clear()
    torch.cuda.empty_cache()
