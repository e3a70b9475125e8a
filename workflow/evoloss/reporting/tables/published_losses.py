"""Table published_losses: accuracy, epochs to a target and margin, by data size, noise and training length."""

import math

import pandas as pd

from evoloss.reporting.conditions import TARGET, outcomes
from evoloss.reporting.differences import difference_text
from evoloss.reporting.latex_table import Dressed, plus_minus
from evoloss.reporting.names import loss_name
from evoloss.reporting.statistics import FEWEST_RUNS
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task and loss; `epochs_to_target` is infinite unless every training reached the target."""
    return outcomes(records)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Accuracies in percent; a star marks an interval that excludes 0."""
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
        "Mean ± s.d. over training seeds, each loss at its own learning rate. Differences to cross entropy (CE) are paired "
        f"by training seed, with {level} t intervals from {FEWEST_RUNS} pairs on. *: the interval excludes 0, not corrected "
        "for the number of losses and tasks, so some stars are chance. A training seed draws weights, batches, the sample of "
        "images and the noise; all seeds share test images and learning rates.",
        f"Target: {TARGET:.0%} of cross entropy's final gain over chance, in validation accuracy on the task. ∞ (k/m): "
        "only k of all m trainings reached it. Margin: the label's logit minus the highest other logit, on test images; "
        "one-hot logits have a margin of 1.",
    )
    return Dressed(shown, notes=notes, long=True)


def _epochs(row) -> str:
    if math.isinf(row.epochs_to_target):
        return f"∞ ({row.reached}/{row.training_seeds})"
    return plus_minus(row.epochs_to_target, row.epochs_to_target_sd, 1)
