"""The device that trains: chosen, named, waited for and measured."""

import os

import torch

from evoloss.errors import UserError
from evoloss.provenance import peak_memory_bytes

THREADS = 1
"""One thread a job and one job a core beats threads, and makes sums repeatable."""


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
        if device.index is not None:
            torch.cuda.set_device(device)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Of what is not yet written nothing is read: filling it takes a tenth of a training.
        torch.utils.deterministic.fill_uninitialized_memory = False
    return device


def device_name(device: torch.device) -> str:
    """`cpu`, or what the GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int | None:
    """Most memory in use so far, in bytes: the GPU's, or the process's; None where it is unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return peak_memory_bytes()
