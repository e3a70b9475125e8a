"""Random changes to training batches, on the device the images lie on."""

from collections.abc import Sequence

import torch
from torch import nn


def augment(images: torch.Tensor, names: Sequence[str], draws: torch.Generator) -> torch.Tensor:
    """Random shifts by up to an eighth of the side (`crop`) and mirror images (`flip`).

    Images (n, channels, height, width); shifted-in pixels are 0, the mean of the training images.
    """
    n, _, height, width = images.shape
    if "crop" in names:
        reach = (max(1, height // 8), max(1, width // 8))
        padded = nn.functional.pad(images, (reach[1], reach[1], reach[0], reach[0]))
        device = images.device
        top = torch.randint(0, 2 * reach[0] + 1, (n, 1, 1), generator=draws).to(device)
        left = torch.randint(0, 2 * reach[1] + 1, (n, 1, 1), generator=draws).to(device)
        rows = top + torch.arange(height, device=device)[None, :, None]
        columns = left + torch.arange(width, device=device)[None, None, :]
        which = torch.arange(n, device=device)[:, None, None]
        images = padded.permute(0, 2, 3, 1)[which, rows, columns].permute(0, 3, 1, 2)
    if "flip" in names:
        mirrored = (torch.rand(n, generator=draws) < 0.5).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return images
