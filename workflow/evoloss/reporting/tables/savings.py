"""Table savings: where each method's training samples go, and how many each measure saves."""

import pandas as pd

from evoloss.reporting.latex_table import Dressed, signed, thousands
from evoloss.reporting.names import method_name
from evoloss.reporting.screening import REJECTED, full_cost, new_candidates
from evoloss.reporting.study_records import StudyRecords

NAIVE, SPENT = "every_proposal", "spent"
SAVED = ["no_rescoring", "check", "reuse", "stopped", "ended_early"]
"""The measures that save samples, in the order in which their savings are subtracted."""

HEADERS = {
    NAIVE: "Naive",
    "no_rescoring": "Re-scoring",
    "check": "Check",
    "reuse": "Reuse",
    "stopped": "Stopped",
    "ended_early": "Early end",
    SPENT: "Spent",
}

WIDTHS = {"Method": 0.12, "Re-scoring": 0.08, "Early end": 0.07, "Of naive": 0.06, "Of ref.": 0.06}
"""Shares of the text width, for columns that break lines; the other columns share the rest."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method and step; `samples` are training samples, as a mean over `runs` runs.

    Let c be the samples of one candidate's complete trainings on all tasks: at every rate of the search, but at one
    rate where an individual of the population is scored again. Summed over generations:

    - `every_proposal`, the cost of a naive method: c for every proposal, and from generation 1 on c for scoring
      again every individual of the previous population. Generations without work cost nothing.
    - `no_rescoring`: c for each of those individuals that was not scored again; below 0 for a method that
      scores again more individuals than its population has.
    - `check`: c for each proposal that the functional check or the method's own check rejected.
    - `reuse`: c for each candidate that took an earlier fitness.
    - `stopped`: the untrained part of c in trainings that a race or a hurdle stopped.
    - `ended_early`: the untrained part of c in trainings that diverged or failed, minus the validation images that
      rungs looked at, since the search is charged for these.
    - `spent`: the training samples of the ledger.

    The first step is exactly the sum of the others: trainings / tasks = rates * (proposals - rejected - reused) +
    individuals scored again.
    """
    parts = _parts(records)
    rows = []
    for method in records.methods:
        steps = parts.loc[method].mean()
        rows += [
            {
                "method": method,
                "step": step,
                "samples": steps[step],
                "share_of_naive": steps[step] / steps[NAIVE],
                "runs": len(parts.loc[method]),
            }
            for step in HEADERS
        ]
    return pd.DataFrame(rows)


def _parts(records: StudyRecords) -> pd.DataFrame:
    """The samples of every step, one row per run."""
    run = ["method", "run_seed"]
    ledgers = records.ledgers.sort_values([*run, "generation"])
    tasks, rates = len(records.description["tasks"]), records.description["rates"]
    once = full_cost(ledgers, tasks)
    full = rates * once
    rejected = ledgers[list(REJECTED.values())].sum(axis=1)
    new = new_candidates(ledgers)
    before = ledgers.groupby(run)["population"].shift(fill_value=0)
    before = before.where(ledgers["proposals"] + ledgers["evaluations"] > 0, 0)
    samples = pd.DataFrame(
        {
            NAIVE: full * ledgers["proposals"] + once * before,
            "no_rescoring": once * (before - (ledgers["evaluations"] / tasks - rates * new)),
            "check": full * rejected,
            "reuse": full * ledgers["reused"],
            "stopped": ledgers["stopped_samples"],
            "ended_early": ledgers["full_samples"]
            - ledgers["stopped_samples"]
            - ledgers["training_samples"],
            SPENT: ledgers["training_samples"],
        }
    )
    return samples.groupby([ledgers[name] for name in run]).sum()


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row per method, one column per step, in thousands of samples; savings are negative."""
    wide = frame.pivot(index="method", columns="step", values="samples").loc[records.methods]
    share = frame.pivot(index="method", columns="step", values="share_of_naive").loc[wide.index]
    reference = records.description["reference_method"]
    shown = pd.DataFrame({"Method": wide.index.map(method_name)}, index=wide.index)
    for step, header in HEADERS.items():
        sign = -1 if step in SAVED else 1
        shown[header] = (sign * wide[step]).map(thousands)
    shown["Of naive"] = share[SPENT].map(lambda v: f"{100 * v:.0f} %")
    shown["Of ref."] = (wide[SPENT] / wide.loc[reference, SPENT]).map(lambda v: signed(v, 2))
    notes = (
        f"Thousands of training samples, means over {frame['runs'].max()} runs. Naive: the cost if every proposal were "
        "trained, and the whole population were scored again in every generation. The next columns are subtracted from "
        "it. Re-scoring: individuals that keep their fitness. Check: proposals rejected before training. Reuse: "
        "candidates that take the fitness of one that trains alike. Stopped: the rest of trainings that a race or a "
        "hurdle stopped. Early end: the rest of trainings that diverged or failed; validation images that races or "
        "hurdles looked at are counted against it, so it may be above 0. Spent: what remains.",
        f"Of naive: spent / naive. Of ref.: spent / samples that {method_name(reference)} spends.",
    )
    return Dressed(shown.reset_index(drop=True), notes=notes, widths=WIDTHS)
