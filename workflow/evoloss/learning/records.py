"""Column schemas of the Parquet records about data sets and trainings."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

EVALUATIONS = pa.schema(
    [
        ("candidate_id", pa.string()),
        ("task", pa.string()),
        ("rate_multiple", pa.float64()),
        ("learning_rate", pa.float64()),
        ("training_seed", pa.int64()),
        ("validation_accuracy", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("steps", pa.int64()),
        ("training_samples", pa.int64()),
        ("looked_samples", pa.int64()),
        ("validation_samples", pa.int64()),
        ("seconds", pa.float64()),
        ("validation_seconds", pa.float64()),
        ("device", pa.string()),
        ("peak_memory_bytes", pa.int64()),
        ("full_samples", pa.int64()),
        ("rung_accuracies", pa.list_(pa.float64())),
    ]
)
"""One row per training of a candidate. `status`: completed, stopped_early, diverged, failed.

`learning_rate` is `rate_multiple` times the task's rate, which is the best one for cross entropy.
`full_samples`: the training samples of the whole schedule; a stop saves `full_samples - training_samples`.
A rung is a point at which a race or a hurdle may stop a training. (A race keeps the best of a generation; a hurdle
stops a training that is far behind cross entropy.) `rung_accuracies`: the accuracy at each rung that the training
reached; null without a race or hurdle. `looked_samples`: the validation images evaluated at the rungs. The search is
charged for them as for training samples, although one costs a third of a training sample."""


def charged(evaluation: Mapping[str, Any]) -> int:
    """Samples that a search is charged for one training: those trained on plus those evaluated at rungs."""
    return evaluation["training_samples"] + evaluation["looked_samples"]


LEARNING_RATES = pa.schema(
    [
        ("loss", pa.string()),
        ("learning_rate", pa.float64()),
        ("training_seed", pa.int64()),
        ("validation_accuracy", pa.float64()),
        ("status", pa.string()),
        ("training_samples", pa.int64()),
        ("seconds", pa.float64()),
        ("curve", pa.list_(pa.float64())),
        ("chosen", pa.bool_()),
        ("at_edge", pa.bool_()),
    ]
)
"""One row per training of a learning-rate sweep. `curve`: accuracy on the training batches, one value per eighteenth of
the steps. `at_edge`: the chosen rate is the lowest or highest tried, and the grid may not grow further."""

RETRAININGS = pa.schema(
    [
        ("task", pa.string()),
        ("loss", pa.string()),
        ("training_seed", pa.int64()),
        ("learning_rate", pa.float64()),
        ("rate_at_edge", pa.bool_()),
        ("factor", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("training_loss", pa.list_(pa.float64())),
        ("training_accuracy", pa.list_(pa.float64())),
        ("validation_accuracy", pa.list_(pa.float64())),
        ("test_accuracy", pa.float64()),
        ("test_balanced_accuracy", pa.float64()),
        ("test_margin", pa.float64()),
        ("test_nll", pa.float64()),
        ("test_ece", pa.float64()),
        ("temperature", pa.float64()),
        ("test_nll_scaled", pa.float64()),
        ("test_ece_scaled", pa.float64()),
        ("test_bin_share", pa.list_(pa.float64())),
        ("test_bin_confidence", pa.list_(pa.float64())),
        ("test_bin_accuracy", pa.list_(pa.float64())),
        ("steps", pa.int64()),
        ("training_samples", pa.int64()),
        ("seconds", pa.float64()),
        ("device", pa.string()),
        ("peak_memory_bytes", pa.int64()),
    ]
)
"""One row per final training: lists with one entry per epoch, and test results before and after temperature scaling.
`test_margin` is `accuracy.mean_margin`. `test_bin_share`, `..._confidence`, `..._accuracy`: for each confidence bin
(`calibration.BINS`, no temperature scaling), the number of test images in it, the sum of their confidences and the
number of correct ones, each divided by the number of all test images.
`rate_at_edge`: the loss's own rate is the lowest or highest that was tried."""

IMAGES = pa.schema([("image", pa.binary()), ("label", pa.int32()), ("place", pa.int64())])
"""One row per image: uint8 pixels (channels x height x width, row by row); `place`: its position in the source."""
