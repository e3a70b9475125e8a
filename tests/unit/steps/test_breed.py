"""Rule breed: what a run may still train, and which proposal takes an earlier fitness instead."""

import argparse

import pytest

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.files import write_json
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.proposing import BudgetSpent, Proposer
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.parquet import read, write
from evoloss.search import egp
from evoloss.search.method import Individual, Score, told
from evoloss.search.records import CANDIDATES, SCORES
from evoloss.steps.breed import affordable, main, nothing_to_do, overspent
from evoloss.steps.summarise import leader

# TWIN is a multiple of CROSS_ENTROPY: once their gradients are scaled, both train alike.
CROSS_ENTROPY, TWIN, OTHER = (
    parse("-(y * log(p))"),
    parse("(y * log(p)) * -3"),
    parse("square(p - y)"),
)
KNOWN = Individual("g0000s000", CROSS_ENTROPY, 0.93, 2, 0)
"""Cross entropy as an individual of fitness 0.93, the mean of two trainings."""


def proposer(**options):
    """A proposer of generation 1; with `reusable` its funnel has seen cross entropy."""
    seen = []
    funnel = Funnel(FunctionalCheckSettings(), SearchSpace(), [10], scale_matched=True)
    if "reusable" in options:
        seen = [funnel.fingerprint(CROSS_ENTROPY)]
    funnel = Funnel(FunctionalCheckSettings(), SearchSpace(), [10], True, seen)
    return Proposer(funnel, generation=1, **options)


def test_a_loss_that_passes_the_check_is_planned_for_training():
    made = proposer()
    assert made.propose(slot=0, expression=OTHER, operator="mutation", parents=["g0000s003"])
    (candidate,) = made.candidates
    assert candidate["candidate_id"] == "g0001s000"
    assert (candidate["expression"], candidate["purpose"]) == ("square(p - y)", "new")
    assert made.proposals[0]["rejected_by"] is None


def test_a_twin_takes_the_fitness_of_what_it_trains_like():
    made = proposer(reusable=[KNOWN])
    assert made.propose(0, TWIN, "copy", ["g0000s000"])
    assert made.propose(1, OTHER, "copy", [])
    reused, new = made.candidates
    assert (reused["purpose"], reused["reused_fitness"]) == ("reused", 0.93)
    assert reused["reused_evaluations"] == 2
    assert (new["purpose"], new["reused_fitness"]) == ("new", None)
    assert [row["rejected_by"] for row in made.proposals] == [None, None]


@pytest.mark.parametrize("known", [[], [None]], ids=["without reuse", "of a failed one"])
def test_a_twin_of_nothing_reusable_is_rejected(known):
    made = proposer(reusable=known)
    assert not made.propose(0, TWIN, "copy", [])
    assert made.proposals[0]["rejected_by"] == "novel"


def test_twins_within_a_generation_are_rejected():
    made = proposer(reusable=[KNOWN])
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
    made = proposer(reusable=[KNOWN], room=1)
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
def test_a_run_can_pay_the_trainings_that_its_budget_leaves(costs, budget, room):
    scores = [{"training_samples": cost, "dearest_samples": cost} for cost in costs]
    # A training costs as much as the dearest so far: of 500 samples 360 are left, three trainings of 100.
    assert affordable(scores, budget) == room


def test_nothing_is_left_to_do_at_the_target_or_without_budget():
    assert nothing_to_do([], None, None) is None
    assert nothing_to_do([{"fitness": 0.9}], 0.95, 3) is None
    assert "target fitness 0.9 is reached" in nothing_to_do([{"fitness": 0.95}], 0.9, None)
    assert "budget" in nothing_to_do([{"fitness": 0.95}], None, 0)


def score(name, fitness, purpose="new", evaluations=1, twin_of=None, generation=1):
    """What selection is told of a candidate of a generation."""
    return Score(name, 0, OTHER, generation, purpose, fitness, evaluations, twin_of)


def individual(name, fitness, evaluations=1, twin_of=None):
    """A member of the population, born in generation 0."""
    return Individual(name, OTHER, fitness, evaluations, 0, twin_of)


def test_re_scoring_averages_what_is_known_and_drops_who_fails():
    population = [individual("x", 0.8, 3), individual("y", 0.5), individual("z", 0.4)]
    scores = [score("x", 0.4, "rescore"), score("z", None, "rescore"), score("d", 1, "rescore")]
    known = {i.candidate_id: i for i in told(population, scores)}
    assert set(known) == {"x", "y"}
    # x: (3 * 0.8 + 0.4) / 4.
    assert (known["x"].fitness, known["x"].evaluations) == (pytest.approx(0.7), 4)
    assert known["y"] == population[1]


def test_a_history_tells_each_candidates_mean():
    history = [score("a", 0.9), score("b", None), score("c", 0.7), score("e", 0.1)]
    history += [score("a", 0.6, "rescore", generation=2)]
    history += [score("c", None, "rescore", generation=2)]
    history += [score("a", 0.3, "rescore", generation=3)]
    known = {i.candidate_id: (i.fitness, i.evaluations) for i in told([], history)}
    # a: (0.9 + 0.6 + 0.3) / 3. The failed re-scoring of c takes it away.
    assert known == {"a": (pytest.approx(0.6), 3), "e": (0.1, 1)}


