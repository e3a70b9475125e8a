"""`googlenet`: torchvision's Inception (Szegedy et al., arXiv 1409.4842), fitted to small images.

It is the first network of the Inception family; the loss NGL was searched with InceptionV3. Unlike in the paper, there
are no auxiliary classifiers, and there is batch norm instead of local response normalisation.
"""

from torch import nn

from evoloss.learning import vision


def build(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """For small images the first layer is a 3x3 convolution of stride 1, and the first two poolings are left out."""
    network = vision.models.googlenet(num_classes=classes, aux_logits=False, init_weights=False)
    stem = network.conv1
    if vision.is_small(shape):
        stem.conv = nn.Conv2d(shape[0], 64, 3, padding=1, bias=False)
        network.maxpool1 = nn.Identity()
        network.maxpool2 = nn.Identity()
    else:
        stem.conv = nn.Conv2d(shape[0], 64, 7, stride=2, padding=3, bias=False)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
    return network
