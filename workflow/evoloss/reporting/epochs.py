"""Final trainings epoch by epoch."""

from itertools import zip_longest

import numpy as np
import pandas as pd


def per_epoch(trainings: pd.DataFrame, column: str) -> np.ndarray:
    """A list column of completed trainings as an array (trainings x epochs).

    nan after the last epoch of a training that early stopping ended.
    """
    done = trainings[trainings["status"] == "completed"]
    by_epoch = zip_longest(*done[column], fillvalue=np.nan)
    return np.array(list(by_epoch), dtype=float).T
