"""Table ablation: the effect of one setting at a time, variant minus base, paired by run seed."""

import pandas as pd

from evoloss.reporting.differences import (
    STAR_NOTE,
    compare,
    difference_text,
    few_note,
    p_note,
    p_text,
)
from evoloss.reporting.incumbents import champion_accuracy, champion_fitness
from evoloss.reporting.latex_table import Dressed, signed
from evoloss.reporting.names import method_name
from evoloss.reporting.statistics import FEWEST_RUNS
from evoloss.reporting.study_records import StudyRecords

COLUMNS = [
    "method",
    "base",
    "change",
    "runs",
    "fitness",
    "base_fitness",
    "effect",
    "ci_low",
    "ci_high",
    "effect_sd",
    "differing_runs",
    "p_value",
    "points",
    "points_ci_low",
    "points_ci_high",
    "samples_ratio",
    "trainings_ratio",
]

WIDTHS = {"Variant": 0.14, "Change": 0.25, "Effect": 0.18, "Points": 0.16}
"""Shares of the text width, for columns that break lines; the other columns share the rest."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per variant; `effect` is the champion's re-scored fitness, variant minus base.

    `points` is the same difference in percentage points of validation accuracy, mean over tasks.
    p-values are Holm-corrected over the variants. A ratio is variant / base, each a mean over runs.
    """
    base = records.description["ablation_base"]
    changes = records.description["ablation_changes"]
    variants = [method for method in records.methods if method in changes and method != base]
    if not variants:
        return pd.DataFrame(columns=COLUMNS)
    fitness = champion_fitness(records)[[base, *variants]]
    differences = compare(fitness, base, records.confidence, records.overlap)
    points = 100 * champion_accuracy(records)[[base, *variants]]
    points = compare(points, base, records.confidence, records.overlap)
    costs = records.ledgers.groupby(["method", "run_seed"])[["training_samples", "evaluations"]]
    costs = costs.sum().groupby("method").mean()
    ratios = costs / costs.loc[base]
    rows = [
        {
            "method": method,
            "base": base,
            "change": changes[method],
            "runs": int(differences.loc[method, "pairs"]),
            "fitness": fitness[method].mean(),
            "base_fitness": fitness[base].mean(),
            "effect": differences.loc[method, "difference"],
            "ci_low": differences.loc[method, "ci_low"],
            "ci_high": differences.loc[method, "ci_high"],
            "effect_sd": differences.loc[method, "sd"],
            "differing_runs": differences.loc[method, "differing"],
            "p_value": differences.loc[method, "p_value"],
            "points": points.loc[method, "difference"],
            "points_ci_low": points.loc[method, "ci_low"],
            "points_ci_high": points.loc[method, "ci_high"],
            "samples_ratio": ratios.loc[method, "training_samples"],
            "trainings_ratio": ratios.loc[method, "evaluations"],
        }
        for method in variants
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row per variant, with the settings that differ."""
    shown = pd.DataFrame(
        {
            "Variant": frame["method"].map(method_name),
            "Change": frame["change"],
            "Effect": [
                difference_text(row.effect, row.ci_low, row.ci_high, 3)
                for row in frame.itertuples()
            ],
            "Points": [
                difference_text(row.points, row.points_ci_low, row.points_ci_high, 2)
                for row in frame.itertuples()
            ],
            "p": frame["p_value"].map(p_text),
            "Samples": frame["samples_ratio"].map(lambda v: signed(v, 2)),
        }
    )
    if frame.empty:
        return Dressed(shown, notes=("No method is a variant of another.",))
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    base, level = method_name(frame["base"].iloc[0]), f"{100 * records.confidence:g} %"
    few = frame["runs"].max() < FEWEST_RUNS
    notes = (
        f"Base: {base}, fitness {frame['base_fitness'].iloc[0]:.3f}. Effect: the champion's re-scored fitness "
        f"(chance = 0, cross entropy = 1), variant minus base: mean over {frame['runs'].max()} pairs of runs "
        + (
            "with the same seed."
            if few
            else f"with the same seed, with its {level} t interval, corrected because the splits of different "
            f"runs share images (Nadeau & Bengio). {STAR_NOTE}"
        ),
        few_note(
            frame["effect"], frame["effect_sd"], "", records.confidence, overlap=records.overlap
        )
        if few
        else p_note(frame["p_value"], frame["differing_runs"], overlap=records.overlap),
        "Points: the same difference in percentage points of validation accuracy. Samples: training "
        "samples that the search spends, as a multiple of the base's.",
    )
    return Dressed(shown, notes=notes, widths=WIDTHS)
