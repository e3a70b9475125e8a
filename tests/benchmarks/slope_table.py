"""How often stage `learns` says something else with exact slopes than with its table of them.

    python tests/benchmarks/slope_table.py --classes 2

Random trees of all functions and wide constants, guards and cliffs among them, that pass the stages
before `learns`. Prints the trees whose verdict differs, and what a verdict costs either way.
"""

import argparse
import time

import numpy as np
import torch

from evoloss.expressions.primitives import PRIMITIVES
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check import finite, gradient, learns
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import logit_gradient

SETTINGS = FunctionalCheckSettings()
CONSTANTS = [-1.0, 0.5, 1.0, 2.0, 10.0, 100.0, 1000.0]


class ExactGradient:
    """In place of the table: autograd at every step."""

    def __init__(self, loss: ExpressionLoss, targets: torch.Tensor, classes: int) -> None:
        self.loss, self.targets = loss, targets

    def at(self, logits: torch.Tensor) -> torch.Tensor:
        """The gradient of each sample's loss, shape (n, C), for logits (n, C)."""
        return logit_gradient(self.loss, logits, self.targets)


def main() -> None:
    """Judge the same trees both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=10)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    losses = reaching(flags.trees, flags.classes)
    table, exact = learns._LogitGradient, ExactGradient
    shares, seconds = {}, {}
    for gradient_of in (table, exact):
        learns._LogitGradient = table  # what cross entropy learns is always of the table
        learns.learning_share(losses[0], flags.classes, SETTINGS)
        learns._LogitGradient = gradient_of
        start = time.perf_counter()
        shares[gradient_of] = [learns.learning_share(x, flags.classes, SETTINGS) for x in losses]
        seconds[gradient_of] = (time.perf_counter() - start) / len(losses)
    differ = 0
    for loss, looked_up, right in zip(losses, shares[table], shares[exact], strict=True):
        limit = SETTINGS.smallest_learning
        if (looked_up < limit) != (right < limit):
            differ += 1
            print(f"table {looked_up:5.2f}, exact {right:5.2f}: {loss.text}")
    print(
        f"{differ} of {len(losses)} differ with {flags.classes} classes; {1000 * seconds[table]:.1f} ms "
        f"with the table, {1000 * seconds[exact]:.1f} ms exact"
    )


def reaching(trees: int, classes: int) -> list[ExpressionLoss]:
    """So many random trees that come as far as stage `learns`."""
    space = SearchSpace(
        functions=sorted(PRIMITIVES), constants=CONSTANTS, initial_max_depth=5, max_size=40
    )
    draws, found, index = np.random.default_rng(0), [], 0
    while len(found) < trees:
        tree = ramped_half_and_half(space, index, draws)
        index += 1
        loss = ExpressionLoss(tree)
        if not {"p", "y"} <= set(tree.nodes):
            continue
        if not (finite.problem(loss, classes) or gradient.problem(loss, classes, SETTINGS)):
            found.append(loss)
    return found


if __name__ == "__main__":
    main()
