"""Table search_cost: how good each method's champions are, what they cost, and how sure that is."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from fake_records import TRAINING, study

from evoloss.reporting.differences import compare
from evoloss.reporting.incumbents import champion_fitness, curves
from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.tables import search_cost


def table(records):
    """The numbers of the table by method, and the table as it is dressed."""
    frame = search_cost.build(records)
    return frame.set_index("method"), search_cost.dress(frame, records)


def test_a_planted_difference_is_found_from_nine_runs_on_and_a_planted_null_is_not():
    planted = {"egp": 1.2, "ngl_gp": 1.0, "glo": 0.8, "random_search": 1.0}
    rows, dressed = table(study(planted, range(9), spread=0.02))
    for method, sign in (("egp", 1), ("glo", -1)):
        assert rows.loc[method, "p_value"] < 0.05
        assert sign * rows.loc[method, "fitness_difference"] == pytest.approx(0.2, abs=0.03)
        assert rows.loc[method, "difference_ci_low"] * rows.loc[method, "difference_ci_high"] > 0
    null = rows.loc["ngl_gp"]
    assert null["difference_ci_low"] < 0 < null["difference_ci_high"]
    assert null["p_value"] > 0.05
    shown = dressed.frame.set_index("Method")["Difference"]
    assert [("*" in text) for text in shown] == [True, False, True, False]
    assert any(note.startswith("p: paired Wilcoxon") for note in dressed.notes)


def test_most_planted_nulls_are_reported_as_none():
    """It takes some 20 seconds, for 60 studies: only many cases show how often a null is reported as a finding."""
    found = 0
    for case in range(60):
        fitness = {"a": 1.0, "b": 1.0, "random_search": 1.0}
        records = study(fitness, range(9), spread=0.02, seed=case)
        # The p-values that `build` has in its table, without its other columns, which take most of the time.
        compared = compare(
            champion_fitness(records), "random_search", records.confidence, records.overlap
        )
        found += bool((compared["p_value"] < 0.05).any())
    assert found <= 7  # 5 % of 60 are expected: three


def test_fewer_than_nine_runs_give_intervals_but_no_p_value():
    rows, dressed = table(study({"egp": 1.2, "random_search": 1.0}, range(8), spread=0.02))
    assert rows["p_value"].isna().all()
    assert rows.loc["egp", "difference_ci_low"] > 0
    assert "p" not in dressed.frame
    assert any("fewer than 9 run seeds" in note for note in dressed.notes)


def test_the_reference_has_no_difference_to_itself_and_costs_one():
    rows, _ = table(study({"egp": 1.2, "random_search": 1.0}, range(9)))
    own = rows.loc["random_search"]
    nulls = [
        "fitness_difference",
        "difference_ci_low",
        "difference_ci_high",
        "p_value",
        "cost_to_match_ci_low",
        "cost_to_match_ci_high",
    ]
    assert own[nulls].isna().all()
    assert (own["cost_to_match"], own["matched_share"], own["relative_cost"]) == (1, 1, 1)


def test_the_cost_to_match_is_as_by_hand_and_infinity_is_shown_in_every_format():
    records = study({"egp": 1.2, "ngl_gp": 1.0, "glo": 0.8, "random_search": 1.0}, range(9))
    frame = search_cost.build(records)
    rows = frame.set_index("method")
    # Better by more than 0.1, E-GP's first leader is enough: one generation against two.
    assert rows.loc["egp", "cost_to_match"] == 0.5
    assert rows.loc["ngl_gp", "cost_to_match"] == 1
    assert rows.loc["glo", "cost_to_match"] == math.inf
    assert list(rows["matched_share"]) == [1, 1, 0, 1]
    text = io.StringIO()
    frame.to_csv(text, index=False)
    assert ",inf,inf,inf,0.0,9," in text.getvalue()
    dressed = search_cost.dress(frame, records)
    shown = dressed.frame.set_index("Method")
    texts = [text.replace("\u00a0", " ") for text in shown["Cost to match"]]
    assert texts == [
        "0.50 (9/9) [0.50, 0.50]",
        "1.00 (9/9) [1.00, 1.00]",
        "∞ (0/9) [∞, ∞]",
        "1.00 (9/9)",
    ]
    assert r"$\infty$" in to_latex(dressed)
    assert "∞" in to_markdown(dressed)


def test_costs_are_means_over_runs_of_sums_over_generations():
    records = study({"egp": 1.2, "random_search": 1.0}, range(2))
    mine = (records.ledgers["method"] == "egp") & (records.ledgers["run_seed"] == 0)
    records.ledgers.loc[mine, ["rescore_samples", "reused", "failed_evaluations"]] = [200, 2, 1]
    records.ledgers.loc[mine, "stopped_evaluations"] = 4
    row = search_cost.build(records).set_index("method").loc["egp"]
    assert row["training_samples"] == 3 * 5 * TRAINING
    assert row["rescore_search_samples"] == 3 * 200 / 2
    assert (row["reused"], row["failed_evaluations"], row["stopped_evaluations"]) == (3, 1.5, 6)
    assert row["rescore_samples"] == 3 * TRAINING  # off the books: two candidates and the baseline
    assert row["runs"] == 2


def test_without_a_level_to_match_there_is_no_cost_to_match():
    records = study({"egp": 1.2, "random_search": 1.0}, range(3))
    lost = (records.rescored["method"] == "random_search") & (
        records.rescored["role"] == "incumbent"
    )
    records.rescored.loc[lost, ["validation_accuracy", "status"]] = [math.nan, "diverged"]
    rows, dressed = table(records)
    assert rows[["cost_to_match", "matched_share"]].isna().all(axis=None)
    assert set(dressed.frame["Cost to match"]) == {"–"}


def test_curves_cumulate_each_run_and_follow_an_incumbent_that_comes_back():
    records = study({"egp": 1.0, "random_search": 1.0}, [0, 1])
    records.ledgers.loc[2, "incumbent"] = "g0"
    run = curves(records).query("method == 'egp' and run_seed == 0")
    assert list(run["samples"]) == [500, 1000, 1500]
    assert list(run["seconds"]) == [2.75, 5.5, 8.25]
    np.testing.assert_allclose(run["fitness"].diff()[1:], [0.1, -0.1])
    assert len(curves(records)) == len(records.ledgers)


def repeated(records, values):
    """The re-scored trainings of a run; `values` gives each candidate's accuracies by repeat."""
    rows = [
        records.rescored.iloc[0].to_dict()
        | {
            "candidate_id": name,
            "role": "cross_entropy" if name == "cross_entropy" else "incumbent",
            "repeat": repeat,
            "validation_accuracy": accuracy,
            "status": "diverged" if math.isnan(accuracy) else "completed",
        }
        for name, accuracies in values.items()
        for repeat, accuracy in enumerate(accuracies)
    ]
    return pd.DataFrame(rows)


