"""Table functional_check: what each stage rejects, what that saves, and how often it rejects a good loss."""

import pandas as pd
from scipy.stats import binomtest

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.latex_table import Dressed, thousands
from evoloss.reporting.names import method_name
from evoloss.reporting.real_loss import LOSING, RealLoss, audited, real_loss
from evoloss.reporting.screening import (
    OWN_CHECK,
    REJECTED,
    full_cost,
    new_candidates,
    trainings_a_candidate,
)
from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import GOOD
from evoloss.search.records import STOPPED

COLUMNS = [
    "method",
    "stage",
    "proposals",
    "rejected",
    "check_seconds",
    "saved_samples",
    "saved_seconds",
    "audited",
    "false_rejections",
    "ci_low",
    "ci_high",
    "distinct_rejected",
    "good_lost",
    "good_kept",
    "real_loss",
    "real_loss_ci_low",
    "real_loss_ci_high",
]

ALL, CHECK = "all", "check"
"""`method` of the rows on all methods together, and `stage` of the row on the whole check."""

STAGE_NAMES = {OWN_CHECK: "own check"}
"""Stages that have another name in the table."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method and stage; all counts and costs are sums over the method's runs.

    Stages in order: `method`, the method's own check (if it rejected anything); the stages of the functional
    check; and `stopped`, for trainings that a race or a hurdle stopped (if there are any).

    - `proposals`: for `method`, all; for a stage of the check, those that it looked at (no earlier stage rejected
      them or found a fitness, and their pool has a check); for `stopped`, candidates whose training began.
    - `rejected`: how many of those the stage rejected; for `stopped`, stopped trainings / trainings per candidate.
    - `check_seconds`: the time of the stage; null for `method` and `stopped`, which are not timed.
    - `saved_samples`: the training samples that complete trainings of the rejected would have taken, on all tasks
      and at every rate of the search; for `stopped`, the part that was not trained.
    - `saved_seconds`: the same in seconds, by the method's mean time of training and validation per sample.
    - `audited`: rejected or stopped expressions, drawn at random in each run, that were trained in full after the
      search, which is not charged for them. Null if there are none.
    - `false_rejections`: audited expressions whose fitness over all tasks is GOOD or more; a training that did not
      complete is not good. `ci_low`, `ci_high`: Clopper-Pearson interval of false_rejections / audited.

    If anything was audited, rows of method `all` follow: one per audited stage of the check, and `check` for all of
    them together. An expression that two methods audited in the same run seed counts once there.

    - `distinct_rejected`: distinct expressions that the stage rejected in a run, summed over runs.
    - `good_lost`: distinct_rejected * false_rejections / audited; for `check`, the sum over stages.
    - `good_kept`: distinct good expressions that were trained in a run, summed over runs.
    - `real_loss`: good_lost / (good_lost + good_kept), with its interval (`real_loss.py`).
    """
    trainings = trainings_a_candidate(records.description)
    cost = full_cost(records.ledgers, trainings)
    sums = records.ledgers.groupby("method").sum(numeric_only=True)
    sums["new"] = new_candidates(sums)
    found = audited(records)
    audits = _audits(found, records.confidence)
    rows = []
    for method in records.methods:
        sample = sums.loc[method, ["training_seconds", "validation_seconds"]].sum()
        sample /= sums.loc[method, "training_samples"]
        for row in _rows(sums.loc[method], trainings, cost):
            saved = {"saved_seconds": row["saved_samples"] * sample}
            rows.append(
                {"method": method, **row, **saved, **audits.get((method, row["stage"]), {})}
            )
    loss = real_loss(records, found)
    if loss:
        rows += _rows_of_all(loss, records.confidence)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    counts = ["audited", "false_rejections", "distinct_rejected", "good_kept"]
    return frame.astype(dict.fromkeys(counts, "Int64"))


