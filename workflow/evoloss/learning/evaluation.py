"""What a network says of a part's images: logits and accuracy, in chunks that fit the memory."""

import torch
from torch import nn

from evoloss.learning.accuracy import share_right
from evoloss.learning.precision import autocast
from evoloss.learning.task import Part, Task

EVALUATION_BATCH = 1024
"""Images at once, halved as often as it takes where a GPU has too little memory."""


@torch.inference_mode()
def logits_of(network: nn.Module, part: Part, batch: int = EVALUATION_BATCH) -> torch.Tensor:
    """The network's logits for a whole part, in float32 (n, C), or (K, n, C) of K networks side by side.

    It computes in float32, or as the autocast around it says. Raises FloatingPointError when no
    network's logits are all finite.
    """
    network.eval()
    logits = torch.cat(_chunks(network, part, batch), dim=-2)
    finite = logits.isfinite().all(dim=-1).all(dim=-1)
    if not bool(finite.any()):
        raise FloatingPointError("the trained network's outputs are not finite")
    return logits


def _chunks(network: nn.Module, part: Part, batch: int) -> list[torch.Tensor]:
    chunks: list[torch.Tensor] = []
    done = 0
    while done < len(part):
        images = part.images[done : done + batch].permute(0, 3, 1, 2)
        try:
            chunks.append(network(images).float())
        except torch.cuda.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2
            torch.cuda.empty_cache()
            continue
        done += len(images)
    return chunks


def validation_accuracy(
    network: nn.Module, task: Task, part: Part, batch: int = EVALUATION_BATCH
) -> list[float]:
    """The accuracy on a part of a task's validation images, a share in [0, 1], by the task's measure (top-1, or
    balanced by class) and in the precision of its trainings: one entry a network.

    nan for a network whose logits are not finite. Raises FloatingPointError when that is true of all.
    """
    with autocast(task.settings, task.device):
        logits = logits_of(network, part, batch)
    labels = part.labels
    networks = logits if logits.dim() == 3 else logits[None]
    return [
        share_right(own.argmax(dim=1) == labels, labels, task.settings.balanced)
        if bool(own.isfinite().all())
        else float("nan")
        for own in networks
    ]


def accuracy(network: nn.Module, part: Part, balanced: bool = False) -> float:
    """Top-1 accuracy on a part, computed in float32, a share in [0, 1]; `balanced` weighs all classes
    alike."""
    named = logits_of(network, part).argmax(dim=1)
    return share_right(named == part.labels, part.labels, balanced)
