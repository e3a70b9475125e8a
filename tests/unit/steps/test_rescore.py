"""Rule rescore: the leaders of a run are trained afresh, as the search trained them."""

import pytest
import torch
from resolving import training_flags

from evoloss.learning.expression_training import expression_training
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.learning.task import load_task
from evoloss.seeds import derive_seed, training_seed
from evoloss.steps.rescore import trainings, who
from evoloss.steps.tune import mean_curve

SMALL = "-(y * log(p)) * 0.001"
"""Cross entropy with gradients so small that it matters whether they are scaled."""


def leader(expression):
    """A leader of a run with this expression, as its ledger names it."""
    return {
        "candidate_id": "x",
        "expression": expression,
        "role": "incumbent",
        "generation": 0,
        "rate_multiple": 1.0,
    }


@pytest.mark.parametrize("as_written", [False, True])
def test_a_leader_is_trained_as_the_search_trained_it(resolved, data_folder, as_written):
    (task,) = read_resolved_tasks([resolved["one"]])
    flags = training_flags(run_seed=4, data=data_folder, as_written=as_written)
    (row,) = trainings([leader(SMALL)], task, 1, flags)
    split = derive_seed("rescore split", 4, "one", 1)
    images = load_task("one", task.settings, data_folder, torch.device("cpu"), split)
    seed = training_seed("rescore", 4, "one", 1)
    own = expression_training(SMALL, images, task.learning_rate, seed, as_written).finish()
    assert (row["training_seed"], row["split_seed"]) == (seed, split)
    assert row["validation_accuracy"] == own.validation_accuracy
    other = expression_training(SMALL, images, task.learning_rate, seed, not as_written).finish()
    assert row["validation_accuracy"] != other.validation_accuracy


def test_a_leader_that_cannot_be_scaled_has_failed_and_spoils_no_other(resolved, data_folder):
    (task,) = read_resolved_tasks([resolved["one"]])
    flags = training_flags(data=data_folder)
    flat, fine = trainings([leader("square(y) + 0.5 + 0 * p"), leader(SMALL)], task, 0, flags)
    assert (flat["status"], flat["validation_accuracy"]) == ("failed", None)
    assert "no finite, non-zero gradient to scale" in flat["reason"]
    assert fine["status"] == "completed"


def test_finalists_are_different_losses_that_never_led():
    def member(name, expression, twin_of=None):
        """An individual of the last population."""
        values = {"candidate_id": name, "expression": expression, "twin_of": twin_of}
        return values | {"fitness": 1.0, "born": 1, "rate_multiple": 2.0}

    ledger = [
        {
            "incumbent": "a",
            "incumbent_expression": "p - y",
            "incumbent_rate_multiple": 0.5,
            "generation": generation,
        }
        for generation in (0, 1)
    ]
    population = [
        member("t", "(p - y) + 0", "a"),  # the incumbent under another name
        member("b", "p * y"),
        member("c", "p * y"),  # trained twice, without stage novel
        member("u", "(p * y) + 0", "b"),
        member("d", "y / p"),
        member("e", "p + y"),
    ]
    chosen = who(ledger, population, finalists=3)
    assert [entry["candidate_id"] for entry in chosen] == ["cross_entropy", "a", "b", "d"]
    assert [entry["role"] for entry in chosen] == ["cross_entropy", "incumbent", *["finalist"] * 2]
    assert [entry["rate_multiple"] for entry in chosen] == [1.0, 0.5, 2.0, 2.0]


def test_cross_entropys_curve_is_the_mean_of_its_trainings():
    assert mean_curve([[0.2, 0.4], [0.4, 0.8]]) == pytest.approx([0.3, 0.6])
    # The curve of a training that early stopping ended goes on at its last value.
    assert mean_curve([[0.2], [0.4, 0.8]]) == pytest.approx([0.3, 0.5])
    assert mean_curve([]) == []