def test_the_noise_of_fitness_is_the_one_computed_by_hand():
    records = study({"random_search": 1.0}, [0])
    # Chance is 0 and cross entropy 0.8 on average, so fitness is accuracy / 0.8. All three share what
    # the repeats do, but for g1, which is 0.1, -0.2, 0.1 off in fitness.
    records.rescored = repeated(
        records, {"cross_entropy": [0.4, 0.8, 1.2], "g0": [0.0, 0.4, 0.8], "g1": [0.32, 0.48, 1.12]}
    )
    records.ledgers["best_fitness"] = [0.7, 0.8, 1.05]
    records.ledgers["fitness_sd"] = [0.5, 0.4, 0.3]
    frame = search_cost.build(records)
    row = frame.iloc[0]
    # A mean over the three candidates takes a third of g1's squares away; the rest is over (3 - 1) * (3 - 1).
    assert row["fitness_noise_sd"] == pytest.approx(math.sqrt(2 / 3 * (0.01 + 0.04 + 0.01) / 4))
    assert row["population_sd"] == 0.3
    assert row["winners_luck"] == pytest.approx(1.05 - 0.8)
    note = search_cost.dress(frame, records).notes[-1]
    assert all(text in note for text in ("s.d. of 0.100 ", "s.d. of 0.300.", "by 0.250."))
    one = search_cost.build(study({"random_search": 1.0}, [0]))
    assert "Noise" not in search_cost.dress(one, records).notes[-1]


