"""What the ledgers tell of candidates that were rejected before training or stopped during it."""

import pandas as pd

from evoloss.functional_check.settings import STAGES

OWN_CHECK = "method"
"""A method's own check, as the records name it."""

REJECTED = {OWN_CHECK: "rejected_method", **{stage: f"rejected_{stage}" for stage in STAGES}}
"""Who rejects before training, in the order of the checks -> its column of the ledger."""


def full_cost(ledgers: pd.DataFrame, tasks: int) -> float:
    """Training samples of a candidate's complete trainings at one rate on all tasks: the same for everyone."""
    return float(ledgers["full_samples"].sum() * tasks / ledgers["evaluations"].sum())
