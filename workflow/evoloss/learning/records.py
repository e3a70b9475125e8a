"""Records of the learning room."""

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
"""One row a training of a candidate. `status`: completed, stopped_early, diverged, failed.

`learning_rate` is `rate_multiple` times the task's, which is the one that cross entropy likes best.

`full_samples` are the training samples of the whole schedule: what a stop saved is the rest of them.
`rung_accuracies`: the accuracy that was looked at at each rung that it reached, of a race
or a hurdle; null without. `looked_samples`: the validation images that the rungs looked at, which the search is
charged like training samples (they cost a third of it)."""


def charged(evaluation: Mapping[str, Any]) -> int:
    """Samples that a search is charged for a training: trained on, and looked at by rungs."""
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
"""One row a training of a learning-rate sweep; `curve` is its accuracy on the training batches, by
eighteenths of the steps. `at_edge`: the chosen rate is the lowest or highest tried, the grid having grown as
often as it may."""

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
"""One row a final training: per-epoch lists, test results raw and after temperature scaling.
`test_margin` is `accuracy.mean_margin`. `test_bin_...`: by bin of confidence (`calibration.BINS`, raw), the share of test
images, and the sums over them of confidence and of hits, by all test images.
`rate_at_edge`: the loss's own rate is the lowest or highest that was tried."""

IMAGES = pa.schema([("image", pa.binary()), ("label", pa.int32()), ("place", pa.int64())])
"""One row an image: uint8 pixels as channels x height x width, row by row; its position in the source."""
