"""Table published_losses: losses by data size, noise and length: accuracy, epochs to a target, margin."""

import math

import pandas as pd

from evoloss.reporting.conditions import TARGET, outcomes
from evoloss.reporting.latex_table import Dressed, plus_minus
from evoloss.reporting.method_comparison import difference_text
from evoloss.reporting.names import loss_name
from evoloss.reporting.statistics import FEWEST_RUNS
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a task and loss; `epochs_to_target` is infinite unless every training reached it."""
    return outcomes(records)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Accuracies in percent; a star marks an interval that leaves out 0."""
    shown = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Loss": frame["loss"].map(loss_name),
            "n": frame["completed"].astype(str),
            "Rate": frame["learning_rate"].map(lambda v: f"{v:g}"),
            "Accuracy (%)": [
                plus_minus(mean, sd, 2, 100) or "failed"
                for mean, sd in zip(frame["test_accuracy"], frame["test_accuracy_sd"], strict=True)
            ],
            "Difference to CE (points)": [
                difference_text(row.difference_to_cross_entropy, row.ci_low, row.ci_high, 2, 100)
                for row in frame.itertuples()
            ],
            "Epochs to target": [_epochs(row) for row in frame.itertuples()],
            "Margin": [
                plus_minus(mean, sd) or "–"
                for mean, sd in zip(frame["test_margin"], frame["test_margin_sd"], strict=True)
            ],
        }
    )
    level = f"{100 * records.confidence:g} %"
    notes = (
        "Mean ± s.d. over training seeds, every loss at its own rate. Differences are paired by training "
        f"seed, with {level} t intervals from {FEWEST_RUNS} pairs on; * leaves out 0 (one loss and task "
        "at a time: of so many some leave it out by chance). Training seeds draw weights, batches, the "
        "sample of images and the noise; test images and rates are the same for all.",
        f"Target: {TARGET:.0%} of cross entropy's gain over chance in validation accuracy, as it ends on "
        "the task; ∞ and how many reached it, unless all did. Margin: the label's logit less the best "
        "other one, in units of the network's logits, on test images; 1 is one-hot logits.",
    )
    return Dressed(shown, notes=notes, long=True)


def _epochs(row) -> str:
    if math.isinf(row.epochs_to_target):
        return f"∞ ({row.reached}/{row.training_seeds})"
    return plus_minus(row.epochs_to_target, row.epochs_to_target_sd, 1)
