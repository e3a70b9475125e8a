"""What the functional check as it is now rejects of a study's candidates, whose fitness is known.

    python tests/benchmarks/check_on_records.py results/fashion_rivals

For studies made with a laxer check, such as `search.functional_check.stages: [structure, finite, novel]`:
what the check lets through in the first place cannot count here. Digits and Fashion-MNIST: ten classes.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch
from scipy.stats import binomtest

from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.search.fitness import GOOD

CLASSES = 10
TOP = 0.05


def main() -> None:
    """Check every expression of the study that was trained, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results/<study>")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    scores = pd.concat(
        [pd.read_parquet(path) for path in sorted(flags.study.glob("search/**/scores.parquet"))]
    )
    # A training that failed has no fitness: it is as bad as chance.
    fitness = scores["fitness"].fillna(0.0).groupby(scores["expression"]).mean()
    # Stages structure and novel belong to the run that a candidate was bred in.
    settings = FunctionalCheckSettings(stages=["finite", "gradient", "learns"])
    funnel = Funnel(settings, SearchSpace(), [CLASSES], scale_matched=True)
    rejected = pd.Series({text: funnel.check(parse(text)).rejected_by for text in fitness.index})
    for name, chosen in {
        "good": fitness >= GOOD,
        f"best {TOP:.0%}": fitness >= fitness.quantile(1 - TOP),
        "not good": fitness < GOOD,
    }.items():
        lost = rejected[chosen].dropna()
        interval = binomtest(len(lost), int(chosen.sum())).proportion_ci(method="exact")
        print(
            f"{name}: {len(lost)} of {chosen.sum()} rejected [{interval.low:.1%}, {interval.high:.1%}] "
            f"{lost.value_counts().to_dict()}"
        )


if __name__ == "__main__":
    main()
