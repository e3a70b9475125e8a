"""What a method pays until it is as good as a reference, or reaches a target."""

import math

import numpy as np
import pandas as pd
import pytest

from evoloss.reporting.cost_to_match import costs_to_target, decided_at_once, relative_costs
from evoloss.reporting.statistics import censored_median


def frame(**runs):
    """Curves of run seed 0: each method's fitness after 100, 200, ... samples, in half the seconds."""
    return pd.DataFrame(
        [
            {
                "method": method,
                "run_seed": 0,
                "generation": generation,
                "samples": 100 * (generation + 1),
                "seconds": 50 * (generation + 1) ** 2,
                "fitness": value,
            }
            for method, values in runs.items()
            for generation, value in enumerate(values)
        ]
    )


def test_costs_are_shares_of_what_the_reference_pays_for_its_best_incumbent():
    costs = relative_costs(frame(ref=[0.5, 0.7, 0.9], a=[0.9, 0.9, 0.9], b=[0.1, 0.95, 0.2]), "ref")
    assert costs.loc[0].to_dict() == {"ref": 1, "a": 1 / 3, "b": 2 / 3}


def test_a_reference_that_was_there_earlier_is_charged_for_no_more():
    # Its first incumbent re-scores higher than its last one.
    costs = relative_costs(frame(ref=[0.9, 0.6, 0.8], a=[0.7, 0.9, 0.8]), "ref")
    assert costs.loc[0].to_dict() == {"ref": 1, "a": 2}


def test_a_run_that_never_matches_is_infinite_and_unknown_fitness_matches_nothing():
    costs = relative_costs(frame(ref=[0.5, 0.9], a=[0.5, 0.89], b=[math.nan, 0.9]), "ref")
    assert costs.loc[0].to_dict() == {"ref": 1, "a": math.inf, "b": 1}


def test_without_a_level_all_is_unknown():
    assert (
        relative_costs(frame(ref=[math.nan, math.nan], a=[0.5, 0.9]), "ref").isna().all(axis=None)
    )
    assert relative_costs(frame(a=[0.5, 0.9]), "ref").isna().all(axis=None)


def test_seconds_can_be_the_cost_and_the_order_of_rows_does_not_matter():
    curves = frame(ref=[0.5, 0.9], a=[0.9, 0.9]).iloc[::-1]
    assert relative_costs(curves, "ref", "seconds").loc[0, "a"] == 1 / 4


def test_seeds_are_matched_with_the_reference_of_their_own_seed():
    both = [frame(ref=[0.5, 0.9], a=[0.9, 0.9]), frame(ref=[0.1, 0.2], a=[0.1, 0.1])]
    costs = relative_costs(pd.concat(both[i].assign(run_seed=i) for i in (0, 1)), "ref")
    assert list(costs["a"]) == [0.5, math.inf]


def test_a_median_counts_runs_that_never_match_as_infinite():
    some = censored_median([1, 2, math.inf, math.nan], 0.95)
    assert (some.value, some.n, math.isnan(some.low)) == (2, 3, True)
    assert censored_median([1, math.inf], 0.95).value == math.inf
    assert math.isnan(censored_median([math.nan], 0.95).value)
    nine = censored_median([1, 2, 3, 4, 5, 6, 7, math.inf, math.inf], 0.95)
    assert (nine.value, nine.low, nine.high) == (5, 2, math.inf)


@pytest.mark.parametrize("n", [1, 5])
def test_few_runs_have_no_interval(n):
    few = censored_median(list(range(n)), 0.95)
    assert math.isnan(few.low)
    assert math.isnan(few.high)


def test_six_runs_have_the_widest_interval():
    six = censored_median([6, 5, 4, 3, 2, math.inf], 0.95)
    assert (six.value, six.low, six.high) == (4.5, 2, math.inf)


def test_the_interval_covers_the_median_of_a_censored_skew_distribution():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        values = rng.lognormal(0, 1, 9)  # median 1
        values[values > 2] = math.inf
        interval = censored_median(values, 0.95)
        covered += interval.low <= 1 <= interval.high
    assert covered >= 0.95 * 400 - 9  # two standard deviations of such a count


def test_the_cost_of_a_fixed_target_does_not_hang_on_the_reference():
    """What a reference reaches by luck was the level of all others."""
    curves = frame(a=[0.5, 0.9, 0.97], b=[0.99, 0.2, 0.2], c=[0.1, 0.2, 0.3], d=[math.nan] * 3)
    costs = costs_to_target(curves, 0.95).loc[0]
    assert (costs["a"], costs["b"], costs["c"]) == (300, 100, math.inf)
    assert math.isnan(costs["d"])


def test_levels_that_are_reached_in_the_first_generation_are_counted():
    both = [frame(ref=[0.9, 0.5, 0.8]), frame(ref=[0.1, 0.2])]
    curves = pd.concat(both[i].assign(run_seed=i) for i in (0, 1))
    assert decided_at_once(curves, "ref") == 1
