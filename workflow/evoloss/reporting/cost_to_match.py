"""Cost to match: what a method spends until it is as good as the reference method is at the best of a whole run."""

import math

import pandas as pd


def relative_costs(curves: pd.DataFrame, reference: str, cost: str = "samples") -> pd.DataFrame:
    """The cost of each run to match the reference run of the same seed, relative to that run's own: seeds x methods.

    The level to match is the highest re-scored fitness of the reference run's incumbents. The cost of a run, the
    reference run included, is column `cost` of `incumbents.curves` where its incumbent first has that fitness.
    Infinity: the run never reaches the level. nan: the reference run is missing, or has no re-scored fitness.
    """
    ordered = curves.sort_values("generation")
    rows = {}
    for seed, of_seed in ordered.groupby("run_seed"):
        runs = dict(iter(of_seed.groupby("method")))
        own = runs.get(reference)
        level = math.nan if own is None else own["fitness"].max()
        rows[seed] = {
            method: math.nan
            if own is None or math.isnan(level)
            else first_cost(run, level, cost) / first_cost(own, level, cost)
            for method, run in runs.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def first_cost(run: pd.DataFrame, level: float, cost: str) -> float:
    """The cost until the incumbent of `run` (rows in order of generations) first has `level`; infinity if never."""
    there = run.loc[run["fitness"] >= level, cost]
    return float(there.iloc[0]) if len(there) else math.inf


def costs_to_target(curves: pd.DataFrame, level: float, cost: str = "samples") -> pd.DataFrame:
    """The cost of each run until its incumbent first has a fixed level of re-scored fitness: seeds x methods.

    Infinity: it never does. nan: no incumbent of the run has a re-scored fitness.
    """
    ordered = curves.sort_values("generation")
    costs = {
        run: first_cost(of_run, level, cost) if of_run["fitness"].notna().any() else math.nan
        for run, of_run in ordered.groupby(["run_seed", "method"])
    }
    return pd.Series(costs, dtype=float).unstack()


def decided_at_once(curves: pd.DataFrame, reference: str) -> int:
    """How many runs of the reference reach their level in the first generation, which methods of one pool share."""
    own = curves[curves["method"] == reference].sort_values("generation")
    return sum(
        bool(run["fitness"].iloc[0] >= run["fitness"].max()) for _, run in own.groupby("run_seed")
    )
