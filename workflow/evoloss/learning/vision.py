"""The only import of torchvision.

Where pip finds a CPU-only torch, torchvision's wheel comes without its compiled operators and fails
to import on the missing schemas of two of them. Declaring the schemas first cures that; data sets,
transforms and models need no more.
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
    """Whether images are too small for the strides of ImageNet networks: five halvings leave one
    pixel of 32 x 32."""
    return max(shape[1:]) <= LARGEST_SMALL_SIDE
