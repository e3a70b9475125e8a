"""Table ablation: what each variant of a method changes, and what that is worth."""

import pytest
from fake_records import TRAINING, study

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.tables import ablation

CHANGES = {"retry": "attempts: 10 (base 1)", "no_check": "functional check: off (base: on)"}


def records_of(run_seeds, changes=CHANGES):
    """A study of the base, two variants and random search: retry is planted 0.2 better, no_check the same."""
    records = study(
        {"egp": 1.0, "retry": 1.2, "no_check": 1.0, "random_search": 0.5}, run_seeds, spread=0.02
    )
    records.description |= {"ablation_base": "egp", "ablation_changes": changes}
    return records


def test_effects_are_variant_minus_base_over_the_variants_alone():
    frame = ablation.build(records_of(range(9))).set_index("method")
    assert list(frame.index) == ["retry", "no_check"]
    assert frame.loc["retry", "effect"] == pytest.approx(0.2, abs=0.03)
    assert frame.loc["retry", "ci_low"] > 0
    # Of 9 pairs the smallest is 2 / 512, and the family is two variants.
    assert frame.loc["retry", "p_value"] == pytest.approx(2 * 2 / 512)
    assert frame.loc["no_check", "ci_low"] < 0 < frame.loc["no_check", "ci_high"]
    assert frame.loc["no_check", "p_value"] > 0.05
    assert list(frame["change"]) == list(CHANGES.values())


def test_points_are_the_effect_in_validation_accuracy():
    records = records_of(range(9))
    records.resolved_tasks[0]["chance"] = 0.1
    row = ablation.build(records).set_index("method").loc["retry"]
    # Cross entropy's accuracy is 1 and chance 0.1, so fitness 1 is 90 points.
    for points, effect in [("points", "effect"), ("points_ci_low", "ci_low")]:
        assert row[points] == pytest.approx(90 * row[effect], rel=1e-6)


def test_costs_are_ratios_to_those_of_the_base():
    records = records_of(range(2))
    mine = records.ledgers["method"] == "retry"
    records.ledgers.loc[mine, ["evaluations", "training_samples"]] = [10, 15 * TRAINING]
    row = ablation.build(records).set_index("method").loc["retry"]
    assert (row["trainings_ratio"], row["samples_ratio"]) == (2, 3)
    assert row["runs"] == 2


def test_it_is_dressed_with_the_change_and_without_p_when_there_are_few_runs():
    records = records_of(range(3))
    dressed = ablation.dress(ablation.build(records), records)
    assert list(dressed.frame["Change"]) == list(CHANGES.values())
    assert "p" not in dressed.frame
    assert any("Fewer than 5 runs: single values" in note for note in dressed.notes)
    assert "attempts: 10 (base 1)" in to_latex(dressed)


@pytest.mark.parametrize("changes", [{}, {"egp": "nothing"}])
def test_a_study_without_variants_has_an_empty_table(changes):
    records = records_of(range(3), changes)
    frame = ablation.build(records)
    assert frame.empty
    dressed = ablation.dress(frame, records)
    assert r"\toprule" in to_latex(dressed)
    assert "No method is a variant" in to_markdown(dressed)
