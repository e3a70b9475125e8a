"""The real loss of the functional check: the share of the good losses met that it rejects before training."""

from dataclasses import dataclass

import pandas as pd

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.incumbents import RUN
from evoloss.reporting.screening import REJECTED
from evoloss.reporting.statistics import Estimate, weighted_sum
from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import GOOD, best_rate, references

LOSING = tuple(stage for stage in STAGES if stage != "novel")
"""Stages that can lose a good loss. `novel` cannot: the search has a loss that trains like the rejected one."""


@dataclass(frozen=True)
class StageLoss:
    """Counts of a stage over all runs: distinct expressions `rejected`, those `audited`, and the `good` of these."""

    rejected: int
    audited: int
    good: int


@dataclass(frozen=True)
class RealLoss:
    """The audited `stages`, by name; the number of good losses `lost` (an estimate) and `kept` (a count);
    `share` = lost / (lost + kept)."""

    stages: dict[str, StageLoss]
    lost: Estimate
    kept: int
    share: Estimate


def audited(records: StudyRecords) -> pd.DataFrame:
    """One row per audited expression of a run: `method`, `run_seed`, `stage`, `stage_total`, `expression`, and `good`:
    whether its fitness is at least GOOD. An expression whose training did not complete is not good."""
    by_task = references(records.resolved_tasks)
    keys = [*RUN, "stage", "stage_total", "expression"]
    rows = []
    for key, trainings in records.audits.groupby(keys):
        value, _ = best_rate(trainings.to_dict("records"), by_task)
        rows.append((*key, value is not None and value >= GOOD))
    return pd.DataFrame(rows, columns=[*keys, "good"])


def real_loss(records: StudyRecords, audits: pd.DataFrame) -> RealLoss | None:
    """The real loss of the check over all methods and runs; None if no stage of LOSING was audited.

    Lost: per stage (good / audited) x (distinct expressions that it rejected, summed over runs). Methods of one pool
    and run seed may audit the same expression; it is the same training and counts once. Kept: the distinct expressions
    of fitness GOOD or more that were trained in a run. The interval of the sum lost comes from the Clopper-Pearson
    intervals of the shares. `share` grows with that sum, so the ends of its interval follow from those of the sum.
    """
    once = audits.drop_duplicates(["run_seed", "stage", "expression"])
    stages = {}
    for stage in LOSING:
        mine = once[once["stage"] == stage]
        if len(mine):
            rejected = distinct_rejected(records, audits, stage)
            stages[stage] = StageLoss(rejected, len(mine), int(mine["good"].sum()))
    if not stages:
        return None
    lost = weighted_sum(
        [(stage.good, stage.audited, stage.rejected) for stage in stages.values()],
        records.confidence,
    )
    kept = good_kept(records)
    value, low, high = (
        number / (number + kept) if number + kept else float("nan")
        for number in (lost.value, lost.low, lost.high)
    )
    return RealLoss(stages, lost, kept, Estimate(value, low, high))


def distinct_rejected(records: StudyRecords, audits: pd.DataFrame, stage: str) -> int:
    """The number of distinct expressions that a stage rejected, summed over runs.

    The audit of a run knows this number. For a run that audited none of the stage, every rejected proposal counts.
    """
    proposals = records.ledgers.groupby(RUN)[REJECTED[stage]].sum()
    distinct = audits[audits["stage"] == stage].groupby(RUN)["stage_total"].first()
    return int(distinct.reindex(proposals.index).fillna(proposals).sum())


def good_kept(records: StudyRecords) -> int:
    """The number of distinct expressions of fitness GOOD or more that were trained, summed over runs."""
    scores = records.scores
    good = scores[(scores["purpose"] == "new") & (scores["fitness"] >= GOOD)]
    return len(good.drop_duplicates([*RUN, "expression"]))
