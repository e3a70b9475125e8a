"""What each stage of the functional check costs, and all of it for each candidate that passes.

    python tests/benchmarks/check_speed.py

Random trees of the default space. For a ratio, run it in one go with another checkout's `workflow` folder on
PYTHONPATH.
"""

import argparse
import time
from collections import Counter

import numpy as np
import torch

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.settings import FunctionalCheckSettings


def main() -> None:
    """Check the same trees twice, the first time to warm up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=3000)
    parser.add_argument("--classes", type=int, default=10)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    space, draws = SearchSpace(), np.random.default_rng(0)
    trees = [ramped_half_and_half(space, index, draws) for index in range(flags.trees)]
    for _ in range(2):
        funnel = Funnel(FunctionalCheckSettings(), space, [flags.classes], scale_matched=True)
        start = time.perf_counter()
        verdicts = [funnel.check(tree) for tree in trees]
        elapsed = time.perf_counter() - start
    seconds, entered = Counter(), Counter()
    for verdict in verdicts:
        seconds.update(verdict.seconds)
        entered.update(verdict.seconds.keys())
    for stage, total in seconds.items():
        print(f"{stage:10} {entered[stage]:5} entered, {1e3 * total / entered[stage]:7.3f} ms each")
    passed = sum(verdict.passed for verdict in verdicts)
    print(f"{passed} of {len(trees)} passed, {1e3 * elapsed / passed:.1f} ms each of these")


if __name__ == "__main__":
    main()
