"""Accuracy of logits, top-1 and balanced by class, and their margin."""

import torch


def top1_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the samples whose label has the largest logit. Logits (n, C), labels (n,)."""
    return share_right(logits.argmax(dim=1) == labels, labels)


def balanced_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean over classes of the share of their samples that are recognised (their recall).

    Equals top-1 accuracy when all classes are equally frequent; classes without samples do not count.
    """
    return share_right(logits.argmax(dim=1) == labels, labels, balanced=True)


def mean_margin(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """How far the label's logit lies above the best other one, on average, in [-1, 1]. Logits (n, C).

    In units of the network's own logits, so that losses that ask for logits of unlike size compare: the
    root mean square over all samples of the norm of a sample's centred logits, times sqrt(C / (C - 1)). A
    network whose logits are the one-hot labels, up to a factor and shifts, has 1; nan where all logits of
    every sample are equal.
    """
    logits, classes = logits.double(), logits.shape[1]
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1, keepdim=True)
    centred = logits - logits.mean(dim=1, keepdim=True)
    unit = (centred.square().sum(dim=1).mean() * classes / (classes - 1)).sqrt()
    return float((own - others).mean() / unit)


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
