"""The precision that trainings and their validation compute in."""

import torch

from evoloss.learning.settings import TaskSettings


def computes_in(settings: TaskSettings, device: torch.device) -> torch.dtype:
    """bfloat16 or float32: as the task says; `auto` is bfloat16 on a GPU and float32 on a CPU."""
    automatic = settings.precision == "auto" and device.type == "cuda"
    return torch.bfloat16 if automatic or settings.precision == "bfloat16" else torch.float32


def autocast(settings: TaskSettings, device: torch.device) -> torch.autocast:
    """Mixed precision, where the task has it. Nothing is cached: a captured step casts its weights anew."""
    mixed = computes_in(settings, device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed, cache_enabled=False)
