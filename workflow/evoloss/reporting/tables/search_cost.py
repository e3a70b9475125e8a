"""Table search_cost: what each method found, what it cost, and how both compare with the reference."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evoloss.reporting.cost_to_match import costs_to_target, decided_at_once, relative_costs
from evoloss.reporting.differences import (
    SPACE,
    STAR_NOTE,
    compare,
    difference_text,
    few_note,
    p_note,
    p_text,
    single_values,
    spread_text,
)
from evoloss.reporting.incumbents import (
    RUN,
    champion_fitness,
    curves,
    repeated_fitness,
    rescored_fitness,
)
from evoloss.reporting.latex_table import Dressed, signed
from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.statistics import FEWEST_RUNS, censored_median, standard_deviation
from evoloss.reporting.study_records import StudyRecords

SUMS = [
    "evaluations",
    "failed_evaluations",
    "stopped_evaluations",
    "reused",
    "training_samples",
    "training_seconds",
    "validation_seconds",
    "check_seconds",
    "proposals",
]

WIDTHS = {
    "Method": 0.12,
    "Fitness": 0.09,
    "Difference": 0.165,
    "Samples (k)": 0.085,
    "Rel. cost": 0.06,
    "Cost to match": 0.105,
    "To target (k)": 0.105,
}
"""Shares of the text width, for columns that break lines; the other columns share the rest."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method; costs are means over runs, fitness is the champions' re-scored fitness.

    `fitness_difference` to the reference method is paired by run seed. Its interval allows for images that the
    splits of different runs share (Nadeau & Bengio 2003). `fitness_of_runs`: the single values, by run seed.
    `cost_to_match`: the training samples until the re-scored fitness of a run's incumbent reaches the highest of the
    incumbents of the reference's run of the same seed, divided by the samples that the reference's run took to reach
    it; median over runs, inf for a run that never reaches it. `compared_runs` runs have such a level, and
    `matched_share` of them reach it. `cost_to_target`: the same for the fixed level `target`, in training samples.
    `relative_cost`: all training samples, divided by the reference's. `rescore_search_samples`: those of them that
    the search spent on individuals that already had a fitness. `rescore_samples`: the re-scoring of incumbents, which
    the search is not charged for. `tuning_samples`: the one-time cost of tuning the learning rates of the search
    tasks, for all runs and methods together.

    Three columns on noise, means over runs:

    - `fitness_noise_sd`: the s.d. of the part of one training's fitness that changes ranks. It is the residual of a
      run's table of candidates (with the baseline) x repeats, so seeds and splits that are equally hard for all
      candidates do not add to it. Null for one repeat.
    - `population_sd`: the s.d. of fitness within the last population, as the search knew it.
    - `winners_luck`: the last incumbent's fitness as the search knew it, minus its re-scored fitness. The search
      overrates it, because it is the highest of many noisy values.
    """
    reference = records.description["reference_method"]
    fitness, spent = champion_fitness(records), _spent(records)
    differences = compare(fitness, reference, records.confidence, records.overlap)
    incumbents = curves(records)
    costs_to_match = relative_costs(incumbents, reference)
    costs_of_target = costs_to_target(incumbents, records.target)
    noise = _noise(records).groupby("method").mean()
    rows = [
        {
            "method": method,
            **_fitness(fitness[method], differences.loc[method]),
            **_matching(costs_to_match[method], method == reference, records.confidence),
            "decided_at_once": decided_at_once(incumbents, reference),
            "target": records.target,
            **_reaching(costs_of_target[method], records.confidence),
            **spent.loc[method, [*SUMS, "rescore_search_samples"]].to_dict(),
            **noise.loc[method].to_dict(),
            "rescore_samples": spent.loc[method, "rescore_samples"],
            "tuning_samples": records.sweeps["training_samples"].sum(),
            "peak_memory_bytes": spent.loc[method, "peak_memory_bytes"],
        }
        for method in records.methods
    ]
    frame = pd.DataFrame(rows)
    samples = frame.set_index("method")["training_samples"]
    return frame.assign(relative_cost=frame["training_samples"] / samples[reference])


def _spent(records: StudyRecords) -> pd.DataFrame:
    """What a method's runs spent on average, one row per method; peak memory is the maximum."""
    ledgers, again = records.ledgers, records.rescored.groupby(RUN)["training_samples"].sum()
    means = ledgers.groupby(RUN)[[*SUMS, "rescore_samples"]].sum().groupby("method").mean()
    return means.rename(columns={"rescore_samples": "rescore_search_samples"}).assign(
        rescore_samples=again.groupby("method").mean(),
        peak_memory_bytes=ledgers.groupby("method")["peak_memory_bytes"].max(),
    )


