"""Figures draw large and tiny studies, and show the numbers that they should."""

import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest
from fake_records import fake_records

from evoloss.reporting.figures import (
    anytime,
    cost_accuracy,
    critical_difference,
    flowchart,
    funnel,
    generations,
    lineage,
    loss_landscape,
    loss_shapes,
    reliability,
    size_accuracy,
    target_reached,
    test_accuracy,
    training_curves,
)
from evoloss.reporting.names import method_name
from evoloss.reporting.style import save
from evoloss.study.configuration import load_files
from evoloss.study.plan import Plan

FIGURES = (
    anytime,
    critical_difference,
    funnel,
    generations,
    loss_shapes,
    target_reached,
    test_accuracy,
    training_curves,
)


@pytest.mark.parametrize("size", [{"methods": 8, "runs": 9}, {"methods": 2, "runs": 1}])
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.__name__.rpartition(".")[2])
@pytest.mark.filterwarnings("error:constrained_layout")
def test_every_figure_draws_large_and_tiny_studies(figure, size, monkeypatch, tmp_path):
    """A large study takes some seconds to draw: eight methods are what a layout breaks at."""
    for module in (anytime, target_reached):
        monkeypatch.setattr(module, "curves", lambda records: records.curves)
    records = fake_records(**size, generations=14 if size["runs"] > 1 else 2, tasks=size["runs"])
    drawn = figure.draw(records)
    if figure in (generations, loss_shapes, target_reached):
        titles = " ".join(axis.get_title(loc="left") for axis in drawn.axes)
        assert all(method_name(method) in titles for method in records.methods)
    save(drawn, [tmp_path / "figure.png"])
    assert (tmp_path / "figure.png").stat().st_size > 5000  # bytes: an empty page has fewer


def test_the_share_of_runs_that_reached_a_target_is_a_step_function_of_the_cost():
    costs = pd.Series([30.0, math.inf, 10.0, math.nan])
    cost, share = target_reached.reached(costs, end=50.0)
    assert list(cost) == [0, 10, 30, 50]
    assert list(share) == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3])
    never, none = target_reached.reached(pd.Series([math.inf]), end=50.0)
    assert (list(never), list(none)) == ([0, 50], [0, 0])


def test_test_accuracy_has_a_dot_a_training_and_one_a_champion():
    records = fake_records(methods=2, runs=3, generations=2)
    rows = {name: values for name, _, values in test_accuracy.rows_of(records, "task_0")}
    assert list(rows) == ["Cross entropy", "NGL", "Bred: E-GP", "Bred: Random search"]
    mine = records.retrained
    assert list(rows["NGL"]) == list(100 * mine[mine["loss"] == "ngl"]["test_accuracy"])
    champion = mine[mine["loss"] == "egp_seed0"]["test_accuracy"].mean()
    assert len(rows["Bred: E-GP"]) == 3
    assert 100 * champion in list(rows["Bred: E-GP"])


@pytest.mark.parametrize("runs", [2, 5])
def test_fewer_than_five_runs_have_no_bars(monkeypatch, runs):
    records = fake_records(methods=3, runs=runs, generations=2)
    monkeypatch.setattr(anytime, "curves", lambda records: records.curves)
    strip = anytime.draw(records).axes[0].child_axes[0]
    assert len(strip.collections) == (3 if runs == 5 else 0)
    marks = [len(line.get_ydata()) for line in strip.lines]
    assert marks == [1 if runs == 5 else 2] * 3


def test_anytime_curves_end_where_the_reference_method_ends(monkeypatch):
    records = fake_records(methods=3, runs=2, generations=4)
    cheap = records.curves["method"] == "random_search"
    frame = records.curves[~cheap | (records.curves["generation"] < 3)]
    monkeypatch.setattr(anytime, "curves", lambda records: frame)
    samples = anytime.draw(records).axes[0]
    budget = frame[frame["method"] == "random_search"]["samples"].max()
    assert anytime.common_budget(frame, "samples", "random_search") == budget
    assert samples.get_xlim()[1] == pytest.approx(budget / 1000)
    ends = [max(line.get_xdata()) for line in samples.lines[:-1]]  # the last is cross entropy's
    assert ends == pytest.approx([budget / 1000] * len(ends))


