"""Figure critical_difference: the mean ranks of methods over tasks."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evoloss.reporting.figures import critical_difference
from evoloss.reporting.figures.critical_difference import mean_ranks, needed_tasks, task_means

METHODS = ["egp", "random_search", "ngl_gp"]


def planted(tasks: int, gap: float = 0.01, methods=METHODS) -> SimpleNamespace:
    """`egp` is best by `gap` on every task, then `random_search`, then `ngl_gp`; two runs each."""
    champions = [
        {"loss": f"{method}_seed{run}", "method": method} for method in methods for run in (0, 1)
    ]
    rows = [
        {
            "task": f"t{task}",
            "loss": champion["loss"],
            "training_seed": seed,
            "test_accuracy": 0.9 - task / 100 - gap * methods.index(champion["method"]),
            "test_balanced_accuracy": 0.5 + gap * methods.index(champion["method"]),
        }
        for task in range(tasks)
        for champion in champions
        for seed in (0, 1)
    ]
    return SimpleNamespace(
        methods=list(methods),
        retrained=pd.DataFrame(rows),
        description={
            "champions": champions,
            "retrain_tasks": [f"t{task}" for task in range(tasks)],
            "balanced_tasks": [],
        },
    )


def texts(figure) -> str:
    """All that the figure says."""
    axis = figure.axes[0]
    return " ".join([axis.get_title(), *(text.get_text() for text in axis.texts)])


def test_planted_ranks_are_found():
    records = planted(tasks=6)
    assert mean_ranks(task_means(records)).to_dict() == {"egp": 1, "random_search": 2, "ngl_gp": 3}
    text = texts(critical_difference.draw(records))
    assert "E-GP (1.00)" in text
    assert "(3.00) NGL-GP" in text
    assert "CD = 1.35" in text  # q = 2.343 for three (Demšar, table 5), sqrt(12 / 36)


def test_without_differences_no_pair_is_tested():
    records = planted(6, gap=0)
    assert "all methods are equal" in texts(critical_difference.draw(records))
    for shift, method in enumerate(METHODS):  # the methods take turns at being best
        mine = records.retrained["loss"].str.startswith(method)
        turn = (records.retrained["task"].str[1:].astype(int) + shift) % 3
        records.retrained.loc[mine, "test_accuracy"] += 0.01 * turn
    assert "no significant difference" in texts(critical_difference.draw(records))


def test_balanced_tasks_rank_by_balanced_accuracy():
    records = planted(tasks=5)
    records.description["balanced_tasks"] = ["t0"]
    ranks = task_means(records).rank(axis=1, ascending=False)
    assert list(ranks.loc["t0"]) == [3, 2, 1]
    assert list(ranks.loc["t1"]) == [1, 2, 3]


def test_failed_trainings_are_left_out_and_a_failed_champion_counts_as_nothing():
    records = planted(tasks=5)
    frame, of_run = records.retrained, records.retrained["loss"] == "egp_seed0"
    on_task = frame["task"] == "t0"
    frame.loc[on_task & of_run & (frame["training_seed"] == 1), "test_accuracy"] = np.nan
    assert task_means(records).loc["t0", "egp"] == pytest.approx(0.9)
    frame.loc[on_task & of_run, "test_accuracy"] = np.nan
    assert task_means(records).loc["t0", "egp"] == pytest.approx(0.45)  # the mean of 0.9 and 0


@pytest.mark.parametrize("tasks", [1, 4])
def test_too_few_tasks_give_a_sentence(tasks):
    text = texts(critical_difference.draw(planted(tasks)))
    assert f"{tasks} task" in text
    assert "at least" in text
    assert "Run seeds cannot replace tasks" in text.replace("\n", " ")


def test_two_methods_give_a_sentence():
    text = texts(critical_difference.draw(planted(6, methods=METHODS[:2])))
    assert "it compares 3 or more" in text.replace("\n", " ")


def test_five_or_six_tasks_are_needed():
    assert [needed_tasks(methods) for methods in (2, 3, 8)] == [6, 5, 5]
