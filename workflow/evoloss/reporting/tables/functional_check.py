"""Table functional_check: what each stage rejects, what that saves, and how often it rejects a good loss."""

import pandas as pd
from scipy.stats import binomtest

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.incumbents import RUN
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.screening import OWN_CHECK, REJECTED, full_cost
from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import GOOD, best_rate, references
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
]

STAGE_NAMES = {OWN_CHECK: "own check"}
"""Stages that are called otherwise in the table."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a method and stage; all counts and costs are sums over the method's runs.

    Stages in their order: `method`, the method's own check (if it rejected anything), the stages of
    the functional check, and `stopped`, by a race or a hurdle (if any training was).

    - `proposals`: those that the stage looked at, all for `method`, else all but what an earlier stage
      rejected or found a fitness for, and what a pool does not check; for `stopped` the
      trainings / tasks (of each candidate one a rate of the search; the re-scored among them).
    - `rejected`: of those; for `stopped` the trainings stopped / tasks.
    - `check_seconds`: what the stage took; null for the two that are not timed, `method` and `stopped`.
    - `saved_samples`: the training samples of complete trainings of the rejected on all tasks, at
      every rate of the search; for `stopped` what was left of them.
    - `saved_seconds`: these samples at the method's seconds of training and validation a sample.
    - `audited`: expressions of the stage, drawn at random in each run, that were trained in full
      afterwards, off the search's books; null if none was.
    - `false_rejections`: those of them of fitness GOOD or more over all tasks; a training that did not
      complete is not good. `ci_low`, `ci_high`: Clopper-Pearson interval of their share of `audited`.
    """
    tasks = len(records.description["tasks"])
    cost = full_cost(records.ledgers, tasks) * records.description["rates"]
    sums = records.ledgers.groupby("method").sum(numeric_only=True)
    audits = _audits(records)
    rows = []
    for method in records.methods:
        sample = sums.loc[method, ["training_seconds", "validation_seconds"]].sum()
        sample /= sums.loc[method, "training_samples"]
        for row in _rows(sums.loc[method], tasks, cost):
            saved = {"saved_seconds": row["saved_samples"] * sample}
            audited = audits.get((method, row["stage"]), {})
            rows.append({"method": method, **row, **saved, **audited})
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({"audited": "Int64", "false_rejections": "Int64"})


def _rows(sums: pd.Series, tasks: int, cost: float) -> list[dict]:
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
                "proposals": sums["evaluations"] / tasks,
                "rejected": sums["stopped_evaluations"] / tasks,
                "saved_samples": sums["stopped_samples"],
            }
        )
    return rows


def _audits(records: StudyRecords) -> dict[tuple[str, str], dict]:
    """The columns on the audit, by method and stage."""
    by_task = references(records.resolved_tasks)
    found: dict[tuple[str, str], list[bool]] = {}
    for (method, _, _, stage), trainings in records.audits.groupby([*RUN, "slot", "stage"]):
        value, _ = best_rate(trainings.to_dict("records"), by_task)
        found.setdefault((method, stage), []).append(value is not None and value >= GOOD)
    columns = {}
    for key, good in found.items():
        test = binomtest(sum(good), len(good))
        interval = test.proportion_ci(records.confidence, method="exact")
        columns[key] = {
            "audited": len(good),
            "false_rejections": sum(good),
            "ci_low": interval.low,
            "ci_high": interval.high,
        }
    return columns


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """The stages that a method uses; samples in thousands, the audit as `1/14 [0, 34] %`."""
    unused = frame["stage"].isin(STAGES) & (frame["check_seconds"] == 0) & (frame["rejected"] == 0)
    frame = frame[~unused]
    shown = pd.DataFrame(
        {
            "Method": frame["method"].map(method_name).where(~frame["method"].duplicated(), ""),
            "Stage": frame["stage"].replace(STAGE_NAMES),
            "Rejected": [_rejected_text(row) for row in frame.itertuples()],
            "Check (s)": frame["check_seconds"].map(_seconds_text),
            "Saved (k)": frame["saved_samples"].map(lambda v: f"{v / 1000:,.0f}"),
            "Good": [_audit_text(row) for row in frame.itertuples()],
        }
    )
    audited = frame["audited"].notna().any()
    if not audited:
        shown = shown.drop(columns="Good")
    notes = _notes(records)
    notes.append(
        f"Good: of the expressions that an audit drew at random from the rejected, run by run, and trained "
        f"in full, those of fitness {GOOD:g} or more, that is {GOOD:g} of cross entropy's gain over chance. "
        f"In brackets: the {100 * records.confidence:g} % Clopper–Pearson interval of their share. The "
        "audit comes after the search and off its books: it is in no cost of any table. A training "
        "that did not complete is not good. What stage novel rejects is not audited: the search has its "
        "twin. A race keeps the best and not all that are good: what it stops is good now and then by design."
        if audited
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


def _rejected_text(row: tuple) -> str:
    """`34/280 (12 %)`: of those that reached the stage."""
    share = f" ({100 * row.rejected / row.proposals:.0f} %)" if row.proposals else ""
    return f"{row.rejected:,.0f}/{row.proposals:,.0f}{share}"


def _seconds_text(seconds: float) -> str:
    """Two digits below ten seconds; empty for what is not timed."""
    if pd.isna(seconds):
        return ""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2f}"


def _audit_text(row: tuple) -> str:
    """`1/14 [0, 34] %`; empty where nothing was audited."""
    if pd.isna(row.audited):
        return ""
    low, high = (f"{100 * end:.0f}" for end in (row.ci_low, row.ci_high))
    return f"{row.false_rejections}/{row.audited} [{low}, {high}] %"
