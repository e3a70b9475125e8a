"""What the ledgers say about candidates: rejected before training, reused, or trained."""

import pandas as pd

from evoloss.functional_check.settings import STAGES

OWN_CHECK = "method"
"""The name of a method's own check in the records."""

REJECTED = {OWN_CHECK: "rejected_method", **{stage: f"rejected_{stage}" for stage in STAGES}}
"""A check that rejects before training -> its column of the ledger, in the order of the checks."""


def full_cost(ledgers: pd.DataFrame, trainings: int) -> float:
    """Training samples of `trainings` complete trainings that are spread evenly over the tasks."""
    return float(ledgers["full_samples"].sum() * trainings / ledgers["evaluations"].sum())


def new_candidates(ledgers: pd.DataFrame) -> pd.Series:
    """The number of proposals in each row whose training began: neither rejected nor given an earlier fitness."""
    return ledgers["proposals"] - ledgers[list(REJECTED.values())].sum(axis=1) - ledgers["reused"]


def trainings_a_candidate(description: dict) -> int:
    """How many trainings a new candidate has: one on each task at each learning rate of the search."""
    return len(description["tasks"]) * description["rates"]
