"""What the functional check rejects, stage by stage, and how the survivors train on digits.

Random trees go through the funnel; a sample of those rejected by `optimises`, and all that passed,
are trained. Good means at least 60 % of cross entropy's gain over chance.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.settings import STAGES, FunctionalCheckSettings
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss

GOOD = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=600)
    parser.add_argument("--rate", type=float, default=0.2)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    settings = TaskSettings.model_validate({"dataset": "digits", "epochs": 5, "batch_size": 128})
    with tempfile.TemporaryDirectory() as folder:
        prepare(settings.dataset, Path(folder) / "digits", {})
        task = load_task("digits", settings, Path(folder), torch.device("cpu"))
    space, rng = SearchSpace(), np.random.default_rng(0)
    funnel = Funnel(FunctionalCheckSettings(), space, [10], scale_matched=True)
    rejected: Counter[str | None] = Counter()
    seconds: Counter[str] = Counter()
    trained: dict[str | None, list[float]] = {None: [], "optimises": []}
    training_seconds = 0.0
    (reference,) = train([task_loss(CROSS_ENTROPY, 10, True)], task, [flags.rate], 0)
    for index in range(flags.trees):
        tree = ramped_half_and_half(space, index, rng)
        verdict = funnel.check(tree)
        rejected[verdict.rejected_by] += 1
        seconds.update(verdict.seconds)
        if verdict.rejected_by in trained:
            start = time.perf_counter()
            (result,) = train([task_loss(tree, 10, True)], task, [flags.rate], 0)
            training_seconds += time.perf_counter() - start
            gain = (result.validation_accuracy or 0.1) - 0.1
            trained[verdict.rejected_by].append(gain / (reference.validation_accuracy - 0.1))
    print(f"{flags.trees} random trees; cross entropy {reference.validation_accuracy:.3f}")
    for stage in STAGES:
        print(f"{stage:12} rejected {rejected[stage]:4}   {seconds[stage]:7.2f} s in all")
    count = sum(len(gains) for gains in trained.values())
    print(f"a training takes {training_seconds / count:.3f} s")
    for stage, gains in trained.items():
        good = sum(gain >= GOOD for gain in gains)
        name = f"rejected by {stage}" if stage else "passed"
        print(f"{name:22} {len(gains):4} trained, {good:4} good ({good / max(1, len(gains)):.0%})")


if __name__ == "__main__":
    main()
