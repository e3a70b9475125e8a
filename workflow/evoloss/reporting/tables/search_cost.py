"""Table search_cost: what each method found, and what it cost, a mean over its runs."""

import pandas as pd

from evoloss.reporting.latex_table import Dressed, plus_minus, signed
from evoloss.reporting.names import method_name
from evoloss.reporting.statistics import standard_deviation
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a method; costs are means over runs, fitness is the champions', re-scored.

    `relative_cost` is training samples against the reference method's. `tuning_samples` is what the
    search tasks' learning rates cost once, for all runs and methods together.
    """
    sums = [
        "evaluations",
        "training_samples",
        "training_seconds",
        "validation_seconds",
        "check_seconds",
        "proposals",
    ]
    per_run = records.ledgers.groupby(["method", "run_seed"])[sums].sum()
    peak = records.ledgers.groupby("method")["peak_memory_bytes"].max()
    rescored = records.rescored.groupby(["method", "run_seed"])[["training_samples"]].sum()
    rows = []
    for method in records.methods:
        fitness = [c["fitness"] for c in records.champions if c["method"] == method]
        costs = per_run.loc[method].mean()
        rows.append(
            {
                "method": method,
                "runs": len(fitness),
                "best_fitness": sum(fitness) / len(fitness),
                "best_fitness_sd": standard_deviation(fitness),
                **costs.to_dict(),
                "rescore_samples": rescored.loc[method]["training_samples"].mean(),
                "tuning_samples": records.sweeps["training_samples"].sum(),
                "peak_memory_bytes": peak[method],
            }
        )
    frame = pd.DataFrame(rows)
    reference = frame.set_index("method")["training_samples"][
        records.description["reference_method"]
    ]
    return frame.assign(relative_cost=frame["training_samples"] / reference)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row a method, samples in thousands, the highest fitness and the lowest cost in bold."""
    shown = pd.DataFrame(
        {
            "Method": frame["method"].map(method_name),
            "Runs": frame["runs"].astype(str),
            "Fitness": [
                plus_minus(mean, sd, 4)
                for mean, sd in zip(frame["best_fitness"], frame["best_fitness_sd"], strict=True)
            ],
            "Trainings": frame["evaluations"].map(lambda v: signed(v, 1)),
            "Samples (1000)": frame["training_samples"].map(lambda v: f"{v / 1000:,.0f}"),
            "Training (s)": frame["training_seconds"].map(lambda v: signed(v, 1)),
            "Check (s)": frame["check_seconds"].map(lambda v: signed(v, 1)),
            "Re-scoring (1000)": frame["rescore_samples"].map(lambda v: f"{v / 1000:,.0f}"),
            "Memory (MiB)": frame["peak_memory_bytes"].map(
                lambda v: "unknown" if pd.isna(v) else f"{v / 2**20:,.0f}"
            ),
            "Relative cost": frame["relative_cost"].map(lambda v: signed(v, 2)),
        }
    )
    bold = {(int(frame["best_fitness"].argmax()), "Fitness")}
    bold |= {(int(frame["relative_cost"].argmin()), "Relative cost")}
    reference = method_name(records.description["reference_method"])
    notes = (
        "Means over runs. Fitness: re-scored champion, cross entropy on the same seeds and splits = 1, mean ± s.d. over runs. "
        f"Relative cost: training samples, {reference} = 1. Re-scoring is off the search's books.",
    )
    return Dressed(shown, frozenset(bold), notes)
