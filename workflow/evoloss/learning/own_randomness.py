"""Each training's own stream of the random numbers that a network draws, for example for dropout."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from evoloss.seeds import derive_seed


class OwnRandomness:
    """A training's own torch random state, saved during pauses so that they do not change the random numbers."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._gpus = [device] if device.type == "cuda" else []
        self._states: list[torch.Tensor] = []

    @contextmanager
    def drawn_from(self) -> Iterator[None]:
        """Inside, torch draws from where the last visit ended; afterwards torch's global state is as before."""
        with torch.random.fork_rng(devices=self._gpus):
            if self._states:
                torch.set_rng_state(self._states[0])
                for gpu, state in zip(self._gpus, self._states[1:], strict=True):
                    torch.cuda.set_rng_state(state, gpu)
            else:
                torch.manual_seed(derive_seed("noise", self._seed))
            yield
            of_gpus = [torch.cuda.get_rng_state(gpu) for gpu in self._gpus]
            self._states = [torch.get_rng_state(), *of_gpus]
