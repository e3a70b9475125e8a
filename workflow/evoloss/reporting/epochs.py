"""Final trainings: which of them a figure draws as one line, and their values by epoch."""

from itertools import zip_longest

import numpy as np
import pandas as pd

from evoloss.reporting.study_records import StudyRecords


def groups(records: StudyRecords) -> dict[str, list[str]]:
    """Name of a line -> its losses: each curve loss alone, all champions of a method together."""
    shown = {loss: [loss] for loss in records.description["curve_losses"]}
    for champion in records.description["champions"]:
        shown.setdefault(champion["method"], []).append(champion["loss"])
    return shown


def per_epoch(trainings: pd.DataFrame, column: str) -> np.ndarray:
    """A list column of completed trainings as an array (trainings x epochs).

    nan after the last epoch of a training that early stopping ended.
    """
    done = trainings[trainings["status"] == "completed"]
    by_epoch = zip_longest(*done[column], fillvalue=np.nan)
    return np.array(list(by_epoch), dtype=float).T
