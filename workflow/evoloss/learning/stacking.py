"""K copies of a small network side by side: one forward and backward pass trains them all.

Their weights are stacked (K, ...). A convolution becomes a convolution with K groups, batch normalisation gets K times
the channels, and a linear layer becomes a batched product. The networks do not influence each other.
"""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


class NotStackable(TypeError):
    """The network has a layer that may mix the channels of networks stacked side by side."""


class StackedConvolution(nn.Module):
    """`nn.Conv2d`, K times: (n, C, h, w), an input shared by all, or (n, K * C, h, w) -> (n, K * C', h', w')."""

    def __init__(self, layer: nn.Conv2d, networks: int) -> None:
        super().__init__()
        if layer.groups != 1 or layer.padding_mode != "zeros":
            raise NotStackable(str(layer))
        self.weight = _stacked(layer.weight, networks)
        self.bias = None if layer.bias is None else _stacked(layer.bias, networks)
        self.options = (layer.stride, layer.padding, layer.dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As above."""
        networks, _, inputs = self.weight.shape[:3]
        shared = x.shape[1] == inputs
        weight = self.weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        bias = None if self.bias is None else self.bias.flatten()
        return functional.conv2d(x, weight, bias, *self.options, 1 if shared else networks)


class StackedBatchNorm(nn.Module):
    """`nn.BatchNorm2d`, K times, on (n, K * C, h, w)."""

    def __init__(self, layer: nn.BatchNorm2d, networks: int) -> None:
        super().__init__()
        if not (layer.affine and layer.track_running_stats) or layer.momentum is None:
            raise NotStackable(str(layer))
        self.weight, self.bias = (_stacked(p, networks) for p in (layer.weight, layer.bias))
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, _repeated(getattr(layer, name), networks))
        self.momentum, self.eps = layer.momentum, layer.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As above."""
        tables = (self.running_mean, self.running_var, self.weight, self.bias)
        flat = (table.view(-1) for table in tables)
        return functional.batch_norm(x, *flat, self.training, self.momentum, self.eps)


class StackedLinear(nn.Module):
    """`nn.Linear`, K times: (n, D), an input shared by all, (n, K * D) or (K, n, D) -> (K, n, D')."""

    def __init__(self, layer: nn.Linear, networks: int) -> None:
        super().__init__()
        self.weight = _stacked(layer.weight, networks)
        self.bias = None if layer.bias is None else _stacked(layer.bias, networks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As above."""
        networks, _, inputs = self.weight.shape
        if x.dim() == 2:
            shared = x.shape[1] == inputs
            x = x.expand(networks, *x.shape) if shared else x.view(len(x), networks, inputs)
            x = x if shared else x.transpose(0, 1)
        product = torch.bmm(x, self.weight.transpose(1, 2))
        return product if self.bias is None else product + self.bias[:, None]


STACKED = {
    nn.Conv2d: StackedConvolution,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.Linear: StackedLinear,
}
AS_THEY_ARE = (
    nn.Sequential,
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Flatten,
    nn.Identity,
)
"""Layers that need no change, since they do not mix channels. Other modules declare this by `keeps_channels_apart`."""


def stack(network: nn.Module, networks: int) -> nn.Module:
    """K = `networks` copies of a network side by side: images (n, C, h, w) -> logits (K, n, classes).

    Raises NotStackable when a layer's type or options are not supported.
    """
    stacked = copy.deepcopy(network)
    return _converted(stacked, networks)


def _converted(module: nn.Module, networks: int) -> nn.Module:
    if type(module) in STACKED:
        return STACKED[type(module)](module, networks)
    apart = type(module) in AS_THEY_ARE or getattr(module, "keeps_channels_apart", False)
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    if own or not apart:
        raise NotStackable(type(module).__name__)
    for name, child in module.named_children():
        setattr(module, name, _converted(child, networks))
    return module


def state_of(stacked: nn.Module, number: int) -> dict[str, torch.Tensor]:
    """The weights and statistics of network `number`, named as in the network that was stacked."""
    return {name: table[number].clone() for name, table in stacked.state_dict().items()}


@torch.no_grad()
def keep(stacked: nn.Module, numbers: Sequence[int]) -> None:
    """Keep only the networks with these numbers; the parameters stay the same objects."""
    for table in (*stacked.parameters(), *stacked.buffers()):
        table.data = table.data[list(numbers)].clone()


def _repeated(table: torch.Tensor, networks: int) -> torch.Tensor:
    return table.detach().expand(networks, *table.shape).clone()


def _stacked(parameter: torch.Tensor, networks: int) -> nn.Parameter:
    return nn.Parameter(_repeated(parameter, networks))
