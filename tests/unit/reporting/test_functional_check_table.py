"""Table functional_check: what each stage rejects, what that saves, and what an audit says is lost."""

import math

import pandas as pd
import pytest
from fake_records import GENERATIONS, TRAINING, change, study

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.screening import REJECTED
from evoloss.reporting.tables import functional_check
from evoloss.search.fitness import GOOD
from evoloss.search.records import AUDIT

CROSS_ENTROPY = 0.9  # its accuracy in `study`, chance being 0


def audit(*fitnesses, method="egp", run_seed=0, stage="gradient", first=0, task="digits", total=20):
    """Audited expressions of these fitnesses on a task; None is a training that failed."""
    return pd.DataFrame(
        [
            {
                "method": method,
                "run_seed": run_seed,
                "slot": slot,
                "stage": stage,
                "stage_total": total,
                "rate_multiple": 1.0,
                "expression": f"{stage} {slot}",
                "task": task,
                "validation_accuracy": math.nan if fitness is None else fitness * CROSS_ENTROPY,
                "status": "diverged" if fitness is None else "completed",
            }
            for slot, fitness in enumerate(fitnesses, start=first)
        ]
    )


def scores(*fitnesses, method="egp", run_seed=0, purpose="new"):
    """Trained candidates of these fitnesses, each of an expression of its own."""
    return pd.DataFrame(
        {
            "method": method,
            "run_seed": run_seed,
            "expression": [f"kept {number}" for number in range(len(fitnesses))],
            "purpose": purpose,
            "fitness": pd.Series(fitnesses, dtype=float),
        }
    )


def records_of(*audits, methods=("egp", "random_search"), run_seeds=(0,)):
    """A study of these methods with audits, and scores of four trained candidates."""
    records = study(dict.fromkeys(methods, 1.0), run_seeds)
    empty = pd.DataFrame(columns=["method", "run_seed", *AUDIT.names])
    records.audits = pd.concat(audits) if audits else empty
    records.description["audit_trainings"] = 20 if audits else 0
    records.scores = scores(1.0, GOOD, GOOD - 0.01, None)
    return records


def rows_of(records, method="egp"):
    """The rows of a method by stage."""
    frame = functional_check.build(records)
    return frame[frame["method"] == method].set_index("stage")


def test_stages_stand_in_order_with_the_proposals_that_reached_each():
    records = records_of(run_seeds=[0, 1])
    rows = rows_of(records)
    assert list(rows.index) == list(STAGES)
    after = STAGES.index("gradient") + 1
    proposals, rejected = 6 * GENERATIONS * 2, GENERATIONS * 2
    assert list(rows["proposals"][:after]) == [proposals] * after
    assert set(rows["proposals"][after:]) == {proposals - rejected}
    gradient = rows.loc["gradient"]
    assert (gradient["rejected"], gradient["check_seconds"]) == (rejected, 0.5 * GENERATIONS * 2)
    assert gradient["saved_samples"] == rejected * TRAINING
    # 2.25 seconds for 500 samples.
    assert gradient["saved_seconds"] == pytest.approx(rejected * TRAINING * 2.25 / 500)
    assert rows["audited"].isna().all()
    assert list(functional_check.build(records).columns) == functional_check.COLUMNS


def test_a_methods_own_check_comes_first_and_the_stopped_last():
    records = records_of()
    # Ten candidates on a task of 100 samples at two rates, of which three were stopped at both after 10.
    records.description["rates"] = 2
    change(records, "egp", 0, proposals=13, rejected_method=2, evaluations=20, full_samples=2000)
    change(records, "egp", 0, **{f"reached_{stage}": 11 for stage in STAGES})
    change(records, "egp", 0, stopped_evaluations=6, stopped_samples=540, training_samples=1460)
    change(records, "egp", 1, evaluations=10, full_samples=1000)
    for method in records.methods:
        for generation in range(GENERATIONS):
            if (method, generation) != ("egp", 0):
                change(records, method, generation, evaluations=10, full_samples=1000)
    rows = rows_of(records)
    assert list(rows.index) == ["method", *STAGES, "stopped"]
    own, stopped = rows.loc["method"], rows.loc["stopped"]
    assert (own["proposals"], own["rejected"], own["saved_samples"]) == (13 + 6 + 6, 2, 2 * 200)
    assert rows.loc[STAGES[0], "proposals"] == 13 + 6 + 6 - 2
    assert (stopped["proposals"], stopped["rejected"]) == (20, 3)
    assert stopped["saved_samples"] == 540
    assert stopped["saved_seconds"] == pytest.approx(540 * 3 * 2.25 / (1460 + 500 + 500))
    assert rows.loc[["method", "stopped"], "check_seconds"].isna().all()
    assert list(rows_of(records, "random_search").index) == list(STAGES)


