"""Are the published numbers what the records say? Recomputes three tables with plain SciPy and pandas.

    python tests/benchmarks/recompute.py results/digits
    python tests/benchmarks/recompute.py results/digits --tables results/published/digits/tables

Tables `search_cost`, `champions` and `accuracy` are made anew from a study's Parquet files, by code that shares
nothing with evoloss, and every cell is compared with the CSV file. Only the study's settings are taken from
its table `study_settings`. Numbers must agree but for the order of floating-point sums (TOLERANCE); texts of
single values must be equal. Exits with 1 where anything disagrees.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from recompute_search import search_cost
from recompute_study import CE, FEW, Study, holm, paired, spread, t_interval, wilcoxon
from scipy import stats

TOLERANCE = 1e-10
"""Relative difference that is left to rounding: six digits beyond what a dressed table shows."""


def measured(study: Study, task: str, loss: str) -> pd.Series:
    name = "test_balanced_accuracy" if task in study.balanced else "test_accuracy"
    return study.retrained(task, loss)[name]


def crossed(cells: np.ndarray, confidence: float) -> tuple[float, float]:
    """The interval of the mean of a two-way random-effects layout (run seeds x training seeds)."""
    r, s = cells.shape
    if r < FEW or s < 2:
        return math.nan, math.nan
    runs = s * np.var(cells.mean(axis=1), ddof=1)
    seeds = r * np.var(cells.mean(axis=0), ddof=1)
    squares = ((cells - cells.mean()) ** 2).sum() - runs * (r - 1) - seeds * (s - 1)
    rest, rest_freedom = squares / ((r - 1) * (s - 1)), (r - 1) * (s - 1)
    total = runs + seeds - rest
    terms = runs**2 / (r - 1) + seeds**2 / (s - 1) + rest**2 / rest_freedom
    freedom = total**2 / terms if terms else math.inf
    if total < max(runs, seeds):
        total, freedom = (runs, r - 1) if runs >= seeds else (seeds, s - 1)
    half = stats.t.ppf((1 + confidence) / 2, freedom) * (total / (r * s)) ** 0.5
    return cells.mean() - half, cells.mean() + half


def against_ce(losses: dict[int, list[str]], values: pd.DataFrame, study: Study) -> dict:
    """Some champions against cross entropy, the run seed as the unit; `losses` by run seed."""
    names = [loss for of_seed in losses.values() for loss in of_seed]
    gain = values[names].sub(values[CE], axis=0)[values[CE].notna()]
    gain = gain.loc[:, gain.notna().all()]
    units = [gain[[n for n in of_seed if n in gain]].mean(axis=1) for of_seed in losses.values()]
    units = [unit for unit in units if unit.notna().all()]
    cells = np.array(units)
    pooled = len(names) > len(losses)
    low = high = mean = math.nan
    if len(units):
        mean = cells.mean()
        low, high = crossed(cells, study.confidence)
        if pooled and len(units) < FEW:
            low, high = t_interval(cells.mean(axis=0), study.confidence)
    return {
        "run_seeds": len(units),
        "difference_to_cross_entropy": mean,
        "cross_entropy_ci_low": low,
        "cross_entropy_ci_high": high,
        "below_cross_entropy": int((gain.mean() < 0).sum()),
        "distinct": len(gain.T.drop_duplicates()),
    }


def champions(study: Study, csv: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for task in csv["task"].unique():
        methods = [m for m in csv["method"][csv["task"] == task] if m != "all"]
        names = {m: [f"{m}_seed{seed}" for seed in study.seeds] for m in methods}
        everyone = [name for group in names.values() for name in group]
        values = pd.DataFrame({n: measured(study, task, n) for n in [CE, *everyone]})
        means = values.mean()
        by_run = pd.DataFrame({m: means[group].to_numpy() for m, group in names.items()})
        differences = paired(by_run, study.reference(methods), study.confidence, 0.0)
        groups = {
            m: {seed: [n] for seed, n in zip(study.seeds, names[m], strict=True)} for m in methods
        }
        if len(methods) > 1:
            groups["all"] = {seed: [f"{m}_seed{seed}" for m in methods] for seed in study.seeds}
        for method, losses in groups.items():
            own = everyone if method == "all" else names[method]
            known = means[own].dropna().to_numpy()
            d = differences.get(method)
            rows.append(
                {
                    "task": task,
                    "method": method,
                    "runs": len(known),
                    "trainings": values[own].size,
                    "failed_trainings": int(values[own].isna().sum().sum()),
                    "test_accuracy": known.mean() if len(known) else math.nan,
                    "test_accuracy_sd": spread(known),
                    "accuracy_of_runs": " ".join(f"{value:.6g}" for value in known),
                    **against_ce(losses, values, study),
                    "difference_to_reference": d["mean"] if d else math.nan,
                    "reference_ci_low": d["low"] if d else math.nan,
                    "reference_ci_high": d["high"] if d else math.nan,
                    "reference_pairs": d["n"] if d else 0,
                    "reference_sd": d["sd"] if d else math.nan,
                    "differing_runs": d["differing"] if d else math.nan,
                    "p_value": d["p"] if d else math.nan,
                }
            )
    return pd.DataFrame(rows)


def accuracy(study: Study, csv: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for task in csv["task"].unique():
        baseline, of_task = measured(study, task, CE), []
        for loss in csv["loss"][csv["task"] == task]:
            trainings, values = study.retrained(task, loss), measured(study, task, loss)
            known = values.dropna().to_numpy()
            gain = np.array([]) if loss == CE else (values - baseline).dropna().to_numpy()
            low, high = t_interval(gain, study.confidence)
            of_task.append(
                {
                    "task": task,
                    "loss": loss,
                    "training_seeds": len(known),
                    "learning_rate": trainings["learning_rate"].iloc[0],
                    "rate_at_edge": trainings["rate_at_edge"].iloc[0],
                    "test_accuracy": known.mean() if len(known) else math.nan,
                    "test_accuracy_sd": spread(known),
                    "accuracy_of_seeds": " ".join(f"{value:.6g}" for value in known),
                    "difference_to_cross_entropy": gain.mean() if len(gain) else math.nan,
                    "ci_low": low,
                    "ci_high": high,
                    "difference_sd": gain.std(ddof=1) if len(gain) > 1 else math.nan,
                    "differing_seeds": int((gain != 0).sum()),
                    "p_value": wilcoxon(gain),
                    **{
                        name: trainings[name].mean()
                        for name in ("test_nll_scaled", "test_ece", "test_ece_scaled", "seconds")
                    },
                }
            )
        for row, p in zip(of_task, holm([row["p_value"] for row in of_task]), strict=True):
            rows.append(row | {"p_value": p})
    return pd.DataFrame(rows)


# Comparison


def agrees(ours: object, theirs: object) -> bool:
    if pd.isna(ours) or pd.isna(theirs):
        return bool(pd.isna(ours) and pd.isna(theirs))
    try:
        # A difference that is zero but for rounding has no digits of its own.
        return math.isclose(float(ours), float(theirs), rel_tol=TOLERANCE, abs_tol=1e-14)
    except ValueError:
        return str(ours) == str(theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="results/<study>, with its Parquet files")
    parser.add_argument(
        "--tables", type=Path, help="folder of the CSV files; default FOLDER/tables"
    )
    flags = parser.parse_args()
    tables = flags.tables or flags.folder / "tables"
    study, wrong = Study(flags.folder, tables), 0
    for build in (search_cost, champions, accuracy):
        path = tables / f"{build.__name__}.csv"
        if not path.is_file():
            print(f"{build.__name__}: not a table of this study")
            continue
        csv = pd.read_csv(path, dtype=TEXTS)
        ours = build(study, csv)
        missing = sorted(set(csv) - set(ours) - {"note"}) + sorted(set(ours) - set(csv))
        common = [column for column in ours if column in csv]
        differ = [
            (row, column, csv.loc[row, column], ours.loc[row, column])
            for column in common
            for row in csv.index
            if not agrees(ours.loc[row, column], csv.loc[row, column])
        ]
        print(
            f"{build.__name__}: {len(common) * len(csv) - len(differ)} of {len(common) * len(csv)} cells agree"
        )
        for column in missing:
            print(f"  column {column}: in one of the two alone")
        for row, column, theirs, mine in differ:
            print(f"  row {row}, {column}: the table says {theirs}, the records {mine}")
        wrong += len(missing) + len(differ)
    sys.exit(1 if wrong else 0)


TEXTS = dict.fromkeys(("fitness_of_runs", "accuracy_of_runs", "accuracy_of_seeds"), str)

if __name__ == "__main__":
    main()
