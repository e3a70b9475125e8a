"""What a run may still train, and who takes an earlier fitness instead."""

import pytest

from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.proposing import BudgetSpent, Proposer
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.search.method import Individual
from evoloss.steps.breed import affordable, nothing_to_do
from evoloss.steps.summarise import leader

CROSS_ENTROPY, TWIN, OTHER = (
    parse("-(y * log(p))"),
    parse("(y * log(p)) * -3"),
    parse("square(p - y)"),
)


def proposer(**options):
    seen = []
    funnel = Funnel(FunctionalCheckSettings(), SearchSpace(), [10], scale_matched=True)
    if "reusable" in options:
        seen = [funnel.fingerprint(CROSS_ENTROPY)]
    funnel = Funnel(FunctionalCheckSettings(), SearchSpace(), [10], True, seen)
    return Proposer(funnel, generation=1, **options)


def test_a_twin_takes_the_fitness_of_what_it_trains_like():
    made = proposer(reusable=[0.93])
    assert made.propose(0, TWIN, "copy", ["g0000s000"])
    assert made.propose(1, OTHER, "copy", [])
    reused, new = made.candidates
    assert (reused["purpose"], reused["reused_fitness"]) == ("reused", 0.93)
    assert (new["purpose"], new["reused_fitness"]) == ("new", None)
    assert [row["rejected_by"] for row in made.proposals] == [None, None]


@pytest.mark.parametrize("known", [[], [None]], ids=["without reuse", "of a failed one"])
def test_otherwise_a_twin_is_rejected(known):
    made = proposer(reusable=known)
    assert not made.propose(0, TWIN, "copy", [])
    assert made.proposals[0]["rejected_by"] == "novel"


def test_twins_within_a_generation_are_rejected():
    made = proposer(reusable=[0.5])
    assert made.propose(0, OTHER, "x", [])
    assert not made.propose(1, parse("square(y - p)"), "x", [])


def test_an_objection_is_recorded_as_the_methods():
    made = proposer()
    assert not made.propose(0, OTHER, "cma_es", [], objection="violates it")
    assert (made.proposals[0]["rejected_by"], made.proposals[0]["reason"]) == (
        "method",
        "violates it",
    )


def test_a_generation_ends_where_the_budget_does():
    made = proposer(reusable=[0.5], room=1)
    assert made.propose(0, TWIN, "x", [])  # reused: costs nothing
    assert made.propose(1, OTHER, "x", [])
    with pytest.raises(BudgetSpent):
        made.propose(2, OTHER, "x", [])
    with pytest.raises(BudgetSpent):
        made.rescore(3, Individual("g0000s000", OTHER, 0.5, 1, 0))
    assert len(made.candidates) == 2


def test_re_scoring_uses_the_next_seeds():
    made = proposer()
    made.rescore(4, Individual("g0000s002", OTHER, 0.5, 3, 0))
    (row,) = made.candidates
    assert (row["candidate_id"], row["slot"], row["purpose"], row["repeat"]) == (
        "g0000s002",
        4,
        "rescore",
        3,
    )


@pytest.mark.parametrize(
    ("costs", "budget", "room"),
    [([100, 100], None, None), ([], 500, None), ([100, 40, 0], 500, 3), ([100] * 6, 500, 0)],
)
def test_what_a_run_can_still_pay(costs, budget, room):
    assert affordable([{"training_samples": cost} for cost in costs], budget) == room


def test_when_there_is_nothing_to_do():
    assert nothing_to_do([], None, None) is None
    assert nothing_to_do([{"fitness": 0.9}], 0.95, 3) is None
    assert "target fitness 0.9 is reached" in nothing_to_do([{"fitness": 0.95}], 0.9, None)
    assert "budget" in nothing_to_do([{"fitness": 0.95}], None, 0)


def test_an_incumbent_that_was_revised_down_loses_the_lead():
    first = [{"candidate_id": "a", "fitness": 1.1}, {"candidate_id": "b", "fitness": 1.0}]
    led = leader(None, first)
    assert led["candidate_id"] == "a"
    revised = [{"candidate_id": "b", "fitness": 1.0}, {"candidate_id": "a", "fitness": 0.9}]
    assert leader(led, revised)["candidate_id"] == "b"
    # One that died keeps its fitness.
    assert leader(led, [{"candidate_id": "b", "fitness": 1.0}])["candidate_id"] == "a"
