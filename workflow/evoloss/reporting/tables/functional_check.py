"""Table functional_check: what each stage rejects, what that saves, and how often it rejects a good loss."""

import pandas as pd
from scipy.stats import binomtest

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.latex_table import Dressed
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
"""The rows on all methods together, and that on all stages of the check together."""

STAGE_NAMES = {OWN_CHECK: "own check"}
"""Stages that are called otherwise in the table."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a method and stage; all counts and costs are sums over the method's runs.

    Stages in their order: `method`, the method's own check (if it rejected anything), the stages of
    the functional check, and `stopped`, by a race or a hurdle (if any training was).

    - `proposals`: those that the stage looked at, all for `method`, else all but what an earlier stage
      rejected or found a fitness for, and what a pool does not check; for `stopped` the
      candidates that were trained, if only begun.
    - `rejected`: of those; for `stopped` the trainings stopped over those of a candidate.
    - `check_seconds`: what the stage took; null for the two that are not timed, `method` and `stopped`.
    - `saved_samples`: the training samples of complete trainings of the rejected on all tasks, at
      every rate of the search; for `stopped` what was left of them.
    - `saved_seconds`: these samples at the method's seconds of training and validation a sample.
    - `audited`: expressions of the stage, drawn at random in each run, that were trained in full
      afterwards, off the search's books; null if none was.
    - `false_rejections`: those of them of fitness GOOD or more over all tasks; a training that did not
      complete is not good. `ci_low`, `ci_high`: Clopper-Pearson interval of their share of `audited`.

    Then, if anything was audited, rows of method `all`: the stages of the check that were audited, expressions
    that two methods of a run seed audited counted once, and `check`, all of them together.

    - `distinct_rejected`: distinct expressions that the stage rejected, summed over runs.
    - `good_lost`: those times the share that is good of the audited.
    - `good_kept`: good expressions that were trained, distinct within a run.
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
    """What the ledger tells of each stage."""
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
    """The rows on all methods: a stage each, and the whole check."""
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
    """The stages that a method uses, and the check's loss over all methods; samples in thousands, the audit as `1/14 [0, 34] %`."""
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
            "Saved (k)": frame["saved_samples"].map(_thousands),
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
        f"Good: of the expressions that an audit drew at random from the rejected, run by run, and trained "
        f"in full, those of fitness {GOOD:g} or more, that is {GOOD:g} of cross entropy's gain over chance. "
        f"In brackets: the {100 * records.confidence:g} % Clopper–Pearson interval of their share. The "
        "audit comes after the search and off its books: it is in no cost of any table. A training "
        "that did not complete is not good. What stage novel rejects is not audited: the search has its "
        "twin. A race keeps the best and not all that are good: what it stops is good now and then by design."
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
        f"Sums over {len(records.run_seeds)} runs a method; initial proposals that methods share count "
        "for each. Rejected: of the proposals that came as far as the stage. Own check: the method's. "
        "Stopped: by a race or a hurdle, of the candidates in training. These two are not timed. "
        "Stages that a method leaves out are not shown.",
        "Saved: thousands of training samples that complete trainings of the rejected would have taken, "
        "or the rest of those that were stopped. The CSV file has their seconds, at the method's own seconds "
        "a sample.",
        f"All checks of a method take {low if low == high else f'{low} to {high}'} % of the seconds of "
        "its trainings and validations.",
    ]


def _real_loss_note(check: tuple, frame: pd.DataFrame, confidence: float) -> str:
    """What the check loses of all good ones, how that is estimated, and what is left out."""
    known = set(frame.loc[frame["method"] == ALL, "stage"])
    rejecting = frame[(frame["method"] != ALL) & (frame["rejected"] > 0)]["stage"]
    left_out = [stage for stage in LOSING if stage in set(rejecting) - known]
    return (
        f"All: the check's real loss, over all methods and runs, is {_real_loss_text(check)} of the good ones: an "
        f"estimated {check.good_lost:,.0f} lost and {check.good_kept:,} kept. Lost: for each stage the share "
        "that is good of the audited (an expression that two methods of a run seed audited counts "
        "once), times the distinct expressions that the stage rejected, run by run. Kept: the distinct "
        f"expressions of fitness {GOOD:g} or more that were trained. In brackets the {100 * confidence:g} % "
        "interval, from the stages' Clopper–Pearson intervals, each weighted by what the stage rejected (Zou & "
        "Donner, 2008)."
        + (
            f" What {' and '.join(left_out)} rejected was not audited and is left out."
            if left_out
            else ""
        )
    )


def _real_loss_text(row: tuple) -> str:
    ends = ", ".join(f"{100 * end:.0f}" for end in (row.real_loss_ci_low, row.real_loss_ci_high))
    return f"{100 * row.real_loss:.0f} [{ends}] %"


def _method_text(name: str) -> str:
    return "All" if name == ALL else method_name(name)


def _thousands(samples: float) -> str:
    return "" if pd.isna(samples) else f"{samples / 1000:,.0f}"


def _rejected_text(row: tuple) -> str:
    """`34/280 (12 %)`: of those that reached the stage; over all methods the distinct ones."""
    if row.method == ALL:
        return f"{row.distinct_rejected:,} distinct"
    share = f" ({100 * row.rejected / row.proposals:.0f} %)" if row.proposals else ""
    return f"{row.rejected:,.0f}/{row.proposals:,.0f}{share}"


def _seconds_text(seconds: float) -> str:
    """Two digits below ten seconds; empty for what is not timed."""
    if pd.isna(seconds):
        return ""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2f}"


def _audit_text(row: tuple) -> str:
    """`1/14 [0, 34] %`; empty where nothing was audited; the real loss for the whole check."""
    if pd.isna(row.audited):
        return ""
    if row.stage == CHECK:
        return f"lost: {_real_loss_text(row)}"
    low, high = (f"{100 * end:.0f}" for end in (row.ci_low, row.ci_high))
    return f"{row.false_rejections}/{row.audited} [{low}, {high}] %"