def test_what_a_stage_did_not_look_at_did_not_reach_it():
    # Two took an earlier fitness at novel, and a pool's six were not checked at all.
    records = records_of()
    change(records, "egp", 0, reused=2, reached_learns=3)
    change(records, "egp", 1, **{f"reached_{stage}": 0 for stage in STAGES})
    rows = rows_of(records)
    assert rows.loc["novel", "proposals"] == 5 + 5
    assert rows.loc["learns", "proposals"] == 3 + 5
    assert rows.loc["structure", "proposals"] == 6 + 6


def test_false_rejections_and_their_interval_are_those_computed_by_hand():
    # Over two runs 14 expressions: one good, one at the limit minus a hair, one that failed, 11 bad.
    records = records_of(
        audit(0.9, GOOD - 0.001, None, *[0.0] * 4), audit(*[0.2] * 7, run_seed=1), run_seeds=[0, 1]
    )
    rows = rows_of(records)
    gradient = rows.loc["gradient"]
    assert (gradient["audited"], gradient["false_rejections"]) == (14, 1)
    # Clopper-Pearson: the ends are the shares at which 1 or more, and 1 or fewer, have probability 2.5 %.
    assert 1 - (1 - gradient["ci_low"]) ** 14 == pytest.approx(0.025)
    high = gradient["ci_high"]
    assert (1 - high) ** 14 + 14 * high * (1 - high) ** 13 == pytest.approx(0.025)
    others = rows.drop(index="gradient")[["audited", "false_rejections", "ci_low", "ci_high"]]
    assert others.isna().all(axis=None)
    assert rows_of(records, "random_search")["audited"].isna().all()


