"""`convnet_wide`: `convnet` with four times the channels, large enough to memorise wrong labels of photographs."""

from torch import nn

from evoloss.learning.networks import convnet

WIDTHS = (32, 64, 128)
"""Channels of the three convolutions."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """94 thousand parameters for three channels and ten classes."""
    return convnet.build(shape, classes, WIDTHS)