def _fitness(of_runs: pd.Series, difference: pd.Series) -> dict[str, Any]:
    """The columns on the champions' fitness, and how it differs from the reference's."""
    return {
        "runs": int(of_runs.count()),
        "best_fitness": of_runs.mean(),
        "best_fitness_sd": standard_deviation(of_runs.dropna()),
        "fitness_of_runs": " ".join(f"{value:.6g}" for value in of_runs),
        "fitness_difference": difference["difference"],
        "difference_ci_low": difference["ci_low"],
        "difference_ci_high": difference["ci_high"],
        "difference_sd": difference["sd"],
        "differing_runs": difference["differing"],
        "p_value": difference["p_value"],
    }


def _noise(records: StudyRecords) -> pd.DataFrame:
    """The columns on noise, one row per run."""
    noise = repeated_fitness(records).groupby(RUN).apply(rank_noise)
    last = records.ledgers.sort_values("generation").drop_duplicates(RUN, keep="last")
    last = last.set_index([*RUN, "incumbent"])
    luck = last["best_fitness"] - rescored_fitness(records).reindex(last.index)
    return pd.DataFrame(
        {
            "fitness_noise_sd": noise,
            "population_sd": last["fitness_sd"].droplevel("incumbent"),
            "winners_luck": luck.droplevel("incumbent"),
        }
    )


def rank_noise(of_run: pd.Series) -> float:
    """The residual s.d. of a run's fitness in the table candidates x repeats; nan if either has only one."""
    cells = of_run.unstack("repeat").dropna().to_numpy()
    candidates, repeats = cells.shape
    if min(candidates, repeats) < 2:
        return math.nan
    additive = np.add.outer(cells.mean(axis=1), cells.mean(axis=0)) - cells.mean()
    squares = ((cells - additive) ** 2).sum()
    return float(np.sqrt(squares / ((candidates - 1) * (repeats - 1))))


def _matching(costs: pd.Series, is_reference: bool, confidence: float) -> dict[str, float]:
    """The columns on cost to match; the reference's cost is 1 by definition and has no interval."""
    median, known = censored_median(costs, confidence), costs.dropna()
    return {
        "cost_to_match": median.value,
        "cost_to_match_ci_low": math.nan if is_reference else median.low,
        "cost_to_match_ci_high": math.nan if is_reference else median.high,
        "matched_share": (known < math.inf).mean(),
        "compared_runs": median.n,
    }


def _reaching(costs: pd.Series, confidence: float) -> dict[str, float]:
    """The columns on the cost of the fixed target."""
    median = censored_median(costs, confidence)
    return {
        "cost_to_target": median.value,
        "cost_to_target_ci_low": median.low,
        "cost_to_target_ci_high": median.high,
        "reached_share": (costs.dropna() < math.inf).mean(),
        "target_runs": median.n,
    }


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """The columns that fit a page, the highest fitness and the lowest cost in bold."""
    few = frame["runs"].max() < FEWEST_RUNS
    fitness = champion_fitness(records)
    shown = pd.DataFrame(
        {
            "Method": frame["method"].map(method_name),
            "Fitness": [
                single_values(fitness[row.method], 3)
                if few
                else spread_text(row.best_fitness, row.best_fitness_sd, 3)
                for row in frame.itertuples()
            ],
            "Difference": [
                difference_text(
                    row.fitness_difference, row.difference_ci_low, row.difference_ci_high, 3
                )
                for row in frame.itertuples()
            ],
            "p": frame["p_value"].map(p_text),
            "Trainings": frame["evaluations"].map(lambda v: signed(v, 0)),
            "Samples (k)": frame["training_samples"].map(lambda v: f"{v / 1000:,.0f}"),
            "Rel. cost": frame["relative_cost"].map(lambda v: signed(v, 2)),
            "Cost to match": [_match_text(row) for row in frame.itertuples()],
            "To target (k)": [_target_text(row) for row in frame.itertuples()],
        }
    )
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    cheapest = frame.index[frame["relative_cost"] == frame["relative_cost"].min()]
    bold = {(int(row), "Rel. cost") for row in cheapest if len(cheapest) < len(frame)}
    bold.add((int(frame["best_fitness"].argmax()), "Fitness"))
    return Dressed(
        shown, frozenset() if few else frozenset(bold), _notes(frame, records), widths=WIDTHS
    )


