"""How long a loss takes beside torch's own cross entropy, forward and backward, on a batch of 512 x 100.

    PYTHONPATH=workflow python tests/benchmarks/drop_in_speed.py

The median of ratios in one run, each of a hundred calls of one and then of the other; plain and compiled.
"""

import json
import platform
import time
from statistics import median

import torch
from torch import nn

from evoloss.losses import loss

BATCH, CLASSES = 512, 100
ROUNDS, CALLS = 40, 100
NAMES = ["cross_entropy", "label_smoothing", "focal", "gce", "mse", "ngl", "evoloss_ratio"]


def seconds(criterion: nn.Module, logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Of so many calls with their gradients."""
    begun = time.perf_counter()
    for _ in range(CALLS):
        logits.grad = None
        criterion(logits, targets).backward()
    return time.perf_counter() - begun


def ratio(ours: nn.Module, theirs: nn.Module) -> float:
    """The median ratio of times."""
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(BATCH, CLASSES, generator=source).requires_grad_()
    targets = torch.randint(CLASSES, (BATCH,), generator=source)
    for criterion in (ours, theirs):
        seconds(criterion, logits, targets)
    return median(
        seconds(ours, logits, targets) / seconds(theirs, logits, targets) for _ in range(ROUNDS)
    )


def main() -> None:
    """Print a row a loss."""
    torch.set_num_threads(1)
    torch_own = nn.CrossEntropyLoss()
    figures = {}
    print(f"{'loss':20} {'plain':>8} {'compiled':>9}   (torch's cross entropy = 1)")
    for name in NAMES:
        plain = ratio(loss(name), torch_own)
        compiled = ratio(
            torch.compile(loss(name), fullgraph=True),
            torch.compile(nn.CrossEntropyLoss(), fullgraph=True),
        )
        figures[name] = {"plain": round(plain, 2), "compiled": round(compiled, 2)}
        print(f"{name:20} {plain:8.2f} {compiled:9.2f}", flush=True)
    machine = f"{platform.machine()}, torch {torch.__version__}, one thread"
    print(json.dumps({"name": "drop_in_speed", **figures, "machine": machine}))


if __name__ == "__main__":
    main()