def _rows(sums: pd.Series, trainings: int, cost: float) -> list[dict]:
    """The columns of each stage that come from the ledger."""
    rows = []
    for stage, column in REJECTED.items():
        rejected = sums[column]
        if stage in STAGES or rejected:
            rows.append(
                {
                    "stage": stage,
                    "proposals": sums.get(f"reached_{stage}", sums["proposals"]),
                    "rejected": rejected,
                    "check_seconds": sums.get(f"{stage}_seconds"),
                    "saved_samples": rejected * cost,
                }
            )
    if sums["stopped_evaluations"]:
        rows.append(
            {
                "stage": STOPPED,
                "proposals": sums["new"],
                "rejected": sums["stopped_evaluations"] / trainings,
                "saved_samples": sums["stopped_samples"],
            }
        )
    return rows


def _audits(found: pd.DataFrame, confidence: float) -> dict[tuple[str, str], dict]:
    """The columns on the audit, by method and stage."""
    return {
        key: _audit_columns(int(good.sum()), len(good), confidence)
        for key, good in found.groupby(["method", "stage"])["good"]
    }


def _audit_columns(good: int, n: int, confidence: float) -> dict:
    interval = binomtest(good, n).proportion_ci(confidence, method="exact")
    return {
        "audited": n,
        "false_rejections": good,
        "ci_low": interval.low,
        "ci_high": interval.high,
    }


def _rows_of_all(loss: RealLoss, confidence: float) -> list[dict]:
    """The rows on all methods: one per audited stage, and one for the whole check."""
    rows = [
        {
            "stage": name,
            **_audit_columns(stage.good, stage.audited, confidence),
            "distinct_rejected": stage.rejected,
            "good_lost": stage.rejected * stage.good / stage.audited,
        }
        for name, stage in loss.stages.items()
    ]
    check = {
        "stage": CHECK,
        "audited": sum(stage.audited for stage in loss.stages.values()),
        "false_rejections": sum(stage.good for stage in loss.stages.values()),
        "distinct_rejected": sum(stage.rejected for stage in loss.stages.values()),
        "good_lost": loss.lost.value,
        "good_kept": loss.kept,
        "real_loss": loss.share.value,
        "real_loss_ci_low": loss.share.low,
        "real_loss_ci_high": loss.share.high,
    }
    return [{"method": ALL, **row} for row in (*rows, check)]


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """The stages that each method uses, then the check's loss over all methods; samples in thousands."""
    unused = (
        frame["stage"].isin(STAGES)
        & (frame["method"] != ALL)
        & (frame["check_seconds"] == 0)
        & (frame["rejected"] == 0)
    )
    frame = frame[~unused]
    shown = pd.DataFrame(
        {
            "Method": frame["method"].map(_method_text).where(~frame["method"].duplicated(), ""),
            "Stage": frame["stage"].replace(STAGE_NAMES),
            "Rejected": [_rejected_text(row) for row in frame.itertuples()],
            "Check (s)": frame["check_seconds"].map(_seconds_text),
            "Saved (k)": frame["saved_samples"].map(thousands),
            "Good": [_audit_text(row) for row in frame.itertuples()],
        }
    )
    any_audited = frame["audited"].notna().any()
    if not any_audited:
        shown = shown.drop(columns="Good")
    notes = _notes(records)
    checks = frame[frame["stage"] == CHECK]
    notes += [_real_loss_note(row, frame, records.confidence) for row in checks.itertuples()]
    notes.append(
        f"Good: good expressions / audited expressions. In each run an audit draws rejected or stopped expressions "
        f"at random and trains them in full. Good means fitness {GOOD:g} or more ({GOOD:g} of cross entropy's gain over "
        f"chance); a training that did not complete is not good. In brackets: the {100 * records.confidence:g} % "
        "Clopper–Pearson interval of the share. The audit runs after the search, and no table counts its cost. "
        "Rejections by stage novel are not audited, because the search already has a loss that trains alike. "
        "A race keeps only the best candidates, so by design some of those that it stops are good."
        if any_audited
        else "Nothing was audited: search.audit_trainings is "
        f"{records.description['audit_trainings']}."
    )
    widths = {"Method": 0.12}
    return Dressed(shown.reset_index(drop=True), notes=tuple(notes), long=True, widths=widths)


