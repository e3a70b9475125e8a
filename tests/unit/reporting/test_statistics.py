"""Intervals and tests of the report: against SciPy, by hand, and on planted differences."""

import math

import numpy as np
import pytest
from scipy import stats

from evoloss.reporting.statistics import (
    crossed_mean,
    differing,
    holm,
    paired_difference,
    runs_for,
    smallest_p,
    standard_deviation,
    weighted_sum,
    wilcoxon_p,
)


def test_the_paired_interval_is_the_t_interval():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 12), rng.normal(0, 1, 12)
    ours = paired_difference(a, b, 0.95)
    reference = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((reference.low, reference.high))
    assert (ours.mean, ours.pairs) == (pytest.approx((a - b).mean()), 12)


def test_a_planted_difference_is_found_and_a_planted_null_is_covered():
    rng = np.random.default_rng(1)
    found = covered = 0
    for _ in range(400):
        seeds = rng.normal(0, 3, 9)  # what pairing takes out
        baseline = seeds + rng.normal(0, 0.3, 9)
        found += paired_difference(seeds + 1 + rng.normal(0, 0.3, 9), baseline, 0.95).low > 0
        null = paired_difference(seeds + rng.normal(0, 0.3, 9), baseline, 0.95)
        covered += null.low <= 0 <= null.high
    # Of 400 cases: the power is nearly 1, and the null is covered in 95 %.
    assert found >= 390
    assert covered / 400 == pytest.approx(0.95, abs=0.03)


def test_few_pairs_allow_no_interval_and_no_test():
    one = paired_difference([1.0], [0.5], 0.95)
    assert (one.mean, math.isnan(one.low)) == (0.5, True)
    assert paired_difference([], [], 0.95).pairs == 0
    assert math.isnan(wilcoxon_p([1.0] * 8, [0.0] * 8))
    assert wilcoxon_p([1.0] * 9, [0.0] * 9) < 0.01
    assert wilcoxon_p([1.0] * 9, [1.0] * 9) == 1
    assert math.isnan(standard_deviation([1.0]))


def test_holms_correction_is_the_one_computed_by_hand():
    corrected = holm([0.01, math.nan, 0.04, 0.03])
    assert corrected[0] == pytest.approx(0.03)
    assert math.isnan(corrected[1])
    assert corrected[2:] == pytest.approx([0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("spreads", [(1.0, 0.3, 0.5), (0.2, 1.0, 0.5), (0.0, 0.0, 1.0)])
def test_a_crossed_interval_covers_runs_and_training_seeds(spreads):
    """The interval of the run means alone covers far less when the seeds vary more than the runs."""
    rng = np.random.default_rng(2)
    of_runs, of_seeds, rest = spreads
    covered = naive = 0
    for _ in range(600):
        cells = (
            rng.normal(0, of_runs, (9, 1))
            + rng.normal(0, of_seeds, (1, 5))
            + rng.normal(0, rest, (9, 5))
        )
        found = crossed_mean(cells, 0.95)
        covered += found.low <= 0 <= found.high
        runs = paired_difference(cells.mean(axis=1), [0.0] * 9, 0.95)
        naive += runs.low <= 0 <= runs.high
    assert covered / 600 >= 0.92
    if of_seeds > of_runs:
        assert naive / 600 < 0.6


def test_few_runs_have_no_interval_however_alike():
    for found in (
        paired_difference([1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5], 0.95),
        crossed_mean(np.ones((4, 9)), 0.95),
        crossed_mean(np.ones((9, 1)), 0.95),
    ):
        assert math.isnan(found.low)
    assert not math.isnan(paired_difference([1.0] * 5, [0.5] * 5, 0.95).low)


def test_runs_for_gives_the_fewest_runs_of_a_narrow_interval():
    n = runs_for(0.1, 0.5, 0.95)
    widths = [stats.t.ppf(0.975, k - 1) * 0.5 / k**0.5 for k in (n - 1, n)]
    assert widths[0] > 0.1 >= widths[1]


def test_no_number_of_runs_averages_out_what_their_splits_share():
    assert runs_for(0.1, 0.2, 0.95, overlap=1 / 3) is None
    n = runs_for(0.1, 0.2, 0.95, overlap=0.01)
    assert n > runs_for(0.1, 0.2, 0.95)
    rng = np.random.default_rng(0)
    differences = stats.zscore(rng.normal(size=n), ddof=1) * 0.2
    found = paired_difference(differences, np.zeros(n), 0.95, overlap=0.01)
    assert (found.high - found.low) / 2 <= 0.1


def test_pairs_without_a_difference_leave_an_exact_p():
    """With zeros among more than 13 pairs SciPy approximates: 0.043, less than five pairs can give."""
    assert wilcoxon_p([1.0, 2, 3, 4, 5] + [0.0] * 9, [0.0] * 14) == 2 / 2**5


def test_the_smallest_p_counts_the_pairs_that_differ():
    values, baseline = [1.0, 2, 3, 4, 5, 6, 7, 8, 9], [1.0, 2, 3, 4, 0, 0, 0, 0, 0]
    assert differing(values, baseline) == 5
    assert wilcoxon_p(values, baseline) >= smallest_p(5, 1) == 2 / 2**5
    assert smallest_p(2, 7) == 1


def test_a_weighted_sum_of_one_share_has_its_clopper_pearson_interval():
    found = weighted_sum([(1, 14, 100)], 0.95)
    exact = stats.binomtest(1, 14).proportion_ci(0.95, method="exact")
    assert found.value == pytest.approx(100 / 14)
    assert (found.low, found.high) == pytest.approx((100 * exact.low, 100 * exact.high))


def test_the_interval_of_a_weighted_sum_covers_and_is_one_sided_without_a_hit():
    none = weighted_sum([(0, 36, 1000), (0, 12, 50)], 0.95)
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(
        math.hypot(1000 * (1 - 0.025 ** (1 / 36)), 50 * (1 - 0.025 ** (1 / 12)))
    )
    rng = np.random.default_rng(0)
    shares, sizes, weights = (0.02, 0.1, 0.3), (36, 36, 20), (900, 200, 50)
    truth = sum(w * p for w, p in zip(weights, shares, strict=True))
    hits = rng.binomial(sizes, shares, size=(500, 3))
    found = [weighted_sum(list(zip(h.tolist(), sizes, weights, strict=True)), 0.95) for h in hits]
    assert sum(one.low <= truth <= one.high for one in found) >= 0.94 * 500