def test_no_false_rejection_has_an_interval_too():
    row = rows_of(records_of(audit(*[0.0] * 10))).loc["gradient"]
    assert (row["false_rejections"], row["ci_low"]) == (0, 0)
    assert row["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 10))


def test_an_expression_is_good_over_all_tasks_or_not_at_all():
    small = audit(1.0, 1.0, 1.0, stage="finite", task="digits")
    large = audit(0.4, 0.1, None, stage="finite", task="large")
    records = records_of(small, large)
    records.description["tasks"] = ["digits", "large"]
    records.resolved_tasks.append(records.resolved_tasks[0] | {"name": "large"})
    row = rows_of(records).loc["finite"]
    assert (row["audited"], row["false_rejections"]) == (3, 1)


def test_it_is_dressed_with_the_audit():
    records = records_of(audit(0.9, *[0.0] * 13), run_seeds=[0, 1])
    frame = functional_check.build(records)
    dressed = functional_check.dress(frame, records)
    # Stages that took no time and rejected nothing were left out of the check.
    assert list(dressed.frame["Method"]) == ["E-GP", "Random search", "All", ""]
    assert list(dressed.frame.iloc[0]) == [
        "E-GP",
        "gradient",
        "6/36 (17 %)",
        "3.00",
        "1",
        "1/14 [0, 34] %",
    ]
    assert dressed.frame["Good"].iloc[1] == ""
    assert any("fitness 0.6 or more" in note and "95 %" in note for note in dressed.notes)
    # 0.5 seconds of checks for 2.25 of training.
    assert any("take 22 % of the seconds" in note for note in dressed.notes)
    assert r"1/14 [0," in to_latex(dressed)
    assert "1/14" in to_markdown(dressed)


def test_a_method_is_named_once():
    records = records_of()
    for column in REJECTED.values():
        records.ledgers[column] = 1
    dressed = functional_check.dress(functional_check.build(records), records)
    assert list(dressed.frame["Stage"])[: 1 + len(STAGES)] == ["own check", *STAGES]
    names = [name for name in dressed.frame["Method"] if name]
    assert names == ["E-GP", "Random search"]
    assert dressed.frame["Method"].iloc[1 + len(STAGES)] == "Random search"


def test_without_an_audit_its_columns_are_not_dressed():
    records = records_of()
    dressed = functional_check.dress(functional_check.build(records), records)
    assert "Good" not in dressed.frame
    assert any("search.audit_trainings is 0" in note for note in dressed.notes)


def test_the_real_loss_is_the_one_computed_by_hand():
    # finite: 1 of 4 of 40 is good, so 10 are lost; learns: 0 of 8 of 200. Six good ones were trained.
    records = records_of(
        audit(0.9, *[0.0] * 3, stage="finite", total=40),
        audit(*[0.0] * 8, stage="learns", total=200),
        audit(1.0, 1.0, stage="stopped", total=50),  # by a race: not the check's
    )
    records.ledgers["rejected_finite"] = records.ledgers["rejected_learns"] = 0
    twice = scores(1.0, 0.8)
    records.scores = pd.concat(
        [
            scores(1.0, 0.8, 0.7, 0.6, 0.59, None),
            twice,  # the same two expressions of the same run again
            scores(1.0, 0.9, run_seed=1),
            scores(1.0, 1.0, purpose="rescore", run_seed=2),
        ]
    )
    rows = rows_of(records, "all")
    assert list(rows.index) == ["finite", "learns", "check"]
    assert list(rows["distinct_rejected"]) == [40, 200, 240]
    assert list(rows["good_lost"]) == [10, 0, 10]
    check = rows.loc["check"]
    assert (check["good_kept"], check["real_loss"]) == (6, 10 / 16)
    # Clopper-Pearson of 1 of 4 is [0.0063, 0.8059], of 0 of 8 [0, 1 - 0.025 ** (1 / 8)].
    low = 10 - 40 * (0.25 - 0.0063)
    high = 10 + math.hypot(40 * (0.8059 - 0.25), 200 * (1 - 0.025 ** (1 / 8)))
    assert check["real_loss_ci_low"] == pytest.approx(low / (low + 6), abs=0.001)
    assert check["real_loss_ci_high"] == pytest.approx(high / (high + 6), abs=0.001)
    notes = " ".join(functional_check.dress(functional_check.build(records), records).notes)
    assert "an estimated 10 lost and 6 kept" in notes
    assert "Rejections by gradient were not audited and are left out" in notes


def test_an_expression_that_two_methods_audited_counts_once():
    # Both methods drew the same two from the pool's; each had rejected 30.
    same = [audit(0.9, 0.0, method=m, total=30) for m in ("egp", "random_search")]
    other = audit(0.0, 0.0, 0.0, method="random_search", first=2, total=30)
    records = records_of(*same, other)
    rows = rows_of(records, "all")
    assert (rows.loc["gradient", "audited"], rows.loc["gradient", "false_rejections"]) == (5, 1)
    assert rows.loc["gradient", "distinct_rejected"] == 60
    assert rows.loc["check", "good_lost"] == pytest.approx(60 / 5)
    # For each method alone it counts.
    assert rows_of(records).loc["gradient", "audited"] == 2
    assert rows_of(records, "random_search").loc["gradient", "audited"] == 5


def test_a_run_that_audited_none_of_a_stage_counts_with_all_it_rejected():
    records = records_of(audit(0.0, 0.0, total=7), run_seeds=(0, 1))
    rejected = records.ledgers[records.ledgers["run_seed"] == 1]["rejected_gradient"].sum()
    alone = records.ledgers[
        (records.ledgers["run_seed"] == 0) & (records.ledgers["method"] == "random_search")
    ]["rejected_gradient"].sum()
    row = rows_of(records, "all").loc["gradient"]
    assert row["distinct_rejected"] == 7 + rejected + alone
