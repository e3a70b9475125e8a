"""`resnet9`: the nine-layer residual network of the CIFAR-10 speed-runs (Page, DAWNBench 2018).

Eight convolutions, four of them in two residual blocks, and a linear layer. As in the original, the logits are scaled
by 1/8.
"""

import torch
from torch import nn

LOGIT_SCALE = 0.125


class Residual(nn.Module):
    """`x + f(x)`."""

    keeps_channels_apart = True

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input plus its residual, of the same shape."""
        return x + self.layers(x)


class Scale(nn.Module):
    """Multiplies by a fixed number."""

    keeps_channels_apart = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The scaled logits."""
        return x * LOGIT_SCALE


class LargestOfChannel(nn.Module):
    """Global max pooling with a gradient that is deterministic on a GPU; tied maxima share the gradient."""

    keeps_channels_apart = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) -> (n, channels)."""
        return x.amax(dim=(2, 3))


def convolution(inputs: int, outputs: int, pool: bool = False) -> list[nn.Module]:
    """3x3 convolution, batch norm, 2x2 max pooling if `pool`, and ReLU."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        *([nn.MaxPool2d(2, ceil_mode=True)] if pool else []),
        nn.ReLU(inplace=True),
    ]


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Widths 64, 128, 256, 512; 6.6 million parameters for 3 x 32 x 32 images and ten classes."""
    return nn.Sequential(
        *convolution(shape[0], 64),
        *convolution(64, 128, pool=True),
        Residual(*convolution(128, 128), *convolution(128, 128)),
        *convolution(128, 256, pool=True),
        *convolution(256, 512, pool=True),
        Residual(*convolution(512, 512), *convolution(512, 512)),
        LargestOfChannel(),
        nn.Linear(512, classes, bias=False),
        Scale(),
    )
