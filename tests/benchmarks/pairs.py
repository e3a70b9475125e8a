"""The difference between two losses of a study's final trainings, paired by training seed, with its t interval.

    python tests/benchmarks/pairs.py results/published_losses hinge_one_vs_rest square_one_vs_rest

One line a task, in points of test accuracy: for what the tables, which compare with
cross entropy, do not say.
"""

import argparse
from pathlib import Path

import pandas as pd

from evoloss.reporting.statistics import paired_difference


def main() -> None:
    """Print a line a task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results/<study>")
    parser.add_argument("losses", nargs=2, help="the first minus the second")
    flags = parser.parse_args()
    for task in sorted((flags.study / "retrain").iterdir()):
        first, second = (accuracies(task / loss) for loss in flags.losses)
        seeds = first.index.intersection(second.index)
        found = paired_difference(first[seeds], second[seeds], 0.95)
        low, mean, high = (100 * x for x in (found.low, found.mean, found.high))
        print(f"{task.name:16} {mean:+7.2f} [{low:+.2f}, {high:+.2f}]  n = {found.pairs}")


def accuracies(folder: Path) -> pd.Series:
    """Test accuracy by training seed."""
    rows = pd.concat([pd.read_parquet(path) for path in folder.glob("[0-9]*.parquet")])
    return rows.set_index("training_seed")["test_accuracy"].dropna()


if __name__ == "__main__":
    main()
