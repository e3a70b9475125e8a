"""Table breeding: what the later generations add to the best individual of the first."""

import pandas as pd

from evoloss.reporting.differences import (
    STAR_NOTE,
    difference_text,
    few_note,
    p_note,
    p_text,
    single_values,
    spread_text,
)
from evoloss.reporting.incumbents import champion_fitness, curves
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    differing,
    holm,
    paired_difference,
    standard_deviation,
    wilcoxon_p,
)
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method: re-scored fitness of its first generation's incumbent and of its champion.

    Both are re-scored on the same fresh seeds and splits, so the first is not overrated for being the best of
    many noisy values. The champion's fitness is that of table `search_cost`. `gain` is champion minus first, paired
    by run, with its interval (Nadeau & Bengio 2003). `p_value`: Wilcoxon's test, Holm-corrected over methods.
    `unchanged` counts runs whose last incumbent is still the first one.
    """
    last = champion_fitness(records)
    incumbents = curves(records)
    by_run = incumbents.sort_values("generation").groupby(["method", "run_seed"])
    first, ends = by_run.first(), by_run.last()
    rows = []
    for method in records.methods:
        of_first = first["fitness"].loc[method].reindex(last.index)
        pairs = pd.DataFrame({"first": of_first, "last": last[method]}).dropna()
        gain = paired_difference(pairs["last"], pairs["first"], records.confidence, records.overlap)
        same = first["incumbent"].loc[method] == ends["incumbent"].loc[method]
        rows.append(
            {
                "method": method,
                "runs": len(pairs),
                "first_fitness": pairs["first"].mean(),
                "first_fitness_sd": standard_deviation(pairs["first"]),
                "last_fitness": pairs["last"].mean(),
                "last_fitness_sd": standard_deviation(pairs["last"]),
                "gain": gain.mean,
                "ci_low": gain.low,
                "ci_high": gain.high,
                "gain_sd": (pairs["last"] - pairs["first"]).std(),
                "gain_of_runs": " ".join(f"{v:.6g}" for v in pairs["last"] - pairs["first"]),
                "differing_runs": differing(pairs["last"], pairs["first"]),
                "unchanged": int(same.sum()),
                "p_value": wilcoxon_p(pairs["last"], pairs["first"]),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(p_value=holm(frame["p_value"].tolist()))


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """First, last, and the difference; below FEWEST_RUNS runs, the gain of each run."""
    few = frame["runs"].max() < FEWEST_RUNS
    shown = pd.DataFrame(
        {
            "Method": frame["method"].map(method_name),
            "Runs": frame["runs"].astype(str),
            "First generation": [
                spread_text(row.first_fitness, row.first_fitness_sd, 3)
                for row in frame.itertuples()
            ],
            "Champion": [
                spread_text(row.last_fitness, row.last_fitness_sd, 3) for row in frame.itertuples()
            ],
            "Gain": [
                single_values(pd.Series(row.gain_of_runs.split(), dtype=float), 3)
                if few
                else difference_text(row.gain, row.ci_low, row.ci_high, 3)
                for row in frame.itertuples()
            ],
            "Unchanged": frame["unchanged"].astype(str),
            "p": frame["p_value"].map(p_text),
        }
    )
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    level = f"{100 * records.confidence:g} %"
    notes = (
        "Fitness (chance = 0, cross entropy = 1) of the best individual of the first generation and of the champion, "
        "both re-scored on the same fresh seeds and splits; mean ± s.d. over runs. Unchanged: number of runs whose "
        "last incumbent is still the one of the first generation.",
        few_note(frame["gain"], frame["gain_sd"], "", records.confidence, overlap=records.overlap)
        if few
        else f"Gain: champion minus first generation, paired by run, with its {level} t interval, corrected because "
        f"the splits of different runs share images (Nadeau & Bengio). {STAR_NOTE}",
        *(
            []
            if few
            else [p_note(frame["p_value"], frame["differing_runs"], overlap=records.overlap)]
        ),
    )
    return Dressed(shown, frozenset(), notes)
