"""Tables and figure of losses on tasks that differ in one setting: published_losses and label_noise."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evoloss.reporting.conditions import epochs_to
from evoloss.reporting.figures import published_losses as figure
from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.style import save
from evoloss.reporting.tables import label_noise
from evoloss.reporting.tables import published_losses as table

CE_ENDS = [0.90, 0.92, 0.91, 0.93, 0.90]
GAINS = [0.010, 0.020, 0.015, 0.005, 0.020]


def trainings(task, loss, ends, curves, status="completed"):
    """Final trainings of a loss on a task, one an accuracy in `ends`."""
    return pd.DataFrame(
        {
            "task": task,
            "loss": loss,
            "training_seed": range(len(ends)),
            "learning_rate": 0.2,
            "status": status,
            "validation_accuracy": curves,
            "test_accuracy": ends,
            "test_balanced_accuracy": 0.5,
            "test_margin": [0.5 + 0.01 * k for k in range(len(ends))],
        }
    )


def records(seeds=5):
    """A study of four losses on a clean and a noisy task: mse is better, mae slow, and hinge diverges."""
    rows = []
    for task in ("clean", "noisy"):
        ends = CE_ENDS[:seeds]
        rows.append(trainings(task, "cross_entropy", ends, [[0.5, 0.85, 0.90]] * seeds))
        better = [end + gain for end, gain in zip(ends, GAINS, strict=False)]
        rows.append(trainings(task, "mse", better, [[0.83, 0.85, 0.92]] * seeds))
        slow = [[0.1, 0.2, 0.3]] * (seeds - 1) + [[0.1, 0.2, 0.9]]
        rows.append(trainings(task, "mae", [0.3] * seeds, slow))
        lost = trainings(task, "hinge", [math.nan] * seeds, [[]] * seeds, "diverged")
        rows.append(lost.assign(test_margin=math.nan))
    settings = {"dataset": {"name": "digits"}, "input_noise": 0.0, "epochs": 3}
    return SimpleNamespace(
        retrained=pd.concat(rows, ignore_index=True),
        confidence=0.95,
        all_tasks=[
            {
                "name": name,
                "chance": 0.1,
                "classes": 10,
                "training_images": 898,
                "settings": settings | {"label_noise": {"kind": "symmetric", "share": noise}},
            }
            for name, noise in (("clean", 0.0), ("noisy", 0.4))
        ],
        description={
            "losses": ["cross_entropy", "mse", "mae", "hinge"],
            "balanced_tasks": [],
            "conditions": [{"setting": "label_noise", "tasks": ["clean", "noisy"]}],
        },
    )


def row(frame, loss, task="clean"):
    """The row of a loss on a task."""
    (found,) = frame[(frame["task"] == task) & (frame["loss"] == loss)].to_dict("records")
    return found


def test_the_table_and_the_figure_are_made(tmp_path):
    frame = table.build(records())
    assert list(frame["task"].unique()) == ["clean", "noisy"]
    dressed = table.dress(frame, records())
    assert "∞ (1/5)" in to_markdown(dressed)
    assert "longtable" in to_latex(dressed)
    drawn = figure.draw(records())
    titles = [axis.get_title() for axis in drawn.axes if axis.get_visible()]
    assert titles == [
        "Label noise, 10 classes",
        "Epochs to 90% of CE's gain",
        "Margin on test images",
    ]
    labels = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    assert labels == ["0%", "40%"]
    save(drawn, [tmp_path / "figure.png"])


def test_differences_are_paired_and_their_interval_is_scipys():
    found = row(table.build(records()), "mse")
    interval = stats.ttest_1samp(GAINS, 0).confidence_interval(0.95)
    assert found["difference_to_cross_entropy"] == pytest.approx(np.mean(GAINS))
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(tuple(interval))


def test_below_five_pairs_there_is_no_interval():
    frame = table.build(records(seeds=4))
    assert math.isnan(row(frame, "mse")["ci_low"])
    assert row(frame, "mse")["difference_to_cross_entropy"] > 0
    text = to_markdown(table.dress(frame, records(seeds=4))).split("Mean ± s.d.")[0]
    assert "[" not in text
    assert "*" not in text


def test_the_target_is_a_share_of_cross_entropys_gain():
    frame = table.build(records())
    fast, baseline = row(frame, "mse"), row(frame, "cross_entropy")
    assert fast["target"] == pytest.approx(0.1 + 0.9 * (0.9 - 0.1))
    assert (fast["epochs_to_target"], baseline["epochs_to_target"]) == (1, 2)
    # One of five reached it: no mean of those that did.
    slow = row(frame, "mae")
    assert (slow["reached"], slow["epochs_to_target"]) == (1, math.inf)
    assert epochs_to([0.1, 0.5, 0.4], 0.45) == 2


def test_a_loss_that_never_trained_stands_there_with_nothing():
    found = row(table.build(records()), "hinge")
    assert (found["completed"], found["training_seeds"], found["reached"]) == (0, 5, 0)
    assert math.isnan(found["test_accuracy"])


def test_wrong_labels_have_a_column_a_share():
    found = records()
    found.description["conditions"] = [{"setting": "label_noise", "tasks": ["clean", "noisy"]}]
    frame = label_noise.build(found)
    assert len(frame) == 8
    dressed = label_noise.dress(frame, found)
    assert list(dressed.frame) == ["Classes", "Loss", "0 % wrong", "40 % wrong"]
    by_loss = dressed.frame.set_index("Loss")
    assert by_loss.loc["MSE (Brier)", "40 % wrong"].endswith("*")
    assert not by_loss.loc["Cross entropy", "0 % wrong"].endswith("*")
    assert by_loss.loc["Hinge", "0 % wrong"] == "failed"
    assert (1, "0 % wrong") in dressed.bold
    assert "% wrong" in to_latex(dressed).replace("\\", "").replace("~", " ")
