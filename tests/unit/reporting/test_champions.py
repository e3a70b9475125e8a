"""Table champions: the test accuracy of bred losses against cross entropy and the reference method."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.statistics import crossed_mean
from evoloss.reporting.tables import champions

TRAINING_SEEDS = range(5)


def study(gains, run_seeds, balanced=()):
    """Fake final trainings on one task: `gains` is each method's test accuracy minus that of cross entropy."""
    rng = np.random.default_rng(0)
    of_seed = rng.normal(0.8, 0.05, len(TRAINING_SEEDS))
    accuracies, entries = {"cross_entropy": of_seed}, []
    for seed in run_seeds:
        shared = rng.normal(0, 0.01)
        for method, gain in gains.items():
            loss = f"{method}_seed{seed}"
            entries.append({"loss": loss, "method": method})
            accuracies[loss] = of_seed + gain + shared + rng.normal(0, 0.002)
    rows = [
        {
            "task": "digits",
            "loss": loss,
            "training_seed": seed,
            "test_accuracy": value,
            "test_balanced_accuracy": value / 2,
        }
        for loss, values in accuracies.items()
        for seed, value in zip(TRAINING_SEEDS, values, strict=True)
    ]
    return SimpleNamespace(
        retrained=pd.DataFrame(rows),
        confidence=0.95,
        description={
            "retrain_tasks": ["digits"],
            "balanced_tasks": list(balanced),
            "losses": list(accuracies),
            "champions": entries,
            "reference_method": "random_search",
        },
    )


def lose(records, loss, seeds):
    """Let the trainings of a loss with these training seeds fail."""
    frame = records.retrained
    mine = (frame["loss"] == loss) & frame["training_seed"].isin(seeds)
    frame.loc[mine, ["test_accuracy", "test_balanced_accuracy"]] = math.nan


def test_planted_differences_are_found_and_a_planted_null_is_not():
    records = study({"egp": 0.05, "ngl_gp": 0.0, "random_search": 0.0}, range(9))
    frame = champions.build(records).set_index("method")
    assert list(frame.index) == ["egp", "ngl_gp", "random_search", "all"]
    egp, null = frame.loc["egp"], frame.loc["ngl_gp"]
    assert egp["difference_to_reference"] == pytest.approx(0.05, abs=0.005)
    assert egp["reference_ci_low"] > 0
    assert egp["p_value"] < 0.05
    assert egp["cross_entropy_ci_low"] > 0
    assert null["reference_ci_low"] < 0 < null["reference_ci_high"]
    assert null["p_value"] > 0.05
    own = frame.loc["random_search"]
    assert own[["difference_to_reference", "reference_ci_low", "p_value"]].isna().all()
    shown = champions.dress(champions.build(records), records).frame
    assert ["*" in text for text in shown["To reference (points)"]] == [True, False, False, False]


def test_the_run_is_the_unit():
    records = study({"egp": 0.05, "random_search": 0.0}, range(6))
    means = records.retrained.groupby("loss")["test_accuracy"].mean()
    mine = means[[f"egp_seed{seed}" for seed in range(6)]]
    row = champions.build(records).iloc[0]
    assert (row["runs"], row["trainings"], row["failed_trainings"]) == (6, 30, 0)
    assert row["test_accuracy"] == pytest.approx(mine.mean())
    assert row["test_accuracy_sd"] == pytest.approx(mine.std())
    difference = row["difference_to_cross_entropy"]
    assert difference == pytest.approx((mine - means["cross_entropy"]).mean())


def test_failed_trainings_are_left_out_and_named():
    records = study({"egp": 0.05, "random_search": 0.0}, range(3))
    means = records.retrained.groupby("loss")["test_accuracy"].mean()
    lose(records, "egp_seed0", [0, 1])
    frame = champions.build(records)
    # Hard training seeds that a champion missed do not count as a gain: it has no part in the difference.
    complete = means[["egp_seed1", "egp_seed2"]].mean() - means["cross_entropy"]
    assert frame["difference_to_cross_entropy"][0] == pytest.approx(complete)
    assert list(frame["failed_trainings"]) == [2, 0, 2]
    assert any(
        "E-GP: 2 of 15 trainings did not complete" in note
        for note in champions.dress(frame, records).notes
    )


def test_a_champion_that_failed_altogether_is_no_run_and_no_pair():
    records = study({"egp": 0.05, "random_search": 0.0}, range(5))
    lose(records, "egp_seed1", TRAINING_SEEDS)
    row = champions.build(records).iloc[0]
    assert (row["runs"], row["reference_pairs"]) == (4, 4)
    for seed in range(5):
        lose(records, f"egp_seed{seed}", TRAINING_SEEDS)
    frame = champions.build(records)
    assert frame["runs"][0] == 0
    shown = champions.dress(frame, records)
    assert shown.frame["Accuracy (%)"][0] == "failed"
    assert shown.bold == {(1, "Accuracy (%)")}
    for seed in range(5):
        lose(records, f"random_search_seed{seed}", TRAINING_SEEDS)
    assert champions.dress(champions.build(records), records).bold == frozenset()


