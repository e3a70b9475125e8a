"""Accuracy of logits: top-1, and balanced by class."""

import torch


def top1_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the samples whose label has the largest logit. Logits (n, C), labels (n,)."""
    return float((logits.argmax(dim=1) == labels).double().mean())


def balanced_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean over classes of the share of their samples that are recognised (their recall).

    Equals top-1 accuracy when all classes are equally frequent; classes without samples do not count.
    """
    hits = (logits.argmax(dim=1) == labels).double()
    counts = torch.bincount(labels, minlength=logits.shape[1])
    recognised = torch.zeros(len(counts), dtype=torch.float64, device=labels.device)
    recognised.index_add_(0, labels, hits)
    present = counts > 0
    return float((recognised[present] / counts[present]).mean())
