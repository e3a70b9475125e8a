"""`resnet18`: torchvision's (He et al., arXiv 1512.03385), fitted to small images."""

from torch import nn

from evoloss.learning import vision


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """For small images the first layer is a 3x3 convolution of stride 1 without pooling, as is usual on CIFAR."""
    network = vision.models.resnet18(num_classes=classes)
    if vision.is_small(shape):
        network.conv1 = nn.Conv2d(shape[0], 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    else:
        network.conv1 = nn.Conv2d(shape[0], 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    return network
