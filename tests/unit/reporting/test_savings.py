"""Table savings: from what every proposal would cost, step by step, to what a method spent."""

import pandas as pd
import pytest
from fake_records import GENERATIONS, TRAINING, change, study

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.screening import full_cost
from evoloss.reporting.tables import savings


def account(records):
    """The table's numbers, and the samples by method and step."""
    frame = savings.build(records)
    return frame, frame.pivot(index="method", columns="step", values="samples")


def add_up(records, wide):
    """Assert that what every proposal would cost, less all savings, is what the ledgers say was spent."""
    saved = wide[savings.SAVED].sum(axis=1)
    pd.testing.assert_series_equal(wide[savings.NAIVE] - saved, wide["spent"], check_names=False)
    spent = records.ledgers.groupby(["method", "run_seed"])["training_samples"].sum()
    pd.testing.assert_series_equal(
        wide["spent"], spent.groupby("method").mean(), check_names=False, check_dtype=False
    )


def test_the_account_of_a_plain_method_is_the_one_made_by_hand():
    records = study({"egp": 1.0, "random_search": 1.0}, [0, 1])
    frame, wide = account(records)
    assert wide.loc["egp"].to_dict() == {
        "every_proposal": (6 * GENERATIONS + 5 * (GENERATIONS - 1)) * TRAINING,
        "no_rescoring": 5 * (GENERATIONS - 1) * TRAINING,
        "check": GENERATIONS * TRAINING,
        "reuse": 0,
        "stopped": 0,
        "ended_early": 0,
        "spent": 5 * GENERATIONS * TRAINING,
    }
    add_up(records, wide)
    assert set(frame["runs"]) == {2}
    naive = frame[frame["step"] == "every_proposal"]
    assert list(naive["share_of_naive"]) == [1, 1]


def test_every_step_is_told_apart_and_the_account_closes():
    records = study({"egp": 1.0, "ngl_gp": 1.0, "random_search": 1.0}, [0])
    # The whole population once more: 5 new and 5 old.
    for generation in (1, 2):
        change(records, "ngl_gp", generation, evaluations=10, training_samples=10 * TRAINING)
        change(records, "ngl_gp", generation, full_samples=10 * TRAINING)
        change(records, "ngl_gp", generation, rescore_samples=5 * TRAINING)
    # 8 proposals: one rejected by a stage, one by the method, two reused, four trained, of which one
    # diverged after 30 samples and one was stopped after 20.
    change(records, "egp", 1, proposals=8, rejected_method=1, reused=2, evaluations=4)
    change(records, "egp", 1, failed_evaluations=1, training_samples=2 * TRAINING + 30 + 20)
    change(records, "egp", 1, full_samples=4 * TRAINING, stopped_evaluations=1, stopped_samples=80)
    _, wide = account(records)
    # Re-scoring, check, reuse, stopped, early end.
    assert list(wide.loc["ngl_gp", savings.SAVED]) == [0, 3 * TRAINING, 0, 0, 0]
    assert list(wide.loc["egp", savings.SAVED]) == [
        10 * TRAINING,
        4 * TRAINING,
        2 * TRAINING,
        80,
        70,
    ]
    add_up(records, wide)


def test_the_account_closes_over_tasks_of_unlike_cost():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    records.description["tasks"] = ["small", "large"]
    # Five candidates, each trained on a task of 100 and one of 300 samples.
    samples = 5 * (100 + 300)
    records.ledgers = records.ledgers.assign(
        evaluations=10, full_samples=samples, training_samples=samples
    )
    change(records, "egp", 2, training_samples=4 * 400 + 100 + 10, failed_evaluations=1)
    _, wide = account(records)
    assert full_cost(records.ledgers, 2) == 400
    assert wide.loc["egp", "ended_early"] == 290
    assert wide.loc["egp", "check"] == 3 * 400
    add_up(records, wide)


def test_the_cost_of_a_candidate_is_exact_even_if_no_generation_trained_all_to_the_end():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    records.ledgers = records.ledgers.assign(
        training_samples=3 * TRAINING, stopped_evaluations=4, stopped_samples=2 * TRAINING
    )
    _, wide = account(records)
    assert wide.loc["egp", "check"] == GENERATIONS * TRAINING
    assert wide.loc["egp", "stopped"] == 2 * GENERATIONS * TRAINING
    add_up(records, wide)


def test_generations_without_work_would_cost_a_naive_method_nothing():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    nothing = dict.fromkeys(("proposals", "rejected_gradient", "evaluations"), 0)
    change(records, "egp", 2, training_samples=0, full_samples=0, **nothing)
    _, wide = account(records)
    assert wide.loc["egp", "every_proposal"] == (6 + 6 + 5) * TRAINING
    add_up(records, wide)


def test_scoring_more_than_the_population_again_is_a_negative_saving():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    samples = 12 * TRAINING
    change(records, "egp", 1, evaluations=12, training_samples=samples, full_samples=samples)
    frame, wide = account(records)
    assert wide.loc["egp", "no_rescoring"] == (5 - 2) * TRAINING
    add_up(records, wide)
    assert savings.dress(frame, records).frame["Re-scoring"].iloc[0] == "0"


def test_it_is_dressed_in_thousands_against_the_reference():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    records.ledgers[["training_samples", "full_samples"]] *= 1000
    frame, _ = account(records)
    dressed = savings.dress(frame, records)
    row = dressed.frame.iloc[0]
    # The account of the plain method above, in thousands; 1,500 of 2,800 are 54 %.
    assert list(row) == ["E-GP", "2,800", "−1,000", "−300", "0", "0", "0", "1,500", "54 %", "1.00"]
    assert r"54~\%" in to_latex(dressed)
    assert "−1,000" in to_markdown(dressed)
    assert float(frame["samples"].iloc[-1]) == pytest.approx(1.5e6)
