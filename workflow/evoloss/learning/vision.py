"""The only import of torchvision.

With a CPU-only torch, torchvision's wheel from pip comes without its compiled operators: its import fails because the
schemas of two of them are missing. Declaring the schemas first is enough for data sets, transforms and models.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _schemas = torch.library.Library("torchvision", "FRAGMENT")
    _schemas.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _schemas.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

from torchvision import datasets, models

__all__ = ["datasets", "models", "torchvision"]

LARGEST_SMALL_SIDE = 64


def is_small(shape: tuple[int, int, int]) -> bool:
    """Whether images are too small for ImageNet networks, which halve them five times (32 x 32 becomes one pixel)."""
    return max(shape[1:]) <= LARGEST_SMALL_SIDE
