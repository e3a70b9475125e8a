"""`convnet`: a small network for CPUs."""

from collections.abc import Sequence

import torch
from torch import nn


class MeanOfChannel(nn.Module):
    """Global average pooling.

    The gradient of a mean is one number per channel, broadcast to all pixels. Copied out to full size in memory, it
    makes the backward pass of the preceding ReLU ten times as fast.
    """

    keeps_channels_apart = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) -> (n, channels)."""
        if x.requires_grad:
            x.register_hook(lambda slope: slope.contiguous(memory_format=torch.channels_last))
        return x.mean(dim=(2, 3))


WIDTHS = (8, 16, 32)
"""Channels of the three convolutions."""


def build(shape: tuple[int, int, int], classes: int, widths: Sequence[int] = WIDTHS) -> nn.Module:
    """Three 3x3 convolutions, each with batch norm and ReLU, max pooling after the first two, global
    average pooling and a linear layer.

    Max pooling comes before the ReLU: the result is the same, and the ReLU has less to compute.
    """
    layers: list[nn.Module] = []
    channels = shape[0]
    for width, pool in zip(widths, (True, True, False), strict=True):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            *([nn.MaxPool2d(2, ceil_mode=True)] if pool else []),
            nn.ReLU(inplace=True),
        ]
        channels = width
    return nn.Sequential(*layers, MeanOfChannel(), nn.Linear(channels, classes))
