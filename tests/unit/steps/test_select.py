"""Rule select: the scores of trainings, and fitness as the mean of all that is known."""

import argparse

import pytest

from evoloss.files import write_json
from evoloss.learning.records import EVALUATIONS
from evoloss.parquet import read, write
from evoloss.search import egp
from evoloss.search.fitness import Reference
from evoloss.search.records import CANDIDATES, POPULATION
from evoloss.steps.select import incomplete, main, scored

BY_TASK = {"a": Reference(0.1, 0.9), "b": Reference(0.0, 0.5)}
"""The accuracies that are fitness 0 and 1 on each task: chance and cross entropy."""


def planned(name, purpose="new", reused=None):
    """A candidate as rule breed plans it; `reused` is the fitness of the one that it trains like."""
    return {
        "candidate_id": name,
        "slot": 0,
        "expression": "p - y",
        "generation": 2,
        "fingerprint": None,
        "purpose": purpose,
        "rate_multiple": reused and 2.0,
        "reused_fitness": reused,
        "reused_evaluations": reused and 3,
        "twin_of": reused and "x",
    }


def training(name, task, accuracy, status="completed", multiple=1.0):
    """A row of evaluations: a training of 100 samples."""
    return {
        "candidate_id": name,
        "task": task,
        "rate_multiple": multiple,
        "validation_accuracy": accuracy,
        "status": status,
        "training_samples": 100,
        "looked_samples": 0,
    }


def test_a_candidate_is_charged_for_all_its_tasks_and_a_reused_one_for_none():
    trainings = [training("x", "a", 0.9), training("x", "b", 0.25)]
    rows = scored([planned("x"), planned("z", "reused", 0.7)], trainings, BY_TASK)
    names = ("fitness", "evaluations", "twin_of", "training_samples")
    found = [tuple(row[name] for name in names) for row in rows]
    # x has fitness 1 on a and 0.5 on b.
    assert found == [(pytest.approx(0.75), 1, None, 200), (0.7, 3, "x", 0)]


def test_a_failed_training_gives_no_fitness_but_costs():
    trainings = [training("x", "a", None, "diverged"), training("x", "b", 0.25)]
    (row,) = scored([planned("x")], trainings, BY_TASK)
    assert row["fitness"] is None
    assert row["training_samples"] == 200


def test_images_that_rungs_looked_at_are_charged_like_training_samples():
    looked = training("x", "a", None, "stopped_early") | {"looked_samples": 30}
    (row,) = scored([planned("x")], [looked, training("x", "b", 0.25)], BY_TASK)
    assert (row["training_samples"], row["dearest_samples"]) == (230, 230)


def test_a_copy_is_revised_with_the_one_it_trains_like(tmp_path):
    """By rule select: of generation 2, where `t` copies `a` while `a` is scored a third time."""
    leader = {"candidate_id": "a", "expression": "p - y", "fitness": 0.9, "evaluations": 2}
    other = {"candidate_id": "b", "expression": "p * y", "fitness": 0.65, "evaluations": 1}
    rest = {"rate_multiple": 0.5, "twin_of": None, "born": 0, "age": 1, "size": 3, "rank": 0}
    write(tmp_path / "previous.parquet", [leader | rest, other | rest], POPULATION, {})
    blank = dict.fromkeys(CANDIDATES.names) | {"expression": "p - y", "generation": 2}
    copy = blank | {"candidate_id": "t", "purpose": "reused", "twin_of": "a"}
    copy |= {"rate_multiple": 0.5} | {"reused_fitness": 0.9, "reused_evaluations": 2}
    again = blank | {"candidate_id": "a", "purpose": "rescore", "repeat": 2, "rate_multiple": 0.5}
    write(tmp_path / "candidates.parquet", [copy, again], CANDIDATES, {})
    trained = dict.fromkeys(EVALUATIONS.names) | training("a", "one", 0.0, multiple=0.5)
    write(tmp_path / "0.parquet", [trained], EVALUATIONS, {})
    task = {"name": "one", "chance": 0.0, "cross_entropy_accuracy": 1.0}
    write_json(tmp_path / "one.json", task)
    main(
        argparse.Namespace(
            **{"study": "test", "method": "m", "algorithm": "egp", "run_seed": 0, "generation": 2},
            settings=egp.Settings(population=3, parents=1, tournament=1).model_dump_json(),
            tasks=[tmp_path / "one.json"],
            previous=tmp_path / "previous.parquet",
            candidates=tmp_path / "candidates.parquet",
            evaluations=tmp_path,
            batches=1,
            scores=tmp_path / "scores.parquet",
            output=tmp_path / "population.parquet",
        )
    )
    rows = read(tmp_path / "population.parquet", POPULATION)
    found = [(row["candidate_id"], row["fitness"], row["evaluations"]) for row in rows]
    # (2 * 0.9 + 0) / 3: the third training reached nothing.
    assert found == [("b", 0.65, 1), ("a", pytest.approx(0.6), 3), ("t", pytest.approx(0.6), 3)]
    assert [row["twin_of"] for row in rows] == [None, None, "a"]
    assert [row["rate_multiple"] for row in rows] == [0.5] * 3


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("x", "a"), ("x", "b")], None),
        ([("x", "a")], "x has 0 trainings on b at 1 x the rate, not 1"),
        ([("x", "a"), ("x", "b"), ("x", "b")], "x has 2 trainings on b at 1 x the rate, not 1"),
        ([], "x has no trainings"),
        ([("other", "a")], "x has no trainings"),
    ],
)
def test_every_planned_slot_needs_its_trainings(rows, problem):
    evaluations = [training(name, task, 0.5) for name, task in rows]
    plan = [planned("x") | {"rate_multiple": None}, planned("y") | {"purpose": "reused"}]
    assert incomplete(plan, evaluations, BY_TASK) == problem
