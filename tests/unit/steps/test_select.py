"""What selection makes of trainings: scores, and fitness that is the mean of what is known."""

import pytest

from evoloss.search.fitness import Reference
from evoloss.steps.select import scored

BY_TASK = {"a": Reference(0.1, 0.9), "b": Reference(0.0, 0.5)}


def planned(name, purpose="new", reused=None):
    return {
        "candidate_id": name,
        "slot": 0,
        "expression": "p - y",
        "generation": 2,
        "fingerprint": None,
        "purpose": purpose,
        "reused_fitness": reused,
        "reused_evaluations": reused and 3,
    }


def training(name, task, accuracy, status="completed"):
    return {
        "candidate_id": name,
        "task": task,
        "validation_accuracy": accuracy,
        "status": status,
        "training_samples": 100,
    }


def test_a_candidate_is_charged_for_all_its_tasks_and_a_reused_one_for_none():
    trainings = [training("x", "a", 0.9), training("x", "b", 0.25)]
    rows = scored([planned("x"), planned("z", "reused", 0.7)], trainings, BY_TASK)
    found = [(row["fitness"], row["evaluations"], row["training_samples"]) for row in rows]
    assert found == [(pytest.approx(0.75), 1, 200), (0.7, 3, 0)]


def test_a_failed_training_gives_no_fitness_but_costs():
    trainings = [training("x", "a", None, "diverged"), training("x", "b", 0.25)]
    (row,) = scored([planned("x")], trainings, BY_TASK)
    assert row["fitness"] is None
    assert row["training_samples"] == 200
