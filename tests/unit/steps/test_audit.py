"""Rule audit: what it draws from the rejected and the stopped, and how it trains that."""

import json
from collections import Counter

import pytest
import torch
from resolving import training_flags

from evoloss.expressions.parsing import parse
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import STAGES
from evoloss.learning.records import EVALUATIONS
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.learning.task import load_task
from evoloss.learning.training import train
from evoloss.losses.gradient_scale import task_loss
from evoloss.parquet import read, read_metadata, write
from evoloss.search.records import AUDIT, CANDIDATES
from evoloss.search.run_folder import RunFolder
from evoloss.seeds import split_seed, training_seed
from evoloss.steps.audit import AUDITED, draw, main, rejected


def blank(schema, **values):
    """A row of which only some columns matter; the others are None."""
    assert set(values) <= set(schema.names)
    return dict.fromkeys(schema.names) | values


class Records:
    """Writes the records of a generation into a folder, so that no search has to run."""

    def __init__(self, folder):
        self.folder = folder

    def proposals(self, *rows):
        """Write proposals: (expression, the stage that rejected it or the candidate's id)."""
        stages = {"method", *STAGES}
        self._write(
            "proposals",
            [
                blank(
                    PROPOSALS,
                    proposal=number,
                    expression=text,
                    rejected_by=fate if fate in stages else None,
                    candidate_id=None if fate in stages else fate,
                )
                for number, (text, fate) in enumerate(rows)
            ],
            PROPOSALS,
        )

    def candidates(self, *rows):
        """Write candidates: (id, expression, purpose)."""
        names = ("candidate_id", "expression", "purpose")
        self._write(
            "candidates",
            [blank(CANDIDATES, **dict(zip(names, row, strict=True))) for row in rows],
            CANDIDATES,
        )

    def evaluations(self, *rows, batch=0):
        """Write the evaluations of a batch on task one: (id, status)."""
        self._write(
            f"evaluations/{batch}",
            [
                blank(EVALUATIONS, candidate_id=name, task="one", status=status)
                for name, status in rows
            ],
            EVALUATIONS,
        )

    def _write(self, name, rows, schema):
        """Write a record without metadata."""
        write(self.folder / f"{name}.parquet", rows, schema, {})


@pytest.fixture
def folder(tmp_path):
    """A run of two generations that trains its share of the pool, two of three, itself."""
    pool = Records(tmp_path / "pool")
    pool.proposals(
        ("1", "structure"),
        ("y * log(p)", "gradient"),
        ("p - y", "a"),
        ("1", "structure"),
        ("tanh(p)", "learns"),
        ("square(p - y)", "b"),
        ("cos(p)", "learns"),  # drawn for the third individual: no business of the run
        ("abs(p - y)", "c"),
    )
    pool.candidates(
        ("a", "p - y", "new"), ("b", "square(p - y)", "new"), ("c", "abs(p - y)", "new")
    )
    pool.evaluations(("a", "completed"), ("b", "completed"), ("c", "stopped_early"))
    first = Records(tmp_path / "run/generation0")
    first.evaluations(("a", "completed"), ("b", "stopped_early"))
    second = Records(tmp_path / "run/generation1")
    second.proposals(
        ("2 * square(p - y)", "novel"),
        ("sqrt(p)", "method"),
        ("y * log(p)", "gradient"),
        ("y * p", "gradient"),
        ("sin(p)", "d"),
        ("cos(y - p)", "e"),
        ("tanh(p - y)", "f"),
    )
    second.candidates(
        ("d", "sin(p)", "new"),
        ("e", "cos(y - p)", "new"),
        ("f", "tanh(p - y)", "reused"),
        ("a", "p - y", "rescore"),
    )
    second.evaluations(("d", "stopped_early"), ("e", "diverged"), batch=0)
    second.evaluations(("a", "completed"), batch=1)
    return RunFolder(tmp_path / "run", tmp_path / "pool", 2, [1, 2], trains_alone=True)