def _match_text(row: tuple) -> str:
    """`0.80 (7/9) [0.40, ∞]`: median, matched / compared runs, and the interval if there is one."""
    if pd.isna(row.cost_to_match):
        return "–"
    ends = row.cost_to_match, row.cost_to_match_ci_low, row.cost_to_match_ci_high
    return _cost_text(ends, row.matched_share, row.compared_runs, 2)


def _target_text(row: tuple) -> str:
    """The same for the fixed target, in thousands of samples."""
    if pd.isna(row.cost_to_target):
        return "–"
    ends = row.cost_to_target, row.cost_to_target_ci_low, row.cost_to_target_ci_high
    return _cost_text([end / 1000 for end in ends], row.reached_share, row.target_runs, 0)


def _cost_text(ends: Sequence[float], share: float, runs: int, digits: int) -> str:
    value, low, high = ("∞" if end == math.inf else signed(end, digits) for end in ends)
    text = f"{value} ({share * runs:.0f}/{runs})"
    return f"{text} [{low},{SPACE}{high}]" if low else text


def _notes(frame: pd.DataFrame, records: StudyRecords) -> tuple[str, ...]:
    reference = method_name(records.description["reference_method"])
    level = f"{100 * records.confidence:g} %"
    runs, few = frame["runs"].max(), frame["runs"].max() < FEWEST_RUNS
    values = "one value per run" if few else "mean ± s.d. over runs"
    noisy = ", ".join(records.description.get("noisy_validation", ()))
    on_wrong = f" It is measured on noisy validation labels ({noisy})." if noisy else ""
    return (
        f"{runs} runs per method. Fitness: the champion's re-scored fitness (chance = 0, cross entropy on the "
        f"same seeds and splits = 1), {values}. Each fresh training scores the champion that the other fresh "
        f"trainings choose, so the choice does not bias the score upwards.{on_wrong}",
        f"Difference: mean fitness minus that of {reference}, paired by run seed"
        + (
            "."
            if few
            else f", with its {level} t interval, corrected because the splits of different runs "
            f"share images (Nadeau & Bengio). {STAR_NOTE}"
        ),
        few_note(
            frame["fitness_difference"],
            frame["difference_sd"],
            "",
            records.confidence,
            overlap=records.overlap,
        )
        if few
        else p_note(frame["p_value"], frame["differing_runs"], overlap=records.overlap),
        "Trainings, and samples in thousands: all that the search spends, means over runs. Rel. cost: samples "
        f"relative to {reference}. The cost of re-scoring champions is not included.",
        f"Cost to match: samples until the incumbent's re-scored fitness reaches that of the best incumbent of "
        f"{reference} with the same run seed, divided by the samples that {reference} took to reach it. Median over "
        "runs; a run that never reaches it counts as ∞. In parentheses: runs that reached it / runs compared. "
        f"In brackets: the median's {level} order-statistic interval, if there are enough runs (6 at 95 %). "
        f"In {frame['decided_at_once'].iloc[0]} of {runs} runs, {reference} has its best incumbent already in the "
        "first generation, which methods of one pool share; these runs say nothing about breeding.",
        f"To target: thousands of samples until the incumbent's re-scored fitness reaches "
        f"{frame['target'].iloc[0]:.3g}, {_level_text(records)}; median, runs and interval as for cost to match.",
        *_noise_note(frame),
    )


def _level_text(records: StudyRecords) -> str:
    target = records.description["target"]
    share, over = target["share"], "" if target["over"] == "chance" else " over cross entropy"
    of = f"the gain of {loss_name(target['loss'])} at its own rate{over}"
    return of if share == 1 else f"{share:g} times {of}"


def _noise_note(frame: pd.DataFrame) -> list[str]:
    """The noise of fitness compared with the spread of a population; nothing for one repeat."""
    if frame["fitness_noise_sd"].isna().all():
        return []
    return [
        "Noise: the part of one training's fitness that changes the ranks of re-scored candidates has an s.d. of "
        f"{_range_text(frame['fitness_noise_sd'])} (without what makes a seed or split hard for all alike). Within the "
        f"last population, fitness has an s.d. of {_range_text(frame['population_sd'])}. Where the first s.d. is as large "
        "as the second, ranks within a population are luck. The last incumbent's fitness during the search exceeded its "
        f"re-scored fitness by {_range_text(frame['winners_luck'])}. (Lowest to highest of the methods; the CSV file "
        "has the values of each method.)"
    ]


def _range_text(values: pd.Series) -> str:
    """`0.012 to 0.034`: the lowest and the highest of the methods."""
    low, high = signed(values.min(), 3), signed(values.max(), 3)
    return (low if low == high else f"{low} to {high}") or "unknown"
