"""The logits and the accuracy of a network on a part's images, computed in chunks that fit into memory."""

import torch
from torch import nn

from evoloss.learning.accuracy import share_right
from evoloss.learning.precision import autocast
from evoloss.learning.task import Part, Task

EVALUATION_BATCH = 1024
"""Images per forward pass; halved as often as needed when a GPU has too little memory."""


@torch.inference_mode()
def logits_of(network: nn.Module, part: Part, batch: int = EVALUATION_BATCH) -> torch.Tensor:
    """The network's float32 logits for a whole part: (n, C), or (K, n, C) for K networks side by side.

    The forward pass runs in float32, or in the precision of the caller's autocast. Raises FloatingPointError when
    every network has a logit that is not finite.
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
    """The accuracy of each network on some of a task's validation images, in [0, 1]; a list with one entry per network.

    It is top-1 or class-balanced, as the task says, in the precision of the task's trainings. It is nan for a network
    whose logits are not finite. Raises FloatingPointError when this is so for all networks.
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
    """Accuracy on a part, computed in float32, in [0, 1]: top-1, or the mean over classes if `balanced`."""
    named = logits_of(network, part).argmax(dim=1)
    return share_right(named == part.labels, part.labels, balanced)
