"""`mlp`: the smallest network here that can memorise wrong labels, for CPUs."""

import math

from torch import nn

WIDTH = 128
"""Units of the hidden layer."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Flattened pixels, one hidden layer with ReLU, and a linear layer."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(math.prod(shape), WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes)
    )