def test_a_method_that_begins_too_late_is_named(monkeypatch):
    records = fake_records(methods=2, runs=2, generations=3)
    frame = records.curves.copy()
    late = frame["method"] == "egp"
    frame.loc[late, "samples"] += 10**9
    monkeypatch.setattr(anytime, "curves", lambda records: frame)
    samples = anytime.draw(records).axes[0]
    assert "E-GP" in samples.texts[0].get_text()


def test_points_below_the_axis_and_failures_are_counted():
    records = fake_records(methods=2, runs=2, generations=3)
    mine = records.scores[records.scores["method"] == "egp"]
    bottom = generations.lowest_shown(records.scores, records.ledgers)
    assert (records.scores["fitness"] > bottom).sum() >= records.scores["fitness"].count() / 2
    axis = generations.draw(records).axes[0]
    below, failed = (mine["fitness"] < bottom).sum(), mine["fitness"].isna().sum()
    assert axis.get_xlabel() == f"{below} below, {failed} unfinished of {len(mine)}"


def test_the_front_has_who_is_not_beaten_at_both():
    frame = pd.DataFrame(
        {
            "method": ["cheap", "good", "beaten", "same"],
            "samples": [1.0, 3.0, 2.0, 3.0],
            "fitness": [0.5, 0.9, 0.4, 0.8],
        }
    )
    assert cost_accuracy.front(frame) == ["cheap", "good"]
    sizes = pd.DataFrame({"size": [3, 5, 5, 7, 9], "fitness": [0.5, 0.4, 0.8, 0.7, 0.9]})
    front = size_accuracy.front(sizes)
    assert list(front["size"]) == [3, 5, 9]
    assert list(front["fitness"]) == [0.5, 0.8, 0.9]


def test_an_ancestry_follows_first_parents_to_the_first_generation():
    plans = pd.DataFrame(
        {
            "candidate_id": ["a", "b", "c", "d", "c"],
            "generation": [0, 0, 1, 2, 3],
            "parents": [[], [], ["a", "b"], ["c"], ["d"]],
            "expression": ["p * y", "p - y", "p / y", "p + y", "p / y"],
            "operator": ["grow", "grow", "crossover", "one_point_mutation", "crossover"],
        }
    )
    line = lineage.ancestry(plans, "d")
    assert [ancestor["candidate_id"] for ancestor in line] == ["a", "c", "d"]
    assert line[1]["mate"] == "p - y"


def test_reliability_pools_trainings_by_bin():
    trainings = pd.DataFrame(
        {
            "status": ["completed", "completed", "diverged"],
            "test_bin_share": [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], None],
            "test_bin_confidence": [[0.2, 0.3, 0.0], [0.0, 0.7, 0.0], None],
            "test_bin_accuracy": [[0.1, 0.5, 0.0], [0.0, 0.4, 0.0], None],
        }
    )
    confidence, accuracy = reliability.curve(trainings)
    assert list(confidence) == pytest.approx([0.4, 2 / 3])
    assert list(accuracy) == pytest.approx([0.2, 0.6])


def test_the_landscape_of_cross_entropy_has_its_values_and_its_blanks():
    axis, values = loss_landscape.landscape("-(y * log(p))", classes=3)
    row, column = 60, 50
    assert values[row, column] == pytest.approx(
        -math.log(axis[column]) + math.log(axis[-1]), abs=1e-6
    )
    assert math.isnan(values[110, 60])  # together more than 1
    assert math.isnan(values[1, 1])  # the largest other is at least half of the rest


def test_the_flowchart_has_the_studys_own_numbers():
    records = json.loads(Plan(load_files([])).description_of(("flow",)))
    assert records["flow"]["method"] == "egp_racing"
    text = " ".join(flowchart.steps(records["flow"]))
    for part in ("P = 6", "|G| = 6", "N = 5", "M_ST = 0.5", "T = 20"):
        assert part in text
    for flow in (records["flow"], None):
        figure = flowchart.draw(SimpleNamespace(description={"flow": flow}))
        assert len(figure.axes[0].texts) == 1 or flow is not None
