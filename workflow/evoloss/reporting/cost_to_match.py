"""Cost to match: what a method pays to get as far as the reference method gets in the whole of a run."""

import math

import pandas as pd


def relative_costs(curves: pd.DataFrame, reference: str, cost: str = "samples") -> pd.DataFrame:
    """Each run's cost of matching the reference's run of its seed, over that run's own: seeds x methods.

    The level to match is the re-scored fitness of the reference run's last incumbent; the cost of a run
    is column `cost` of `incumbents.curves` where its incumbent first has that fitness. That holds for
    the reference too, which may have been there earlier. Infinity: the level was never reached. nan:
    there is no level, since the reference's last incumbent has no re-scored fitness.
    """
    ordered = curves.sort_values("generation")
    rows = {}
    for seed, of_seed in ordered.groupby("run_seed"):
        runs = dict(iter(of_seed.groupby("method")))
        own = runs.get(reference)
        level = math.nan if own is None else own["fitness"].iloc[-1]
        rows[seed] = {
            method: math.nan
            if own is None or math.isnan(level)
            else first_cost(run, level, cost) / first_cost(own, level, cost)
            for method, run in runs.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def first_cost(run: pd.DataFrame, level: float, cost: str) -> float:
    """The cost of a run, in order of generations, until its incumbent first has `level`; else infinity."""
    there = run.loc[run["fitness"] >= level, cost]
    return float(there.iloc[0]) if len(there) else math.inf