@pytest.mark.parametrize("again", ["a", "t"])
def test_twins_share_their_trainings(again):
    """A copy bred while its twin is scored once more is told too, in whatever order they are planned."""
    history = [score("a", 0.9), score("e", 0.7)]
    second = [
        score(again, 0.5, "rescore", twin_of=None if again == "a" else "a", generation=2),
        score("t", 0.9, "reused", twin_of="a", generation=2),
    ]
    for order in (second, second[::-1]):
        known = {i.candidate_id: i for i in told([], [*history, *order])}
        for name in ("a", "t"):
            # The mean of 0.9 and 0.5.
            assert (known[name].fitness, known[name].evaluations) == (pytest.approx(0.7), 2)
        assert (known["t"].trained_as, known["t"].born) == ("a", 2)
    failed = score(again, None, "rescore", twin_of=second[0].twin_of, generation=3)
    assert [i.candidate_id for i in told(known.values(), [failed])] == ["e"]


def test_a_twin_outlives_the_one_it_trains_like():
    (copy,) = told([individual("t", 0.8, 2, "a")], [score("t", 0.5, "rescore", twin_of="a")])
    assert (copy.candidate_id, copy.evaluations) == ("t", 3)
    assert copy.fitness == pytest.approx(0.7)  # (2 * 0.8 + 0.5) / 3


def test_of_twins_one_is_scored_again():
    made = proposer()
    for slot, one in enumerate([individual("t", 0.8, 2, "a"), individual("a", 0.8, 2)]):
        made.rescore(slot, one)
    made.rescore(2, individual("b", 0.5))
    assert [row["candidate_id"] for row in made.candidates] == ["t", "b"]
    assert (made.candidates[0]["twin_of"], made.candidates[0]["repeat"]) == ("a", 2)


def test_an_incumbent_that_was_revised_down_loses_the_lead():
    first = [individual("a", 1.1), individual("b", 1.0)]
    led = leader(None, first, [])
    assert led.candidate_id == "a"
    again = [score("a", 0.7, "rescore")]
    revised = [individual("b", 1.0), individual("a", 0.9, 2)]
    assert leader(led, revised, again).candidate_id == "b"
    # An incumbent that left the population keeps its fitness, unless the same generation scored it again.
    assert leader(led, revised[:1], []).candidate_id == "a"
    assert leader(led, revised[:1], again).candidate_id == "b"
    assert leader(led, revised[:1], [score("a", None, "rescore")]).candidate_id == "b"
    assert leader(led, revised[:1], [score("a", 1.3, "rescore")]).fitness == pytest.approx(1.2)
    # A training of its twin counts for it.
    twins = [score("t", 0.7, "rescore", twin_of="a")]
    assert leader(led, revised[:1], twins).candidate_id == "b"


def test_first_candidates_that_cost_more_than_the_budget_are_an_error():
    scores = [{"generation": g, "training_samples": 100} for g in (0, 0, 1, 1)]
    assert overspent(scores, None) is None
    assert overspent(scores, 200) is None
    assert "got 199, but the first candidates took 200" in overspent(scores, 199)


def test_a_twin_of_one_that_was_revised_takes_the_mean_of_its_trainings(tmp_path, monkeypatch):
    """By rule breed: the twin was scored with 0.9, then with 0.5, and the copy's twin failed."""
    funnel = Funnel(FunctionalCheckSettings(), SearchSpace(), [10], scale_matched=True)

    def row(name, expression, fitness, purpose="new", generation=0):
        """A row of a generation's scores, with the fingerprint of a new candidate."""
        mark = funnel.fingerprint(expression) if purpose == "new" else None
        return {
            **{"candidate_id": name, "slot": 0, "expression": str(expression), "purpose": purpose},
            **{"generation": generation, "fingerprint": mark, "fitness": fitness},
            **{"evaluations": 1, "twin_of": None, "training_samples": 10},
            **{"dearest_samples": 10, "rate_multiple": 1.0},
        }

    first = [row("a", CROSS_ENTROPY, 0.9), row("b", OTHER, 0.8)]
    second = [row("a", CROSS_ENTROPY, 0.5, "rescore", 1), row("b", OTHER, None, "rescore", 1)]
    for generation, rows in enumerate([first, second]):
        write(tmp_path / f"generation{generation}" / "scores.parquet", rows, SCORES, {})
    write_json(tmp_path / "manifest.json", {"classes": 10})
    proposed = [TWIN, parse("square(y - p)")]

    def breed(breeding):
        """Propose two losses, in the place of a method's breeding."""
        assert [breeding.propose(k, tree, "x", []) for k, tree in enumerate(proposed)] == [
            True,
            False,
        ]

    monkeypatch.setattr(egp, "breed", breed)
    flags = argparse.Namespace(
        **{"study": "test", "method": "m", "algorithm": "egp", "run_seed": 0, "generation": 2},
        settings=egp.Settings(algorithm="egp", reuse=True).model_dump_json(),
        space=SearchSpace().model_dump_json(),
        functional_check=FunctionalCheckSettings().model_dump_json(),
        **{"scale_matched": True, "target_fitness": None, "budget_samples": None, "rates": 1},
        **{"manifests": [tmp_path / "manifest.json"], "population": None, "run": tmp_path},
        candidates=tmp_path / "candidates.parquet",
        proposals=tmp_path / "proposals.parquet",
    )
    main(flags)
    (reused,) = read(tmp_path / "candidates.parquet", CANDIDATES)
    assert (reused["purpose"], reused["reused_evaluations"]) == ("reused", 2)
    assert reused["twin_of"] == "a"
    assert reused["reused_fitness"] == pytest.approx(0.7)
    assert read(tmp_path / "proposals.parquet", PROPOSALS)[1]["rejected_by"] == "novel"
    flags.budget_samples = 19
    with pytest.raises(UserError, match="m, run seed 0: got 19, but the first"):
        main(flags)
