"""How well a training's first part tells its end, and what races by it save and lose.

    python tests/benchmarks/racing.py results/labels/*.parquet

Reads what `labelled.py` has trained. Compared are the accuracy on the training batches after so many
eighteenths of the training, and the validation accuracy of complete shorter trainings.
"""

import argparse

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from evoloss.learning.schedule import SEGMENTS
from evoloss.search.racing import RacingSettings, losers, places, race_cost, segments_at

RACES = {
    "a ninth, a third": [1 / 9, 1 / 3],
    "a sixth, a third": [1 / 6, 1 / 3],
    "a sixth, a half": [1 / 6, 1 / 2],
    "two ninths, a half": [2 / 9, 1 / 2],
    "two ninths": [2 / 9],
    "a third": [1 / 3],
}
DRAWS = 500


def main() -> None:
    """Print rank correlations, and the regret and cost of races."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="+", help="Parquet files of labelled.py")
    parser.add_argument("--passed", type=float, default=0.5, help="smallest score of stage learns")
    flags = parser.parse_args()
    frame = passed(pd.concat([pd.read_parquet(p) for p in flags.labels]), flags.passed)
    curves = np.array(frame["curve"].tolist())
    fitness = frame["fitness"].to_numpy()
    for name, among in (("all", fitness > -np.inf), ("fitness 0.9 or more", fitness >= 0.9)):
        print(f"rank correlation with the full fitness, {name} ({among.sum()} candidates)")
        for done in (2, 3, 4, 5, 6, 9, 12):
            rho = spearmanr(curves[among, done - 1], fitness[among]).statistic
            print(f"  first {done:2}/{SEGMENTS} of the training       {rho:5.2f}")
        for shorter, share in (("ninth", 1 / 9), ("third", 1 / 3)):
            rho = spearmanr(frame[shorter][among], fitness[among]).statistic
            print(f"  complete training of 1/{1 / share:.0f}       {rho:5.2f}")
    rng = np.random.default_rng(0)
    for entrants in (6, 12, 18):
        print(f"races of {entrants}, a third going on: loss of fitness of the best, cost")
        for name, rungs in RACES.items():
            settings = RacingSettings(rungs=rungs)
            regrets = [regret(settings, curves, fitness, entrants, rng) for _ in range(DRAWS)]
            cost = race_cost(settings, entrants) / entrants
            print(f"  {name:20} {np.mean(regrets):.4f}  {cost:.2f}")


def passed(frame: pd.DataFrame, smallest: float) -> pd.DataFrame:
    """The candidates with a complete curve that stage learns lets through."""
    from predictors import small_network

    from evoloss.expressions.parsing import parse
    from evoloss.losses.expression_loss import ExpressionLoss

    complete = frame[frame["rejected_by"].isna() & (frame["curve"].str.len() == SEGMENTS)]
    keep = [
        small_network(ExpressionLoss(parse(text)), 10) >= smallest
        for text in complete["expression"]
    ]
    return complete[keep]


def regret(
    settings: RacingSettings,
    curves: np.ndarray,
    fitness: np.ndarray,
    entrants: int,
    rng: np.random.Generator,
) -> float:
    """By how much a race's best falls short of its entrants' best, for entrants drawn at random."""
    drawn = rng.choice(len(fitness), size=entrants, replace=False)
    racing = list(drawn)
    for rung, share in enumerate(settings.rungs):
        done = segments_at(share, SEGMENTS)
        scores = {i: curves[i, done - 1] for i in racing}
        out = set(losers(scores, places(entrants, settings.going_on, rung)))
        racing = [i for i in racing if i not in out]
    return float(fitness[drawn].max() - fitness[racing].max())


if __name__ == "__main__":
    main()
