"""Accuracy of logits: top-1, and balanced by class."""

import torch


def top1_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the samples whose label has the largest logit. Logits (n, C), labels (n,)."""
    return share_right(logits.argmax(dim=1) == labels, labels)


def balanced_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean over classes of the share of their samples that are recognised (their recall).

    Equals top-1 accuracy when all classes are equally frequent; classes without samples do not count.
    """
    return share_right(logits.argmax(dim=1) == labels, labels, balanced=True)


def share_right(right: torch.Tensor, labels: torch.Tensor, balanced: bool = False) -> float:
    """Share of the samples that are named right, or the mean of the classes' shares. Both (n,)."""
    right = right.double()
    if not balanced:
        return float(right.mean())
    counts = labels.bincount()
    recognised = torch.zeros(len(counts), dtype=torch.float64, device=labels.device)
    recognised.index_add_(0, labels, right)
    present = counts > 0
    return float((recognised[present] / counts[present]).mean())
