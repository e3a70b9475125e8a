"""What the ledgers tell of candidates that were rejected before training or stopped during it."""

import pandas as pd

from evoloss.functional_check.settings import STAGES

OWN_CHECK = "method"
"""A method's own check, as the records name it."""

REJECTED = {OWN_CHECK: "rejected_method", **{stage: f"rejected_{stage}" for stage in STAGES}}
"""Who rejects before training, in the order of the checks -> its column of the ledger."""


def full_cost(ledgers: pd.DataFrame, trainings: int) -> float:
    """Training samples of so many complete trainings, as many on one task as on another."""
    return float(ledgers["full_samples"].sum() * trainings / ledgers["evaluations"].sum())


def new_candidates(ledgers: pd.DataFrame) -> pd.Series:
    """Proposals of each row that were trained, if only begun: not rejected, no earlier fitness taken."""
    return ledgers["proposals"] - ledgers[list(REJECTED.values())].sum(axis=1) - ledgers["reused"]


def trainings_a_candidate(description: dict) -> int:
    """How often a new candidate is trained: on every task at every rate of the search."""
    return len(description["tasks"]) * description["rates"]
