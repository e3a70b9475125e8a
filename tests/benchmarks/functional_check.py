"""What the functional check rejects, what that costs, and which good candidates it loses.

    python tests/benchmarks/functional_check.py results/labels/*.parquet

Reads what `labelled.py` has trained; files of several tasks are read task by task. Good: at least 60 % of cross entropy's gain over chance; at chance:
under 10 %. Twins (stage novel) are left out. Proposals count by their weights, so that the shares are
those of the draw.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from predictors import PREDICTORS
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from evoloss.expressions.parsing import parse
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.search.fitness import GOOD

CHANCE = 0.1
TOP = 0.05


def main() -> None:
    """Read the labels of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="+", help="Parquet files of labelled.py")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    frame = pd.concat([pd.read_parquet(path) for path in flags.labels], ignore_index=True)
    for task, labels in frame[frame["rejected_by"] != "novel"].groupby("task", sort=False):
        print(f"{task}:")
        read(labels, int(labels["classes"].iloc[0]))


def read(frame: pd.DataFrame, classes: int) -> None:
    """Compare predictors, then thresholds of the chosen one, then the whole funnel."""
    early = frame[frame["rejected_by"].notna() & frame["fitness"].notna()]
    trained = frame[frame["rejected_by"].isna() & frame["fitness"].notna()].reset_index(drop=True)
    good = trained["fitness"] >= GOOD
    print(
        f"{len(frame)} proposals, {len(trained)} that reach the last stage trained: {good.sum()} good, "
        f"{(trained['fitness'] < CHANCE).sum()} at chance; of {len(early)} trained that finite and "
        f"gradient reject, {(early['fitness'] >= GOOD).sum()} good"
    )
    for name, predictor in PREDICTORS.items():
        if name == "linear probe" and classes != 10:  # its features are digits
            continue
        scores, milliseconds = scored(trained, predictor, classes)
        trained[name] = scores
        keep = np.sort(scores[good])[int(0.03 * good.sum())]
        print(
            f"{name:20} {milliseconds:6.1f} ms  area under ROC {roc_auc_score(good, scores):.3f}  "
            f"losing 3 % of the good it rejects {(scores[~good] < keep).mean():.1%} of the others"
        )
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        settings = FunctionalCheckSettings(smallest_learning=threshold)
        print(f"smallest_learning {threshold}: {funnel(frame, trained, settings)}")


def scored(frame: pd.DataFrame, predictor: Callable, classes: int) -> tuple[np.ndarray, float]:
    """A predictor's scores, and the processor's milliseconds a loss."""
    losses = [ExpressionLoss(parse(text)) for text in frame["expression"]]
    predictor(losses[0], classes)  # caches
    start = time.process_time()
    scores = np.array([predictor(loss, classes) for loss in losses])
    return scores, 1000 * (time.process_time() - start) / len(losses)


def funnel(frame: pd.DataFrame, trained: pd.DataFrame, settings: FunctionalCheckSettings) -> str:
    """What the stages gradient and learns reject together, and of all proposals with those before."""
    rejected = (trained["small network"] < settings.smallest_learning) | (
        trained["alignment"] < settings.smallest_alignment
    )
    fitness, weight = trained["fitness"], trained["weight"]
    good, top = fitness >= GOOD, fitness >= fitness.quantile(1 - TOP)
    early = frame["rejected_by"].notna().sum()
    shares = []
    for bad in (fitness < GOOD, fitness < CHANCE):
        caught = early + weight[bad & rejected].sum()
        shares.append(caught / (early + weight[bad].sum()))
    lost = int((good & rejected).sum())
    interval = binomtest(lost, int(good.sum())).proportion_ci(method="exact")
    return (
        f"rejects {shares[0]:.1%} of proposals that are not good ({shares[1]:.1%} of those at chance; of "
        f"those that reach it {rejected[~good].mean():.1%} and {rejected[fitness < CHANCE].mean():.1%}), "
        f"loses {lost} of {good.sum()} good [{interval.low:.1%}, {interval.high:.1%}], "
        f"{(top & rejected).sum()} of the {top.sum()} best"
    )


if __name__ == "__main__":
    main()