def test_balanced_tasks_are_scored_by_balanced_accuracy():
    plain = champions.build(study({"egp": 0.05, "random_search": 0.0}, range(3)))
    records = study({"egp": 0.05, "random_search": 0.0}, range(3), balanced=["digits"])
    balanced = champions.build(records)
    assert balanced["test_accuracy"][0] == pytest.approx(plain["test_accuracy"][0] / 2)
    assert any("Class-balanced" in note for note in champions.dress(balanced, records).notes)


def test_without_champions_the_table_is_empty():
    records = study({}, range(3))
    frame = champions.build(records)
    assert frame.empty
    dressed = champions.dress(frame, records)
    assert r"\toprule" in to_latex(dressed)
    assert "No champion was retrained." in to_markdown(dressed)


def test_all_champions_together_are_compared_with_cross_entropy():
    """The clearest result of a study with two runs a method: most champions lie below cross entropy."""
    records = study({f"m{k}": -0.03 for k in range(8)} | {"random_search": -0.03}, range(2))
    frame = champions.build(records)
    pooled = frame[frame["method"] == "all"].iloc[0]
    assert (pooled["runs"], pooled["below_cross_entropy"]) == (18, 18)
    assert pooled["difference_to_cross_entropy"] <= pooled["cross_entropy_ci_high"] < 0
    notes = champions.dress(frame, records).notes
    assert any(
        "18 of 18 champions lie below cross entropy; 18 of the 18 train differently from one another. Pooled "
        "difference: −"
        in note
        and "it covers training seeds, not the 2 run seeds" in note
        for note in notes
    )


def test_champions_of_one_run_seed_are_no_independent_runs():
    """Nine methods that all found the same loss say as much as one of them."""
    records = study({"m0": -0.03}, range(9))
    twins = [records.retrained]
    for k in range(1, 9):
        copied = records.retrained[records.retrained["loss"] != "cross_entropy"]
        twins.append(copied.assign(loss=copied["loss"].str.replace("m0", f"m{k}")))
        records.description["champions"] += [
            {"loss": f"m{k}_seed{seed}", "method": f"m{k}"} for seed in range(9)
        ]
    records.retrained = pd.concat(twins)
    records.description["reference_method"] = "m0"
    frame = champions.build(records).set_index("method")
    ends = ["difference_to_cross_entropy", "cross_entropy_ci_low", "cross_entropy_ci_high"]
    assert list(frame.loc["all", ends]) == pytest.approx(list(frame.loc["m0", ends]))
    assert (frame.loc["all", "runs"], frame.loc["all", "distinct"]) == (81, 9)
    notes = champions.dress(frame.reset_index(), records).notes
    assert any("with the run seed as the unit" in note for note in notes)


def test_the_pooled_interval_covers_what_champions_of_a_run_seed_share():
    # 60 builds of the table take five seconds: a coverage shows in many cases only.
    rng = np.random.default_rng(3)
    records = study({f"m{k}": 0.0 for k in range(4)} | {"random_search": 0.0}, range(9))
    frame = records.retrained.set_index(["loss", "training_seed"])["test_accuracy"].unstack()
    losses = frame.index.drop("cross_entropy")
    of_run = losses.str.rpartition("_seed").get_level_values(2).astype(int)
    covered = naive = 0
    for _ in range(60):
        # Most of what a champion gains belongs to its run seed, and cross entropy has lucky seeds.
        gains = rng.normal(0, 0.02, 9)[of_run][:, None] + rng.normal(0, 0.01, (45, 1))
        gains = gains + rng.normal(0, 0.005, (1, 5)) + rng.normal(0, 0.005, (45, 5))
        frame.loc[losses] = frame.loc["cross_entropy"].to_numpy() + gains
        records.retrained = (
            frame.stack().rename("test_accuracy").reset_index().assign(task="digits")
        )
        row = champions.build(records).set_index("method").loc["all"]
        covered += row["cross_entropy_ci_low"] <= 0 <= row["cross_entropy_ci_high"]
        runs = crossed_mean(gains, 0.95)
        naive += runs.low <= 0 <= runs.high
    # 95 % of 60 cases are 57; an interval of the run means alone misses more than nine.
    assert covered >= 54
    assert naive < 51


def test_two_runs_have_values_and_no_verdict():
    records = study({"egp": 0.05, "ngl_gp": 0.01, "random_search": 0.0}, range(2))
    dressed = champions.dress(champions.build(records), records)
    rows = dressed.frame.set_index("Method").drop("All methods")
    assert not any("±" in text or "[" in text or "*" in text for text in rows.to_numpy().flatten())
    assert rows["Accuracy (%)"].str.contains(", ").all()
    assert dressed.bold == frozenset()
    assert any("Fewer than 5 runs" in n and "would need about" in n for n in dressed.notes)