@pytest.fixture
def audit(folder, resolved, data_folder, tmp_path):
    """A function that runs the step on the run's folder and returns the rows of its audit."""

    def run(tasks=("one",), **changes):
        """Audit on these tasks, with the flags that a test changes."""
        flags = {
            "method": "egp",
            "run_seed": 3,
            "trainings": 100,
            "run": str(folder.run),
            "pool": str(folder.pool),
            "population": folder.population,
            "batches": json.dumps(folder.batches),
            "trains_alone": True,
            "tasks": [resolved[task] for task in tasks],
            "data": str(data_folder),
            "output": tmp_path / "audit.parquet",
        }
        main(training_flags(**flags | changes))
        assert read_metadata(tmp_path / "audit.parquet")["step"] == "audit"
        return read(tmp_path / "audit.parquet", AUDIT)

    return run


def test_an_audit_trains_as_many_as_it_is_asked_for(audit):
    rows = audit(trainings=3)
    assert [row["stage"] for row in rows] == ["stopped", "learns", "gradient"]
    assert [row["status"] for row in rows] == ["completed"] * 3
    assert [row["generation"] for row in rows if row["stage"] == "learns"] == [0]


def test_what_each_stage_rejected_and_a_race_stopped_is_found(folder):
    found = rejected(folder)
    assert list(found) == ["method", "structure", "finite", "gradient", "learns", "stopped"]
    assert {
        stage: [(row["expression"], row["generation"]) for row in rows]
        for stage, rows in found.items()
    } == {
        "method": [("sqrt(p)", 1)],
        "structure": [("1", 0)],
        "finite": [],
        "gradient": [("y * log(p)", 0), ("y * p", 1)],
        "learns": [("tanh(p)", 0)],
        "stopped": [("square(p - y)", 0), ("sin(p)", 1)],
    }
    for stage, rows in found.items():
        assert {row["stage_total"] for row in rows} <= {len(rows)}
        assert {row["stage"] for row in rows} <= {stage}


def test_the_pools_own_trainings_count_for_a_run_that_takes_them(folder):
    shared = RunFolder(folder.run, folder.pool, 3, [1, 2], trains_alone=False)
    found = rejected(shared)
    assert [row["expression"] for row in found["stopped"]] == ["abs(p - y)", "sin(p)"]
    assert [row["expression"] for row in found["learns"]] == ["tanh(p)", "cos(p)"]


def test_a_run_is_told_of_its_share_of_the_pool_alone(folder):
    shared = RunFolder(folder.run, folder.pool, 2, [1, 2], trains_alone=False)
    candidates, proposals, evaluations = shared.generation(0)
    assert [row["candidate_id"] for row in candidates] == ["a", "b"]
    assert [row["proposal"] for row in proposals] == list(range(6))
    assert [row["candidate_id"] for row in evaluations] == ["a", "b"]


def test_a_candidate_that_failed_on_a_task_was_not_stopped_by_a_race(folder):
    second = Records(folder.run / "generation1")
    second.evaluations(("e", "diverged"), ("e", "failed"), ("d", "stopped_early"), batch=0)
    assert [row["expression"] for row in rejected(folder)["stopped"]] == ["square(p - y)", "sin(p)"]


def many(counts):
    """Rejected expressions by stage, as `rejected` gives them."""
    return {
        stage: [
            {"stage": stage, "stage_total": n, "generation": 0, "expression": f"{stage} {k}"}
            for k in range(n)
        ]
        for stage, n in ((stage, counts.get(stage, 0)) for stage in AUDITED)
    }


def test_stages_take_turns_the_latest_first():
    drawn = draw(many({"structure": 50, "gradient": 3, "learns": 2, "stopped": 5}), 9, "egp", 0)
    assert [row["stage"] for row in drawn] == [
        *("stopped", "learns", "gradient", "structure"),
        *("stopped", "learns", "gradient", "structure"),
        "stopped",
    ]
    # Where a stage is spent the others take its turns.
    drawn = draw(many({"structure": 50, "gradient": 3, "learns": 2, "stopped": 5}), 16, "egp", 0)
    assert Counter(row["stage"] for row in drawn) == {
        "stopped": 5,
        "learns": 2,
        "gradient": 3,
        "structure": 6,
    }


