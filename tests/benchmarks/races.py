"""What a race of any rungs and share would have kept of whole pools, and what it would have cost.

    snakemake --cores all results/races/search/watched/seed{9..17}/generation0/population.parquet \
        --configfile config/fashion_racing.yaml tests/benchmarks/races.yaml
    python tests/benchmarks/races.py results/races watched

Reads the first generation of a method whose race stops nobody. One line a race: its cost in full trainings of
the pool; in how many runs it keeps the best; how far the best that it leaves falls short, in points of
validation accuracy. `--rungs` and `--going-on` name one. `--entrants` draws smaller pools from the pools.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from race_on_records import trained

from evoloss.search.racing import SEGMENTS, RacingSettings, losers, places, race_cost, segments_at

SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
MOST_RUNGS = 4

Pool = tuple[list[dict[str, float]], pd.Series]
"""The training accuracies at each rung, and the final validation accuracy, by candidate."""


def main() -> None:
    """Race every pool by every setting; below each limit of cost print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results/<study>")
    parser.add_argument("method", help="a method whose race stops nobody")
    parser.add_argument("--rungs", type=int, nargs="+", help="eighteenths of a training")
    parser.add_argument("--going-on", type=float)
    parser.add_argument(
        "--entrants", type=int, help="thirty random subsets of so many of each pool"
    )
    flags = parser.parse_args()
    pools = [
        pool_of(trained(folder / "generation0"))
        for folder in sorted((flags.study / "search" / flags.method).glob("seed*"))
    ]
    if flags.entrants:
        draws = np.random.default_rng(0)
        pools = [part(pool, flags.entrants, draws) for pool in pools for _ in range(30)]
    looks = range(1, len(pools[0][0]) + 1)
    choices = [flags.rungs] if flags.rungs else subsets(looks, MOST_RUNGS)
    shares = [flags.going_on] if flags.going_on else SHARES
    table = pd.DataFrame([outcome(pools, rungs, share) for rungs in choices for share in shares])
    table = table.sort_values(["keeps_best", "mean_short", "cost"], ascending=[False, True, True])
    for limit in (0.2, 0.225, 0.25, 0.3, 1.0):
        within = table[table["cost"] <= limit]
        print(f"\n{len(pools)} pools, cost up to {limit}\n{within.head(5).to_string(index=False)}")


def subsets(looks: range, most: int) -> list[tuple[int, ...]]:
    """All choices of one to `most` looks."""
    return [rungs for n in range(1, most + 1) for rungs in combinations(looks, n)]


def pool_of(records: pd.DataFrame) -> Pool:
    """What is known of a pool."""
    rungs = records["rung_accuracies"].apply(pd.Series).fillna(0.0)
    return [rungs[k].to_dict() for k in rungs], records["validation_accuracy"].fillna(0.0)


def part(pool: Pool, entrants: int, draws: np.random.Generator) -> Pool:
    """Some of a pool, drawn at random."""
    scores, final = pool
    names = [final.index[k] for k in draws.choice(len(final), entrants, replace=False)]
    return [{name: rung[name] for name in names} for rung in scores], final[names]


def outcome(pools: list[Pool], rungs: tuple[int, ...], share: float) -> dict:
    """One setting's race of each pool."""
    racing = RacingSettings(rungs=[k / SEGMENTS for k in rungs], going_on=share)
    entrants = len(pools[0][1])
    short = np.array([final.max() - final[left(scores, racing)].max() for scores, final in pools])
    return {
        "rungs": "/".join(map(str, rungs)),
        "going_on": round(share, 3),
        "cost": round(race_cost(racing, entrants) / entrants, 3),
        "keeps_best": int((short == 0).sum()),
        "mean_short": round(100 * short.mean(), 3),
        "most_short": round(100 * short.max(), 3),
    }


def left(scores: list[dict[str, float]], racing: RacingSettings) -> list[str]:
    """Who is trained to the end."""
    running = list(scores[0])
    for place, rung in enumerate(racing.rungs):
        at_rung = scores[segments_at(rung, SEGMENTS) - 1]
        stopped = losers(
            {name: at_rung[name] for name in running},
            places(len(scores[0]), racing.going_on, place),
        )
        running = [name for name in running if name not in set(stopped)]
    return running


if __name__ == "__main__":
    main()
