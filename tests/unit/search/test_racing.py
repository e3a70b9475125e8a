"""Who goes on in a race, who clears a hurdle, and what a race costs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evoloss.learning import schedule
from evoloss.search.egp import Settings
from evoloss.search.fitness import Reference
from evoloss.search.racing import (
    SEGMENTS,
    HurdleSettings,
    RacingSettings,
    clears,
    losers,
    places,
    race_cost,
    rung_score,
    rungs_problem,
    segments_at,
)

DEFAULT = RacingSettings()

shares = st.floats(0.01, 0.99)
scores = st.lists(
    st.one_of(st.floats(-2, 2), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=20
).map(lambda values: {f"c{number}": value for number, value in enumerate(values)})
"""Scores of up to twenty candidates by name; the listed values make ties likely."""


def test_a_third_goes_on_after_a_sixth_and_a_ninth_after_a_third():
    assert (DEFAULT.rungs, DEFAULT.going_on) == ([1 / 6, 1 / 3], 1 / 3)
    assert [[places(n, DEFAULT.going_on, rung) for rung in (0, 1)] for n in (12, 9, 6, 4, 1)] == [
        [4, 2],
        [3, 1],
        [2, 1],
        [2, 1],
        [1, 1],
    ]


def test_a_share_as_a_config_writes_it_gives_no_place_more():
    assert places(6, 0.3333, 0) == 2
    assert places(100, 0.07, 0) == 7  # 0.07 * 100 is 7.000000000000001
    assert places(3, 1 / 3, 0) == 1


@given(st.integers(1, 500), shares)
def test_places_never_grow_and_never_end(entrants, going_on):
    before = entrants
    for rung in range(6):
        now = places(entrants, going_on, rung)
        assert 1 <= now <= before
        assert now == max(1, math.ceil(going_on * before - 1e-9))
        before = now


@given(scores, st.integers(1, 25))
def test_the_stopped_are_the_worst_and_of_equals_the_later(by_name, room):
    out = losers(by_name, room)
    on = [name for name in by_name if name not in out]
    assert len(on) == min(room, len(by_name))
    assert sorted([*out, *on]) == sorted(by_name)
    order = list(by_name)
    for loser in out:
        for winner in on:
            assert by_name[winner] >= by_name[loser]
            if by_name[winner] == by_name[loser]:
                assert order.index(winner) < order.index(loser)


def test_ties_go_to_the_earlier():
    assert losers({"a": 0.5, "b": 0.7, "c": 0.5, "d": 0.5}, 2) == ["c", "d"]
    assert losers({"z": 0.0, "a": 0.0}, 1) == ["a"]


def test_a_rung_score_is_on_the_scale_of_fitness():
    by_task = {"a": Reference(0.1, 0.9), "b": Reference(0.5, 0.7)}
    assert rung_score({"a": 0.1, "b": 0.5}, by_task) == pytest.approx(0)
    assert rung_score({"a": 0.9, "b": 0.7}, by_task) == pytest.approx(1)
    assert rung_score({"a": 0.5, "b": 0.7}, by_task) == pytest.approx(0.75)
    assert rung_score({"a": 0.5}, by_task) == pytest.approx(0.5)


def test_a_hurdle_is_a_share_of_what_cross_entropy_has_learnt():
    assert clears(0.25, 0.5, 0.5)
    assert not clears(0.2499, 0.5, 0.5)  # a quarter is half of what cross entropy has learnt
    assert not clears(-0.1, 0.01, 0.5)
    # None where cross entropy itself has learnt nothing yet.
    assert clears(-0.3, 0.0, 0.5)
    assert clears(-0.3, -0.1, 0.5)


@given(st.floats(-1, 2), st.floats(-1, 2), st.floats(-1, 2), shares, shares)
def test_a_higher_score_and_a_lower_hurdle_clear_what_was_cleared(score, more, of, share, other):
    if clears(score, of, share):
        assert clears(max(score, more), of, share)
        assert clears(score, of, min(share, other))


@pytest.mark.parametrize(
    ("rung", "segments"), [(1 / 6, 3), (0.1667, 3), (1 / 3, 6), (0.3333, 6), (0.5, 9), (0.001, 1)]
)
def test_a_rung_is_at_the_nearest_segment(rung, segments):
    assert segments_at(rung, SEGMENTS) == segments


@given(shares, shares)
def test_a_later_rung_is_no_earlier_segment(rung, other):
    low, high = sorted([rung, other])
    assert 1 <= segments_at(low, SEGMENTS) <= segments_at(high, SEGMENTS) <= SEGMENTS
    assert abs(segments_at(high, SEGMENTS) - high * SEGMENTS) <= max(0.5, 1 - high * SEGMENTS)


def test_a_race_costs_what_its_entrants_train_between_the_rungs():
    # 12 for a sixth, 4 for the next sixth, 2 to the end.
    assert race_cost(DEFAULT, 12) == pytest.approx(12 / 6 + 4 / 6 + 2 * 2 / 3) == pytest.approx(4)
    assert race_cost(DEFAULT, 1) == pytest.approx(1)
    assert race_cost(RacingSettings(rungs=[0.5], going_on=0.5), 5) == pytest.approx(
        5 * 0.5 + 3 * 0.5
    )


@given(
    st.integers(1, 50),
    st.lists(st.integers(1, 17), min_size=1, max_size=4, unique=True).map(
        lambda looks: [look / 18 for look in sorted(looks)]
    ),
)
def test_a_race_costs_less_than_all_trainings_and_more_than_one(entrants, rungs):
    cost = race_cost(RacingSettings(rungs=rungs), entrants)
    assert 1 - 1e-9 <= cost <= entrants + 1e-9
    assert cost >= entrants * rungs[0] - 1e-9


@pytest.mark.parametrize("settings", [RacingSettings, HurdleSettings])
@pytest.mark.parametrize(
    ("rungs", "problem"),
    [
        ([0.5, 0.25], "not 2 ascending eighteenths"),
        ([0.25, 0.25], "not 2 ascending eighteenths"),
        ([0.16, 0.18], "not 2 ascending eighteenths"),
        ([0.5, 0.99], "0.99 is the end of a training"),
    ],
)
def test_rungs_ascend_within_the_training(settings, rungs, problem):
    with pytest.raises(ValidationError, match=problem):
        settings(rungs=rungs)


def test_search_and_learning_cut_a_training_into_as_many_segments():
    assert SEGMENTS == schedule.SEGMENTS


@pytest.mark.parametrize("settings", [RacingSettings, HurdleSettings])
@pytest.mark.parametrize("rungs", [[], [0.0], [1.0]])
def test_a_rung_is_within_a_training(settings, rungs):
    with pytest.raises(ValidationError, match=r"rungs"):
        settings(rungs=rungs)


def test_a_method_races_or_has_a_hurdle_but_not_both():
    with pytest.raises(
        ValidationError, match="hurdle: a race has its own stops; write racing or hurdle"
    ):
        Settings(algorithm="egp", racing={}, hurdle={})
    assert not Settings(algorithm="egp").stops
    assert Settings(algorithm="egp", racing={}).stops
    assert Settings(algorithm="egp", hurdle={}).stops


@pytest.mark.parametrize(
    ("rungs", "steps", "fine"),
    [
        ([1 / 6, 1 / 3], 28, True),  # steps 5 and 10
        ([1 / 6, 1 / 3], 7, True),  # 2 and 3
        ([1 / 6, 1 / 3], 6, False),  # 1 and 2
        ([1 / 6], 6, False),
        ([1 / 18, 1 / 6], 12, False),  # 1 and 2
        ([1 / 9, 1 / 6], 12, False),  # 2 and 2
        ([1 / 3], 4, True),
        ([1 / 3], 3, False),
        ([17 / 18], 20, True),  # 19
        ([17 / 18], 10, False),  # the last
    ],
)
def test_rungs_are_different_steps_and_none_the_first(rungs, steps, fine):
    problem = rungs_problem(rungs, schedule.segment_ends(steps))
    assert (problem is None) == fine
    if problem:
        assert f"in a training of {steps} steps" in problem
        assert "more epochs or a smaller batch_size" in problem


def test_the_smallest_share_keeps_one():
    assert [places(12, 1e-12, rung) for rung in range(3)] == [1, 1, 1]
