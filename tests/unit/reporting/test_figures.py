"""What figures read and compute before they draw."""

import json

import numpy as np
import pandas as pd
import pytest
from fake_records import METHODS

from evoloss.files import write_json
from evoloss.learning.records import RETRAININGS
from evoloss.parquet import write
from evoloss.reporting.deliverables import FIGURES, TABLES, category_of
from evoloss.reporting.epochs import per_epoch
from evoloss.reporting.figures.anytime import on_grid
from evoloss.reporting.names import loss_name
from evoloss.reporting.shapes import shape
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks
from evoloss.search.records import AUDIT, SCORES


def test_runs_are_step_functions_of_samples():
    curves = pd.DataFrame(
        {"run_seed": [0, 0, 1, 1], "samples": [100, 200, 150, 300], "fitness": [0.5, 0.7, 0.6, 0.4]}
    )
    lines = on_grid(curves, np.array([100, 150, 200, 400]))
    np.testing.assert_array_equal(lines, [[0.5, 0.5, 0.7, 0.7], [np.nan, 0.6, 0.6, 0.4]])


def test_the_shape_of_cross_entropy_has_its_values_and_gradients():
    p, value, gradient = shape("-(y * log(p))", classes=10)
    np.testing.assert_allclose(gradient, p - 1, rtol=1e-5)
    np.testing.assert_allclose(value, -np.log(p) + np.log(p[-1]), rtol=1e-4, atol=1e-9)


def test_a_loss_on_logits_has_a_shape_too():
    p, value, gradient = shape("evoloss.losses.on_logits:cauchy_schwarz", classes=10)
    assert value.min() == 0
    np.testing.assert_allclose(gradient, np.gradient(value, np.log(p)) * (1 - p), atol=0.05)
    assert np.isfinite(shape("evoloss.losses.on_logits:hinge", classes=10)[1]).all()


def test_curves_of_trainings_that_stopped_early_end_where_they_ended():
    trainings = pd.DataFrame(
        {
            "status": ["completed", "completed", "diverged"],
            "validation_accuracy": [[0.1, 0.2, 0.3], [0.3, 0.4], [0.9]],
        }
    )
    lines = per_epoch(trainings, "validation_accuracy")
    np.testing.assert_array_equal(lines, [[0.1, 0.2, 0.3], [0.3, 0.4, np.nan]])


def test_losses_are_shown_under_readable_names():
    assert loss_name("egp_seed3") == "E-GP, seed 3"
    assert loss_name("ngl") == "NGL"
    assert loss_name("my_loss") == "my_loss"


def test_methods_can_be_told_apart():
    own = ["mine", "another", "a_third", "a_fourth", "a_fifth"]
    found = looks([*METHODS, *own])
    different = len(METHODS) + len(own)
    assert len({look.colour for look in found.values()}) == different
    assert len({look.marker for look in found.values()}) == different
    # The others of a study change nothing about a method that has a look.
    assert looks(["mine", "egp"])["egp"] == looks(["egp"])["egp"] == found["egp"]


def test_scores_are_read_from_all_generations(tmp_path):
    row = dict.fromkeys(SCORES.names) | {"purpose": "new", "fitness": 0.5}
    for seed in (0, 1):
        for generation in (0, 1):
            path = tmp_path / f"search/egp/seed{seed}/generation{generation}/scores.parquet"
            rows = [row | {"generation": generation}] * (generation + 1)
            write(path, rows, SCORES, {})
    description = {"methods": ["egp"], "run_seeds": [0, 1], "generations": {"egp": 1}}
    scores = StudyRecords(tmp_path, json.dumps(description)).scores
    assert scores.groupby(["method", "run_seed", "generation"]).size().tolist() == [1, 2, 1, 2]


def test_the_target_is_a_share_of_a_losses_gain_over_chance_or_over_cross_entropy(tmp_path):
    write_json(
        tmp_path / "tasks/a.json", {"name": "a", "chance": 0.1, "cross_entropy_accuracy": 0.4}
    )
    unknown = dict.fromkeys(RETRAININGS.names)
    for loss, ends in (("gce", [0.7, 0.9]), ("cross_entropy", [0.5, 0.5])):
        rows = [
            unknown | {"status": "completed", "validation_accuracy": [0.2, end]} for end in ends
        ]
        write(tmp_path / f"retrain/a/{loss}/0.parquet", rows, RETRAININGS, {})

    def target(**settings):
        """The fitness that is the study's target, with these settings of it."""
        description = {"tasks": ["a"], "target": {"blocks": 1} | settings}
        return StudyRecords(tmp_path, json.dumps(description)).target

    # GCE ends at 0.8 and cross entropy at 0.5, beside which chance is 0.1: gains of 0.7 and 0.4.
    assert target(loss="cross_entropy", share=1.05, over="chance") == 1.05
    assert target(loss="gce", share=0.9, over="chance") == pytest.approx(0.9 * 0.7 / 0.4)
    assert target(loss="gce", share=0.9, over="cross_entropy") == pytest.approx(1 + 0.9 * 0.75)


def test_audits_are_read_from_all_runs_and_none_where_the_study_has_none(tmp_path):
    row = dict.fromkeys(AUDIT.names) | {"slot": 0, "stage": "gradient"}
    for seed in (0, 1):
        write(tmp_path / f"search/egp/seed{seed}/audit.parquet", [row] * (2 * seed), AUDIT, {})
    description = {"methods": ["egp"], "run_seeds": [0, 1], "audit_trainings": 2}
    audits = StudyRecords(tmp_path, json.dumps(description)).audits
    assert audits.groupby(["method", "run_seed", "stage"]).size().to_dict() == {
        ("egp", 1, "gradient"): 2
    }
    description["audit_trainings"] = 0
    none = StudyRecords(tmp_path / "nowhere", json.dumps(description)).audits
    assert none.empty
    assert list(none.columns) == list(audits.columns)


def test_every_table_and_figure_has_a_place_in_the_report():
    found = {name: category_of(name) for name in (*TABLES, *FIGURES)}
    assert set(found.values()) == {
        *("Search", "Efficiency", "Final accuracy", "Losses", "Reproducibility")
    }
    assert {name for name, category in found.items() if category == "Reproducibility"} == {
        *("implementation", "datasets", "tasks", "parameters", "study_settings", "stages")
    }
