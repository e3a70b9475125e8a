"""`mobilenet_v3_small`: torchvision's (Howard et al., arXiv 1905.02244), fitted to small images."""

from torch import nn

from evoloss.learning import vision


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Small images keep their size in the first convolution and in the first block (stride 1)."""
    network = vision.models.mobilenet_v3_small(num_classes=classes)
    stride = 1 if vision.is_small(shape) else 2
    stem = nn.Conv2d(shape[0], 16, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out")
    network.features[0][0] = stem
    depthwise = network.features[1].block[0][0]
    depthwise.stride = (stride, stride)
    return network
