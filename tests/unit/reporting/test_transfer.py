"""Table transfer: bred losses against the best published loss on every task."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.statistics import crossed_mean, paired_difference, wilcoxon_p
from evoloss.reporting.tables import transfer

SEEDS = range(9)


def study(published, gains, run_seeds=range(9), tasks=("clean", "noisy")):
    """Fake final trainings: `published` and `gains` are accuracies of losses and methods minus cross entropy's."""
    rng = np.random.default_rng(0)
    rows, entries = [], []
    for task in tasks:
        base = rng.normal(0.8, 0.02, len(SEEDS))
        found = {"cross_entropy": base}
        found |= {
            name: base + gain + rng.normal(0, 0.002, len(SEEDS)) for name, gain in published.items()
        }
        for method, gain in gains.items():
            for seed in run_seeds:
                loss = f"{method}_seed{seed}"
                entries.append({"loss": loss, "method": method})
                of_run = rng.normal(0, 0.003)
                found[loss] = base + gain + of_run + rng.normal(0, 0.002, len(SEEDS))
        rows += [
            {"task": task, "loss": loss, "training_seed": seed, "test_accuracy": value}
            for loss, values in found.items()
            for seed, value in zip(SEEDS, values, strict=True)
        ]
    unique = [dict(entry) for entry in {tuple(e.items()) for e in entries}]
    return SimpleNamespace(
        retrained=pd.DataFrame(rows),
        confidence=0.95,
        description={
            "retrain_tasks": list(tasks),
            "balanced_tasks": [],
            "losses": ["cross_entropy", *published],
            "published": ["cross_entropy", *(name for name in published if name != "own")],
            "champions": sorted(unique, key=lambda entry: entry["loss"]),
        },
    )


def test_champions_are_compared_run_by_run_and_losses_seed_by_seed():
    records = study({"gce": 0.03, "sce": 0.01}, {"egp": 0.05, "random_search": 0.03})
    frame = transfer.build(records).set_index(["task", "loss"])
    assert list(frame.loc["clean"].index) == ["cross_entropy", "gce", "sce", "egp", "random_search"]
    assert (frame["best_published"] == "gce").all()
    table = records.retrained[records.retrained["task"] == "noisy"].pivot(
        index="training_seed", columns="loss", values="test_accuracy"
    )
    sce = frame.loc[("noisy", "sce")]
    expected = paired_difference(table["sce"], table["cross_entropy"], 0.95)
    assert (sce["difference_to_cross_entropy"], sce["cross_entropy_ci_low"]) == (
        expected.mean,
        expected.low,
    )
    egp = frame.loc[("noisy", "egp")]
    mine = table[[f"egp_seed{k}" for k in range(9)]]
    expected = crossed_mean(mine.sub(table["gce"], axis=0).T.to_numpy(), 0.95)
    assert (egp["difference_to_best"], egp["best_ci_low"]) == (expected.mean, expected.low)
    assert egp["best_ci_low"] > 0
    assert (egp["champions"], egp["n"]) == (9, 9)
    # Holm: of five rows four are compared with cross entropy, and all are significant alike.
    smallest = wilcoxon_p(mine.mean(), np.full(9, table["cross_entropy"].mean()))
    assert egp["cross_entropy_p_value"] == pytest.approx(4 * smallest)
    assert math.isnan(frame.loc[("noisy", "gce"), "difference_to_best"])
    assert math.isnan(frame.loc[("noisy", "cross_entropy"), "difference_to_cross_entropy"])


def test_a_loss_that_failed_is_no_best_and_a_champion_that_failed_is_left_out():
    records = study({"gce": 0.03, "sce": 0.01}, {"egp": 0.05})
    frame = records.retrained
    frame.loc[(frame["loss"] == "gce") & (frame["training_seed"] == 3), "test_accuracy"] = math.nan
    frame.loc[(frame["loss"] == "egp_seed2") & (frame["training_seed"] == 0), "test_accuracy"] = (
        math.nan
    )
    built = transfer.build(records).set_index(["task", "loss"])
    assert (built["best_published"] == "sce").all()
    assert math.isnan(built.loc[("clean", "gce"), "difference_to_cross_entropy"])
    assert built.loc[("clean", "egp"), "champions"] == 8


def test_two_runs_have_no_interval_and_the_table_is_written():
    records = study({"gce": 0.03}, {"egp": 0.05}, run_seeds=range(2))
    frame = transfer.build(records)
    row = frame[(frame["task"] == "clean") & (frame["loss"] == "egp")].iloc[0]
    assert row["difference_to_best"] == pytest.approx(0.02, abs=0.01)
    assert math.isnan(row["best_ci_low"])
    assert math.isnan(row["best_p_value"])
    dressed = transfer.dress(frame, records)
    text = to_markdown(dressed)
    assert "E-GP (2 champions)" in text
    assert "**" in text
    assert r"\begin{" in to_latex(dressed)


def test_a_loss_that_nobody_published_is_compared_but_not_with_itself():
    records = study({"gce": 0.01, "own": 0.05}, {})
    frame = transfer.build(records).set_index(["task", "loss"])
    assert (frame["best_published"] == "gce").all()
    assert frame.loc[("clean", "own"), "difference_to_best"] == pytest.approx(0.04, abs=0.005)
    assert "champions" not in to_markdown(transfer.dress(transfer.build(records), records))