def test_all_are_drawn_where_there_are_no_more_each_once():
    by_stage = many({"method": 4, "finite": 1, "stopped": 7})
    drawn = draw(by_stage, 100, "egp", 0)
    assert sorted(row["expression"] for row in drawn) == sorted(
        row["expression"] for rows in by_stage.values() for row in rows
    )
    assert draw(by_stage, 0, "egp", 0) == []
    assert draw(many({}), 5, "egp", 0) == []


def test_a_draw_is_the_runs_own_and_repeats():
    by_stage = many({"structure": 40, "learns": 40})
    drawn = draw(by_stage, 12, "egp", 0)
    assert drawn == draw(by_stage, 12, "egp", 0)
    assert drawn != draw(by_stage, 12, "egp", 1)
    assert drawn != draw(by_stage, 12, "ngl_gp", 0)
    # To audit more is to go on with the draw.
    assert draw(by_stage, 20, "egp", 0)[:12] == drawn
    # A draw takes neither the first of each stage nor the same of all stages.
    numbers = {
        stage: [int(row["expression"].split()[1]) for row in drawn if row["stage"] == stage]
        for stage in ("structure", "learns")
    }
    assert numbers["structure"] != list(range(6))
    assert numbers["structure"] != numbers["learns"]


def test_every_expression_is_as_likely_as_any_other():
    by_stage = many({"learns": 4})
    counts = Counter(
        row["expression"] for seed in range(400) for row in draw(by_stage, 2, "egp", seed)
    )
    # 400 draws of two: each of the four is expected 200 times.
    assert sum(counts.values()) == 800
    assert all(150 < count < 250 for count in counts.values()), counts


def test_an_audit_trains_in_full_as_the_search_would_have(audit, resolved, data_folder):
    rows = audit(tasks=("one", "two"))
    assert [(row["task"], row["slot"]) for row in rows] == [
        (task, slot) for task in ("one", "two") for slot in range(7)
    ]
    assert [row["stage"] for row in rows[:7]] == [
        *("stopped", "learns", "gradient", "structure", "method"),
        *("stopped", "gradient"),
    ]
    assert [row["expression"] for row in rows[:7]] == [row["expression"] for row in rows[7:]]
    for row in rows:
        assert row["training_seed"] == training_seed("search", 3, row["task"], 0)
        if row["expression"] == "1":  # no p, no gradient to scale
            assert row["status"] == "failed"
            assert "no finite, non-zero gradient to scale" in row["reason"]
            assert row["validation_accuracy"] is None
            assert row["training_samples"] == 0
        else:
            assert row["status"] == "completed"
            assert row["training_samples"] == {"one": 27, "two": 18}[row["task"]] * 32
            assert 0 <= row["validation_accuracy"] <= 1
    (task,) = read_resolved_tasks([resolved["one"]])
    split = split_seed("search", 3, "one")
    loaded = load_task("one", task.settings, data_folder, torch.device("cpu"), split)
    loss = task_loss(parse("square(p - y)"), 10, match_gradient_scale=True)
    (full,) = train([loss], loaded, [task.learning_rate], training_seed("search", 3, "one", 0))
    (good,) = [r for r in rows[:7] if r["expression"] == "square(p - y)"]
    (bad,) = [r for r in rows[:7] if r["expression"] == "y * log(p)"]
    assert good["validation_accuracy"] == full.validation_accuracy
    assert good["validation_accuracy"] > 0.3 > bad["validation_accuracy"]


def test_a_smaller_audit_is_the_beginning_of_a_larger_one(audit):
    all_of_them = audit()
    seconds = {"seconds"}
    few = audit(trainings=3)
    assert [{k: v for k, v in row.items() if k not in seconds} for row in few] == [
        {k: v for k, v in row.items() if k not in seconds} for row in all_of_them[:3]
    ]
    assert audit(trainings=0) == []


def test_without_scale_matching_even_a_constant_trains(audit):
    rows = {row["expression"]: row for row in audit(as_written=True)}
    assert rows["1"]["status"] == "completed"
    assert rows["1"]["reason"] is None
