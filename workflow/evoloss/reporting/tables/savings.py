"""Table savings: where each method's training samples go, and what each means of economy saves."""

import pandas as pd

from evoloss.reporting.latex_table import Dressed, signed
from evoloss.reporting.names import method_name
from evoloss.reporting.screening import REJECTED, full_cost, new_candidates
from evoloss.reporting.study_records import StudyRecords

NAIVE, SPENT = "every_proposal", "spent"
SAVED = ["no_rescoring", "check", "reuse", "stopped", "ended_early"]
"""The means of economy, in the order in which they are taken off."""

HEADERS = {
    NAIVE: "Naive",
    "no_rescoring": "Re-scoring",
    "check": "Check",
    "reuse": "Reuse",
    "stopped": "Stopped",
    "ended_early": "Early end",
    SPENT: "Spent",
}

WIDTHS = {
    "Method": 0.12,
    "Re-scoring": 0.08,
    "Early end": 0.07,
    "Of naive": 0.06,
    "Of ref.": 0.06,
}
"""Shares of the text's width; the rest is for the columns that do not break."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a method and step, `samples` being training samples, a mean over `runs` runs.

    With c the samples of one candidate's complete trainings on all tasks (at every rate of the search, but
    where an individual is scored again, at one), summed over generations:

    - `every_proposal`, what a naive method pays: c for every proposal, and from generation 1 on c for
      every individual of the last population, scored again. Nothing for generations without work.
    - `no_rescoring`: c for each of those individuals that was not scored again; below 0 for a method
      that scores again more than its population.
    - `check`: c for each proposal that a stage of the functional check, or the method's own, rejected.
    - `reuse`: c for each candidate that took an earlier fitness.
    - `stopped`: what trainings that a race or a hurdle stopped left of their c.
    - `ended_early`: what trainings that diverged or failed left of theirs, less the validation images that rungs
      looked at, for which the search is charged.
    - `spent`: the training samples of the ledger.

    The first is the sum of the others, exactly: trainings / tasks = rates x (proposals - rejected -
    reused) + scored again.
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
    """The samples of every step, one row a run."""
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
    """One row a method, one column a step, in thousands of samples; what is saved has a minus."""
    wide = frame.pivot(index="method", columns="step", values="samples").loc[records.methods]
    share = frame.pivot(index="method", columns="step", values="share_of_naive").loc[wide.index]
    reference = records.description["reference_method"]
    shown = pd.DataFrame({"Method": wide.index.map(method_name)}, index=wide.index)
    for step, header in HEADERS.items():
        sign = -1 if step in SAVED else 1
        shown[header] = (sign * wide[step]).map(_thousands)
    shown["Of naive"] = share[SPENT].map(lambda v: f"{100 * v:.0f} %")
    shown["Of ref."] = (wide[SPENT] / wide.loc[reference, SPENT]).map(lambda v: signed(v, 2))
    notes = (
        f"Thousands of training samples, means over {frame['runs'].max()} runs. Naive: every proposal is "
        "trained, and in every generation the whole population is scored again. From left to right, what "
        "is taken off: individuals that keep their fitness (re-scoring), proposals rejected before "
        "training (check), candidates that take the fitness of one that trains alike (reuse), what was "
        "left of trainings that a race or a hurdle stopped (stopped), and of those that diverged or "
        "failed (early end), where validation images that rungs looked at are added: above 0 if they are more. "
        "What remains is spent.",
        f"Of naive: spent over naive. Of ref.: spent over what {method_name(reference)} spends.",
    )
    return Dressed(shown.reset_index(drop=True), notes=notes, widths=WIDTHS)


def _thousands(samples: float) -> str:
    text = f"{samples / 1000:,.0f}".replace("-", "−")
    return "0" if text == "−0" else text
