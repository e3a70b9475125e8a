"""Top-1 accuracy, class-balanced accuracy and mean margin of logits."""

import torch


def top1_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the samples whose label has the largest logit; logits (n, C), labels (n,)."""
    return share_right(logits.argmax(dim=1) == labels, labels)


def balanced_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean of the classes' recalls (the share of a class's samples that are classified correctly).

    It equals top-1 accuracy when all classes are equally frequent. Classes without samples do not count.
    """
    return share_right(logits.argmax(dim=1) == labels, labels, balanced=True)


def mean_margin(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The mean difference between the label's logit and the largest other logit, scaled to at most 1; logits (n, C).

    The difference is divided by the scale of the network's logits, so that losses with logits of different size can be
    compared: sqrt(C / (C - 1)) * sqrt(mean over samples of |z - mean(z)|^2), z being a sample's logits. The margin
    is 1 if the logits are the one-hot labels, up to a positive factor and a shift per sample; it is nan if all logits
    of every sample are equal.
    """
    logits, classes = logits.double(), logits.shape[1]
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1, keepdim=True)
    centred = logits - logits.mean(dim=1, keepdim=True)
    unit = (centred.square().sum(dim=1).mean() * classes / (classes - 1)).sqrt()
    return float((own - others).mean() / unit)


def share_right(right: torch.Tensor, labels: torch.Tensor, balanced: bool = False) -> float:
    """Share of the samples that are right, or the mean of the classes' shares if `balanced`; both tensors (n,)."""
    right = right.double()
    if not balanced:
        return float(right.mean())
    counts = labels.bincount()
    recognised = torch.zeros(len(counts), dtype=torch.float64, device=labels.device)
    recognised.index_add_(0, labels, right)
    present = counts > 0
    return float((recognised[present] / counts[present]).mean())
