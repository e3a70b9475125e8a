"""The precision of trainings and of their validation."""

import torch

from evoloss.learning.settings import TaskSettings


def computes_in(settings: TaskSettings, device: torch.device) -> torch.dtype:
    """bfloat16 or float32, as the task says; `auto` is bfloat16 on a GPU and float32 on a CPU."""
    automatic = settings.precision == "auto" and device.type == "cuda"
    return torch.bfloat16 if automatic or settings.precision == "bfloat16" else torch.float32


def autocast(settings: TaskSettings, device: torch.device) -> torch.autocast:
    """Mixed precision if the task has it. Casts are not cached: each replay of a captured step must cast anew."""
    mixed = computes_in(settings, device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed, cache_enabled=False)
