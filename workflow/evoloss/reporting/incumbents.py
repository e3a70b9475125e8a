"""The re-scored fitness of the runs' candidates, and that of the incumbents in the course of the search."""

from statistics import fmean

import pandas as pd

from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import BASELINE, fitness, left_out, references, rescored_references

RUN = ["method", "run_seed"]
"""Columns that identify a run."""


def rescored_fitness(records: StudyRecords) -> pd.Series:
    """The re-scored fitness by method, run seed and candidate, a mean over repeats; nan where a training failed."""
    return _fitness_by(records.rescored, ["candidate_id"], records)


def repeated_fitness(records: StudyRecords) -> pd.Series:
    """The re-scored fitness by method, run seed, candidate and repeat of the re-scoring.

    All repeats of a run are measured by the same cross entropy: its mean accuracy over the repeats.
    """
    return _fitness_by(records.rescored, ["candidate_id", "repeat"], records)


def champion_fitness(records: StudyRecords) -> pd.DataFrame:
    """The re-scored fitness of the runs' champions, without the luck of having been chosen: run seeds x methods.

    It is the mean of `search.fitness.left_out`, as in `champion.json`.
    """
    scores = repeated_fitness(records)
    return _of_champions(scores, scores, records)


def champion_accuracy(records: StudyRecords) -> pd.DataFrame:
    """The validation accuracy of the same champions, in [0, 1], a mean over tasks: run seeds x methods."""
    unit = [*RUN, "candidate_id", "repeat"]
    accuracies = records.rescored.groupby(unit)["validation_accuracy"].mean()
    return _of_champions(repeated_fitness(records), accuracies, records)


def _of_champions(fitness: pd.Series, values: pd.Series, records: StudyRecords) -> pd.DataFrame:
    by_run = {run: _left_out(cells, values.loc[run]) for run, cells in fitness.groupby(RUN)}
    frame = pd.Series(by_run, dtype=float).rename_axis(RUN).unstack("method")
    return frame[records.methods].rename_axis(columns="method")


def _left_out(of_run: pd.Series, values: pd.Series) -> float:
    """The mean over repeats of `values`, each for the candidate with the best fitness in the other repeats."""
    cells = of_run.droplevel(RUN).unstack("repeat").drop(index=BASELINE, errors="ignore").dropna()
    if cells.empty:
        return float("nan")
    values = values.unstack("repeat").loc[cells.index, cells.columns]
    return fmean(
        left_out(*(dict(zip(f.index, f.to_numpy(), strict=True)) for f in (cells, values)))
    )


def _fitness_by(rescored: pd.DataFrame, unit: list[str], records: StudyRecords) -> pd.Series:
    """The fitness of the trainings of each run, grouped by the columns `unit`."""
    tasks = references(records.resolved_tasks)
    scores: dict[tuple, float | None] = {}
    for run, of_run in rescored.groupby(RUN):
        by_task = rescored_references(of_run.to_dict("records"), tasks)
        for name, rows in of_run.groupby(unit):
            scores[(*run, *name)] = fitness(rows.to_dict("records"), by_task)
    return pd.Series(scores, dtype=float).rename_axis([*RUN, *unit])


def curves(records: StudyRecords) -> pd.DataFrame:
    """One row per run and generation: the incumbent at that time, and what the search had cost by then.

    Columns: method, run_seed, generation, incumbent; `samples` (training samples so far), `seconds` (of training,
    validation and checks so far) and `fitness` (the incumbent's, re-scored; nan where unknown). The search does not
    know `fitness`, so it may fall, and an earlier incumbent may return.
    """
    frame = records.ledgers.sort_values([*RUN, "generation"])
    spent = pd.DataFrame(
        {
            "samples": frame["training_samples"],
            "seconds": frame[["training_seconds", "validation_seconds", "check_seconds"]].sum(
                axis=1
            ),
        }
    )
    spent = spent.groupby([frame[name] for name in RUN]).cumsum()
    scores = rescored_fitness(records).rename("fitness").reset_index()
    frame = frame[[*RUN, "generation", "incumbent"]].join(spent)
    return frame.merge(
        scores, how="left", left_on=[*RUN, "incumbent"], right_on=[*RUN, "candidate_id"]
    ).drop(columns="candidate_id")
