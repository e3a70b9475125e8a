"""What selection makes of trainings: scores, and fitness that is the mean of what is known."""

import pytest

from evoloss.expressions.parsing import parse
from evoloss.search.fitness import Reference
from evoloss.search.method import Individual
from evoloss.steps.select import scored, with_new_scores

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
    assert [(row["fitness"], row["training_samples"]) for row in rows] == [
        (pytest.approx(0.75), 200),
        (0.7, 0),
    ]


def test_a_failed_training_gives_no_fitness_but_costs():
    trainings = [training("x", "a", None, "diverged"), training("x", "b", 0.25)]
    (row,) = scored([planned("x")], trainings, BY_TASK)
    assert row["fitness"] is None
    assert row["training_samples"] == 200


def test_re_scoring_averages_what_is_known_and_drops_who_fails():
    def individual(name, fitness, evaluations):
        return Individual(name, parse("p - y"), fitness, evaluations, 0)

    population = [individual("x", 0.8, 3), individual("y", 0.5, 1), individual("z", 0.4, 1)]
    scores = [
        {"candidate_id": "x", "purpose": "rescore", "fitness": 0.4},
        {"candidate_id": "z", "purpose": "rescore", "fitness": None},
        {"candidate_id": "c", "purpose": "new", "fitness": 0.1},
    ]
    first, second = with_new_scores(population, scores)
    assert (first.candidate_id, first.fitness, first.evaluations) == ("x", pytest.approx(0.7), 4)
    assert second == population[1]
