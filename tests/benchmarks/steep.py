"""What guards keep finite, and what is far from cross entropy's scale: does it train, and what else rejects it?

    python tests/benchmarks/steep.py --task digits --trees 4000

Trains the random trees that two older rules would refuse and no other stage before `learns` does: `finite`, a
value at its guard's limit or a slope beyond 1e6 on the probes; `range`, a gradient-scale factor outside
[1e-4, 1e4]. Prints how many of them `learns` rejects, and how many are good.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from labelled import TASKS, Bench

from evoloss.expressions.primitives import LIMIT
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check import finite, gradient, learns, novel
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import logit_gradient
from evoloss.search.fitness import GOOD

WIDE = FunctionalCheckSettings()
NARROW = FunctionalCheckSettings(largest_factor=1e4)
STEEPEST = 1e6


def steep(loss: ExpressionLoss, classes: int) -> bool:
    """Whether a value is at its guard's limit on the probes, or a slope beyond STEEPEST."""
    logits, targets = finite.probes(classes)
    largest = float(loss.per_sample(logits, targets).abs().max())
    slope = float(logit_gradient(loss, logits, targets).abs().max())
    return largest >= LIMIT * (1 - 1e-6) or slope >= STEEPEST


def main() -> None:
    """Draw, train what the older rules refuse, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=list(TASKS), default="digits")
    parser.add_argument("--trees", type=int, default=4000)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    space, rng, seen = SearchSpace(), np.random.default_rng(11), []
    found: Counter[tuple[str, ...]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(flags.task, Path(folder), shorter=False)
        classes = bench.task.classes
        for index in range(flags.trees):
            tree = ramped_half_and_half(space, index, rng)
            loss = ExpressionLoss(tree)
            mark = novel.fingerprint(loss, [classes], scale_matched=True)
            if mark is None or novel.known(mark, seen) is not None:
                continue
            seen.append(mark)
            if gradient.problem(loss, classes, WIDE):
                continue
            if gradient.problem(loss, classes, NARROW):
                rule = "range"
            elif steep(loss, classes):
                rule = "finite"
            else:
                found["neither",] += 1
                continue
            verdict = "rejected" if learns.problem(loss, classes, WIDE) else "passed"
            fitness = bench.fitness(bench.train(tree, 0))
            found[rule, f"{verdict} by learns", "good" if fitness >= GOOD else "not good"] += 1
            print(f"{rule:7} {verdict:9} {fitness:6.3f} {tree}", flush=True)
    for kind, number in sorted(found.items()):
        print(f"{number:5} {', '.join(kind)}")


if __name__ == "__main__":
    main()