def test_noise_is_a_mean_over_runs_and_unknown_where_nothing_tells_it():
    records = study({"egp": 1.0, "random_search": 1.0}, [0, 1])
    of_one = repeated(records, {"cross_entropy": [1.0, 1.0], "g1": [0.9, 1.1]})
    of_other = repeated(
        records, {"cross_entropy": [1.0, 1.0], "g1": [0.8, 0.8], "g0": [0.5, math.nan]}
    )
    others = records.rescored.query("method == 'random_search'")
    records.rescored = pd.concat([of_one, of_other.assign(run_seed=1), others])
    last = (records.ledgers["method"] == "egp") & (records.ledgers["generation"] == 2)
    records.ledgers.loc[last, "best_fitness"] = [1.1, 1.0]
    records.ledgers.loc[records.ledgers["generation"] == 2, "fitness_sd"] = [
        0.1,
        math.nan,
        0.3,
        math.nan,
    ]
    rows = search_cost.build(records).set_index("method")
    assert rows.loc["egp", "fitness_noise_sd"] == pytest.approx(0.1 / 2)
    assert rows.loc["egp", "winners_luck"] == pytest.approx((0.1 + 0.2) / 2)
    assert rows.loc["egp", "population_sd"] == pytest.approx(0.2)
    own = rows.loc["random_search"]
    assert math.isnan(own["fitness_noise_sd"])  # one repeat
    assert math.isnan(own["population_sd"])  # one individual
    records.rescored.loc[records.rescored["candidate_id"] == "g1", "status"] = "diverged"
    assert search_cost.build(records)["winners_luck"].isna().all()


def test_two_runs_have_values_and_no_verdict():
    rows, dressed = table(
        study({"egp": 1.2, "ngl_gp": 1.1, "random_search": 1.0}, range(2), spread=0.1)
    )
    assert rows[["difference_ci_low", "p_value"]].isna().all(axis=None)
    shown = dressed.frame[["Fitness", "Difference"]].to_numpy().flatten()
    assert not any("±" in text or "[" in text or "*" in text for text in shown)
    assert not any(column == "Fitness" for _, column in dressed.bold)
    assert any("Fewer than 5 runs" in n and "would need about" in n for n in dressed.notes)


def test_intervals_allow_for_images_that_splits_share():
    records = study({"egp": 1.2, "random_search": 1.0}, range(9), spread=0.05)
    widths = []
    for records.overlap in (0.0, 0.25):
        rows, _ = table(records)
        widths.append(rows.loc["egp", "difference_ci_high"] - rows.loc["egp", "fitness_difference"])
    assert widths[1] / widths[0] == pytest.approx((1 + 9 * 0.25) ** 0.5)


def test_the_smallest_p_is_of_the_pairs_that_differ():
    """Twins of champions have a difference of zero, which Wilcoxon's test drops."""
    records = study({"egp": 1.0, "random_search": 1.0}, range(9), spread=0.05)
    twins = records.rescored["run_seed"] < 4
    ours = twins & (records.rescored["method"] == "egp")
    theirs = twins & (records.rescored["method"] == "random_search")
    values = records.rescored.loc[theirs, "validation_accuracy"].to_numpy()
    records.rescored.loc[ours, "validation_accuracy"] = values
    rows, dressed = table(records)
    assert rows.loc["egp", "differing_runs"] == 5
    assert any(
        "the smallest p that the other pairs allow is 0.062." in note for note in dressed.notes
    )
