"""The device for trainings: its choice, name, synchronisation and peak memory."""

import os

import torch

from evoloss.errors import UserError
from evoloss.provenance import peak_memory_bytes

THREADS = 1
"""One thread per job and one job per core is faster than several threads, and makes sums repeatable."""


def choose_device(name: str) -> torch.device:
    """The device of a `--device` flag (`auto`, `cpu`, `cuda` or `cuda:N`); also sets torch to deterministic modes.

    Raises UserError when the GPU asked for does not exist.
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
        # No uninitialised memory is read, and filling it would take a tenth of a training.
        torch.utils.deterministic.fill_uninitialized_memory = False
    return device


def device_name(device: torch.device) -> str:
    """`cpu`, or the model name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has finished its queued work; on a CPU, do nothing."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int | None:
    """Peak memory so far in bytes: of the GPU, or of the process on a CPU; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return peak_memory_bytes()