def _notes(records: StudyRecords) -> list[str]:
    sums = records.ledgers.groupby("method").sum(numeric_only=True)
    shares = sums["check_seconds"] / sums[["training_seconds", "validation_seconds"]].sum(axis=1)
    low, high = (f"{100 * share:.2g}" for share in (shares.min(), shares.max()))
    return [
        f"Sums over {len(records.run_seeds)} runs per method. Initial proposals that methods share are counted for "
        "each of them. Rejected: rejected proposals / proposals that reached the stage. Own check: the method's own "
        "check. Stopped: candidates stopped in training / candidates trained. A race stops all but the best of a "
        "generation; a hurdle stops a training that is far behind cross entropy at the same step. Own check and stopped "
        "are not timed. Stages that a method leaves out are not shown.",
        "Saved: thousands of training samples that complete trainings of the rejected would have taken; for stopped, "
        "the part that was not trained. The CSV file gives the same in seconds.",
        f"All checks of a method take {low if low == high else f'{low} to {high}'} % of the seconds of "
        "its trainings and validations.",
    ]


def _real_loss_note(check: tuple, frame: pd.DataFrame, confidence: float) -> str:
    """The share of good losses that the check loses, how it is estimated, and what is left out."""
    known = set(frame.loc[frame["method"] == ALL, "stage"])
    rejecting = frame[(frame["method"] != ALL) & (frame["rejected"] > 0)]["stage"]
    left_out = [stage for stage in LOSING if stage in set(rejecting) - known]
    return (
        f"All: over all methods and runs, the check loses {_real_loss_text(check)} of the good expressions (its real "
        f"loss): an estimated {check.good_lost:,.0f} lost and {check.good_kept:,} kept. Lost: for each stage, the good "
        "share of its audited expressions times the number of distinct expressions that it rejected, summed over "
        "runs; an expression that two methods audited in the same run seed counts once. Kept: distinct expressions of "
        f"fitness {GOOD:g} or more that were trained. In brackets: the {100 * confidence:g} % interval, from the stages' "
        "Clopper–Pearson intervals, weighted by the number of rejected expressions (Zou & Donner, 2008)."
        + (
            f" Rejections by {' and '.join(left_out)} were not audited and are left out."
            if left_out
            else ""
        )
    )


def _real_loss_text(row: tuple) -> str:
    ends = ", ".join(f"{100 * end:.0f}" for end in (row.real_loss_ci_low, row.real_loss_ci_high))
    return f"{100 * row.real_loss:.0f} [{ends}] %"


def _method_text(name: str) -> str:
    return "All" if name == ALL else method_name(name)


def _rejected_text(row: tuple) -> str:
    """`34/280 (12 %)`: rejected / proposals that reached the stage; for all methods, `34 distinct`."""
    if row.method == ALL:
        return f"{row.distinct_rejected:,} distinct"
    share = f" ({100 * row.rejected / row.proposals:.0f} %)" if row.proposals else ""
    return f"{row.rejected:,.0f}/{row.proposals:,.0f}{share}"


def _seconds_text(seconds: float) -> str:
    """Two decimals below ten seconds; empty for a stage that is not timed."""
    if pd.isna(seconds):
        return ""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2f}"


def _audit_text(row: tuple) -> str:
    """`1/14 [0, 34] %`: good / audited; empty where nothing was audited; for the whole check, the real loss."""
    if pd.isna(row.audited):
        return ""
    if row.stage == CHECK:
        return f"lost: {_real_loss_text(row)}"
    low, high = (f"{100 * end:.0f}" for end in (row.ci_low, row.ci_high))
    return f"{row.false_rejections}/{row.audited} [{low}, {high}] %"
