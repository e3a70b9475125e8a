"""The search methods on toy problems with a known optimum, and each one's distinctive step.

A new method gets its tests here. `Run` of toy.py breeds, scores and selects without any training.
"""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch
from toy import SPACE, Run, distance_fitness, individual, nodes_fitness

from evoloss.expressions.compile import compile_expression
from evoloss.expressions.parsing import parse
from evoloss.search import (
    egp,
    glo,
    gp_lfl,
    ngl_gp,
    random_search,
    regularised_evolution,
    robust_taylor,
    taylor_glo,
)
from evoloss.search.method import Individual

FLOOR = random_search.Settings(population=20, children=6)
"""Random search: the floor that every method has to beat."""
RIVALS = {
    "egp": (egp, egp.Settings(parents=6)),
    "ngl_gp": (ngl_gp, ngl_gp.Settings(population=20, children=6)),
    "regularised_evolution": (
        regularised_evolution,
        regularised_evolution.Settings(population=20, children=6, tournament=8),
    ),
    "glo": (glo, glo.Settings(population=9, elites=3)),
    "gp_lfl": (gp_lfl, gp_lfl.Settings(population=7)),
}
"""Methods, and settings with which each trains six candidates per generation, as FLOOR does."""
PLANTED = "-(p - 0.4) * (1.5 + 2 * (y - 0.3) + 0.7 * (p - 0.4))"
"""A polynomial that TaylorGLO can write exactly, and a search over trees only with luck."""


def gain(module, settings, floor, seed, fitness, generations):
    """How much better a method's best is than that of random search, on one seed of a toy problem."""
    ours = Run(module, settings, seed, fitness).best(generations)
    return ours - Run(random_search, floor, seed, fitness).best(generations)


def test_a_run_breeds_and_selects_until_it_has_something_better():
    run = Run(egp, egp.Settings(population=20, parents=6), seed=0)
    first = run.population[0].fitness  # the best is the first
    assert run.best(10) > first
    assert len(run.population) == 20
    assert {score.generation for score in run.history} == set(range(11))


@pytest.mark.parametrize("name", RIVALS)
def test_it_beats_random_search_on_the_toy_problem(name):
    module, settings = RIVALS[name]
    gains = [gain(module, settings, FLOOR, seed, nodes_fitness, 30) for seed in range(8)]
    assert np.mean(gains) > 0.05


def test_taylor_glo_beats_random_search_where_a_polynomial_is_planted():
    """Slow (8 s), since each generation rebuilds CMA-ES from all earlier ones, as a real search does."""
    settings = taylor_glo.Settings(population=8)
    floor = FLOOR.model_copy(update={"children": 8})
    fitness = distance_fitness(PLANTED)
    gains = [gain(taylor_glo, settings, floor, seed, fitness, 40) for seed in range(4)]
    assert np.mean(gains) > 0.1


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_robust_polynomial_has_all_terms_of_its_order_that_have_a_gradient(order):
    powers = [(i, j) for i in range(1, order + 1) for j in range(order - i + 1)]
    vector = np.random.default_rng(order).normal(0, 1, robust_taylor.parameters(order)).round(3)
    assert len(powers) == len(vector)
    loss = compile_expression(robust_taylor.loss_of(vector, order))
    for p, y in ((0.1, 0.0), (0.7, 1.0)):
        value = -sum(
            c * (p - 0.5) ** i * (y - 0.5) ** j for c, (i, j) in zip(vector, powers, strict=True)
        )
        ours = loss(torch.tensor([p], dtype=torch.float64).log(), torch.tensor([y]))
        assert float(ours) == pytest.approx(value, rel=1e-4)


def test_robust_taylor_finds_a_planted_polynomial():
    """Slow (9 s), since each generation rebuilds CMA-ES from all earlier ones, as a real search does."""
    settings = robust_taylor.Settings(population=10)
    floor = FLOOR.model_copy(update={"children": 10})
    fitness = distance_fitness(PLANTED)
    gains = [gain(robust_taylor, settings, floor, seed, fitness, 40) for seed in range(3)]
    assert np.mean(gains) > 0.1


@pytest.mark.parametrize("name", [*RIVALS, "taylor_glo"])
def test_a_run_is_a_function_of_its_seed(name):
    module, settings = RIVALS.get(name, (taylor_glo, taylor_glo.Settings(population=6)))
    first, second, other = (Run(module, settings, seed) for seed in (3, 3, 4))
    for run in (first, second, other):
        run.best(4)
    assert first.history == second.history
    assert first.history != other.history


# NGL's GP


def test_mates_come_from_the_archive_and_from_the_population():
    settings = ngl_gp.Settings(population=10, children=10)
    run = Run(ngl_gp, settings, 0)
    assert {operator.split("+")[0] for *_, operator, _ in bred(run)} == {"crossover"}
    for _ in range(6):
        run.step()
    alive = {i.candidate_id for i in run.population}
    proposed = bred(run)
    operators = Counter(operator.split("+")[0] for *_, operator, _ in proposed)
    assert set(operators) == {"crossover", "archive_crossover"}
    for *_, operator, (parent, mate) in proposed:
        assert parent in alive
        assert (mate in alive) == operator.startswith("crossover")


def bred(run):
    """What a run proposes for its next generation: (slot, tree, operator, parents)."""
    run.breed()
    return run.proposed


def test_the_archive_holds_no_more_than_its_size():
    run = Run(ngl_gp, ngl_gp.Settings(population=10, children=10, archive_size=3), 0)
    for _ in range(5):
        run.step()
    mates = {mate for *_, operator, (_, mate) in bred(run) if operator.startswith("archive")}
    alive = {i.candidate_id for i in run.population}
    gone = [s.candidate_id for s in run.history if s.candidate_id not in alive]
    assert mates <= set(gone[-3:])


def test_the_two_mutations_are_independent_chances():
    settings = ngl_gp.Settings(
        population=20, children=1000, subtree_probability=0.7, one_point_probability=0.2
    )
    run = Run(ngl_gp, settings, 1)
    seen = Counter(operator.partition("+")[2] for *_, operator, _ in bred(run))
    # 0.7 * 0.8, 0.3 * 0.2, 0.7 * 0.2 and 0.3 * 0.8.
    expected = {
        "subtree_mutation": 0.56,
        "one_point_mutation": 0.06,
        "subtree_mutation+one_point_mutation": 0.14,
        "": 0.24,
    }
    for operators, share in expected.items():
        assert seen[operators] / 1000 == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("rescore", [True, False])
def test_re_scoring_trains_the_whole_population_again(rescore):
    settings = ngl_gp.Settings(population=8, children=3, rescore=rescore)
    run = Run(ngl_gp, settings, 0)
    children, again = run.breed()
    assert len(children) == 3
    assert [i.candidate_id for _, i in again] == [
        i.candidate_id for i in (run.population if rescore else [])
    ]
    assert ngl_gp.slots(settings, 1) == (11 if rescore else 3)


def test_no_mate_is_the_parent_itself_or_a_twin_of_it():
    settings = ngl_gp.Settings(population=3, children=600)
    run = Run(ngl_gp, settings, 0)
    first, second, third = run.population
    twin = dataclasses.replace(second, twin_of=first.candidate_id)
    printed_alike = dataclasses.replace(third, expression=first.expression)
    run.population = [first, twin, printed_alike, individual(7, "p - 3 * y")]
    of = {i.candidate_id: i for i in run.population}
    mates = [(of[parent], of[mate]) for *_, (parent, mate) in bred(run)]
    assert len(mates) == 600
    for parent, mate in mates:
        assert parent.trained_as != mate.trained_as
        assert parent.expression != mate.expression


def test_without_a_mate_nothing_is_crossed():
    settings = ngl_gp.Settings(population=1, children=200)
    run = Run(ngl_gp, settings, 0)
    (only,) = run.population
    operators = Counter(operator for *_, operator, parents in bred(run))
    assert all(parents == (only.candidate_id,) for *_, parents in run.proposed)
    assert set(operators) == {
        "copy",
        "subtree_mutation",
        "one_point_mutation",
        "subtree_mutation+one_point_mutation",
    }


# Regularised evolution


def test_the_oldest_die_however_good_they_are():
    settings = regularised_evolution.Settings(population=3, tournament=2)
    best = individual(0, "p + y", fitness=0.99, born=0)
    others = [individual(k, "p * y", fitness=0.1, born=k) for k in (1, 2)]
    child = individual(0, "p - y", fitness=0.0, born=3)
    survivors = regularised_evolution.select([best, *others], [child], settings)
    assert [i.candidate_id for i in survivors] == ["g0001s001", "g0002s002", "g0003s000"]


def test_a_set_share_of_the_children_is_drawn_at_random():
    settings = regularised_evolution.Settings(
        population=20, children=1000, tournament=5, fresh_probability=0.3
    )
    run = Run(regularised_evolution, settings, 0)
    operators = Counter(operator for *_, operator, _ in bred(run))
    assert operators["random"] / 1000 == pytest.approx(0.3, abs=0.05)
    assert all(not parents for *_, operator, parents in run.proposed if operator == "random")


def test_a_tournament_of_all_mutates_the_best():
    settings = regularised_evolution.Settings(population=20, children=5, tournament=20)
    run = Run(regularised_evolution, settings, 0)
    best = run.population[0].candidate_id
    assert {parents for *_, parents in bred(run)} <= {(best,), ()}


# GLO


def test_the_roulette_is_proportional_to_fitness():
    population = [
        individual(k, "p + y", fitness=f) for k, f in enumerate((0.6, 0.3, 0.1, 0.0, -0.5))
    ]
    rng = np.random.default_rng(0)
    drawn = Counter(glo.roulette(population, rng).candidate_id for _ in range(4000))
    shares = [drawn[i.candidate_id] / 4000 for i in population]
    # The fitness, over a sum of 1; a negative fitness counts as none.
    assert shares == pytest.approx([0.6, 0.3, 0.1, 0, 0], abs=0.03)
    hopeless = [individual(k, "p + y", fitness=-1.0) for k in range(3)]
    assert len({glo.roulette(hopeless, rng).candidate_id for _ in range(50)}) == 3


def test_elites_stay_and_empty_places_go_to_the_next_best():
    settings = glo.Settings(population=5, elites=2)
    parents = [individual(k, "p + y", fitness=1 - k / 10) for k in range(5)]
    child = individual(0, "p - y", fitness=0.01, born=1)
    kept = glo.select(parents, [child], settings)
    assert [i.candidate_id for i in kept] == [
        parents[0].candidate_id,
        parents[1].candidate_id,
        child.candidate_id,
        parents[2].candidate_id,
        parents[3].candidate_id,
    ]


def test_coefficients_multiply_every_node():
    tree = glo.with_coefficients(parse("log(p) - y / 3"), [1, 2, 3, 4, 5, 6])
    assert str(tree) == "1 * ((2 * log(3 * p)) - (4 * ((5 * y) / 18)))"


def test_cma_es_finds_planted_coefficients_on_the_winner():
    """The GP's part is one generation on a pool that holds the structure; CMA-ES has the rest.

    Slow (5 s), since each of 59 generations rebuilds CMA-ES from all earlier ones.
    """
    fitness = distance_fitness("1.7 * log(0.6 * p) - 0.4 * (y / p)")
    settings = glo.Settings(population=6, elites=5, tuning_from=2, tuning_population=12, sigma=0.5)
    run = Run(glo, settings, 0, fitness)
    structure = parse("log(p) - y / p")
    run.population[0] = Individual("g0000s000", structure, 0.9, 1, 0)
    run.history[0] = run.history[0].__class__("g0000s000", 0, structure, 0, "new", 0.9)
    run.best(60)
    tuned = [score for score in run.history if score.generation >= 2]
    assert {operator for _, _, operator, _ in run.proposed} == {"cma_es"}
    assert max(s.fitness for s in tuned) > 0.98
    assert all(s.expression.size == 3 * structure.size for s in tuned)


# TaylorGLO, and CMA-ES as ask and tell over records


def test_the_polynomial_is_the_published_one():
    t0, t1, *a = 0.3, 0.6, 1.5, -2.0, 0.5, 0.7, -0.2, 0.9
    run = taylor_glo.loss_of(np.array([t0, t1, *a]))
    p, y = 0.25, 1.0
    u, w = p - t1, y - t0
    terms = (u, u**2, u**3, w * u, w * u**2, w**2 * u)
    value = -sum(coefficient * term for coefficient, term in zip(a, terms, strict=True))
    assert distance_fitness(str(value))(parse(str(value))) == 1
    ours = compile_expression(run)(torch.tensor([p]).log(), torch.tensor([y]))
    assert float(ours) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("vector", "classes", "legal"),
    [
        # -log p_t around (1, 1) to first order, f = u: a1 alone gives 0 >= (n - 2) a1.
        ([0, 0, -1, 0, 0, 0, 0, 0], 10, True),
        ([0, 0, 1, 0, 0, 0, 0, 0], 10, False),
        ([0, 0, 1, 0, 0, 0, 0, 0], 2, True),
        # The interaction of label and prediction alone: cy = a4 must not be negative.
        ([0, 0, 0, 0, 0, 1, 0, 0], 10, True),
        ([0, 0, 0, 0, 0, -1, 0, 0], 10, False),
        # chy = 2 a5 counts with 1/n.
        ([0, 0, 0, 0, 0, -1, 5, 0], 10, True),
        ([0, 0, 0, 0, 0, -1, 4.9, 0], 10, False),
    ],
)
def test_a_vector_is_legal_if_the_published_inequality_holds(vector, classes, legal):
    assert taylor_glo.holds(np.array(vector, dtype=float), classes) == legal


def test_violators_are_recorded_and_told_as_the_worst():
    settings = taylor_glo.Settings(population=10, invariant=True)
    run = Run(taylor_glo, settings, 0, distance_fitness(PLANTED))
    children, _ = run.breed()
    assert len(run.proposed) == 10
    assert 0 < len(children) < 10


def test_cma_es_finds_a_planted_polynomial_and_survives_rejected_vectors():
    """Slow (17 s), since two runs of 80 generations rebuild CMA-ES from all earlier ones 160 times."""
    fitness = distance_fitness(PLANTED)
    settings = taylor_glo.Settings(population=12)
    always = Run(taylor_glo, settings, 0, fitness).best(80)
    assert always > 0.9
    # A third of all vectors are rejected, and in some generations every one.
    calls = Counter()

    def passes(tree):
        """A stand-in for the check; its rejections are arbitrary, but the same in every run."""
        calls["asked"] += 1
        return sum(map(ord, str(tree))) % 3 > 0 and not 60 < calls["asked"] <= 72

    picky = Run(taylor_glo, settings, 0, fitness, passes)
    assert picky.best(80) > 0.8
    assert len(picky.history) < calls["asked"]


def test_rejected_vectors_are_drawn_again():
    settings = taylor_glo.Settings(population=5, attempts=4)
    run = Run(taylor_glo, settings, 0, distance_fitness(PLANTED), lambda tree: False)
    children, _ = run.breed()
    assert not children
    assert [slot for slot, *_ in run.proposed] == [s for s in range(5) for _ in range(4)]
    assert len({tree for _, tree, *_ in run.proposed}) == 20


def test_the_optimiser_is_rebuilt_from_the_records_alone():
    """A fresh process that sees the history breeds what an uninterrupted one would have bred."""
    settings = taylor_glo.Settings(population=6, attempts=3)
    fitness, passes = distance_fitness(PLANTED), lambda tree: sum(map(ord, str(tree))) % 4 > 0
    through = Run(taylor_glo, settings, 5, fitness, passes)
    through.best(9)
    again = Run(taylor_glo, settings, 5, fitness, passes)
    again.history = [s for s in through.history if s.generation < 9]
    again.next, again.population = 9, through.population
    children, _ = again.breed()
    bred = {s.slot: s.expression for s in through.history if s.generation == 9}
    assert {slot: child.expression for slot, child in children.items()} == bred


# GP-LFL


def test_the_double_tournament_prefers_the_smaller_of_equals():
    big, small = individual(0, "(p + y) * (p - y)"), individual(1, "p + y")
    rng = np.random.default_rng(0)

    def share(parsimony):
        """How often the smaller of the two wins."""
        settings = gp_lfl.Settings(parsimony_tournament=parsimony, fitness_tournament=1)
        drawn = [gp_lfl.double_tournament([big, small], settings, rng) for _ in range(2000)]
        return sum(winner is small for winner in drawn) / 2000

    assert share(1.0) == pytest.approx(0.5, abs=0.04)  # no pressure
    assert share(2.0) == pytest.approx(0.75, abs=0.04)  # the larger wins against itself alone
    several = gp_lfl.Settings(fitness_tournament=4)
    drawn = [gp_lfl.double_tournament([big, small], several, rng) for _ in range(500)]
    assert sum(winner is small for winner in drawn) / 500 > 0.9


def test_the_fitter_wins_whatever_its_size():
    big = individual(0, "(p + y) * (p - y)", fitness=0.9)
    small = individual(1, "p + y", fitness=0.1)
    settings = gp_lfl.Settings(fitness_tournament=25)
    rng = np.random.default_rng(0)
    assert gp_lfl.double_tournament([big, small], settings, rng) is big


def test_each_child_is_made_by_one_operator_in_the_published_shares():
    settings = gp_lfl.Settings(population=2001, elites=1)
    run = Run(gp_lfl, settings, 0)
    operators = Counter(operator for *_, operator, _ in bred(run))
    shares = {name: count / 2000 for name, count in operators.items()}
    assert shares == pytest.approx(
        {"crossover": 0.7, "subtree_mutation": 0.25, "copy": 0.05}, abs=0.03
    )


@pytest.mark.parametrize("text", ["log(p)", "1 + 2", "y * y", "p"])
def test_a_loss_without_label_or_prediction_is_repaired(text):
    rng = np.random.default_rng(0)
    for _ in range(20):
        tree = gp_lfl.repaired(parse(text), SPACE, rng)
        assert "p" in tree
        assert "y" in tree
        assert tree.size == parse(text).size + 2
    whole = parse("p - y")
    assert gp_lfl.repaired(whole, SPACE, rng) is whole


def test_egp_scores_its_elites_again():
    settings = egp.Settings(population=10, parents=3, tournament=5, rescore_elites=2)
    run = Run(egp, settings, 0)
    _, again = run.breed()
    assert [(slot, i.candidate_id) for slot, i in again] == [
        (3 + place, i.candidate_id) for place, i in enumerate(run.population[:2])
    ]
    assert egp.slots(settings, 1) == 5


def test_of_twins_among_the_elites_egp_scores_one_again():
    settings = egp.Settings(population=10, parents=3, tournament=5, rescore_elites=2)
    run = Run(egp, settings, 0)
    first, second, third = run.population[:3]
    run.population[1] = dataclasses.replace(second, twin_of=first.candidate_id)
    _, again = run.breed()
    assert [i.candidate_id for _, i in again] == [first.candidate_id, third.candidate_id]


def test_egp_with_ageing_lets_the_oldest_die():
    settings = egp.Settings(population=2, parents=1, tournament=2, replacement="ageing")
    best = individual(0, "p + y", fitness=0.9)
    other = individual(1, "p + y", fitness=0.1)
    child = individual(0, "p - y", fitness=0.0, born=1)
    assert egp.select([best, other], [child], settings) == [other, child]


# Operators, when most proposals fail the check


def passes_one_in(number):
    """A stand-in for the check that passes one tree in so many, whatever it means, and always the same ones."""
    return lambda tree: sum(map(ord, str(tree))) % number == 0


def shares(module, settings, fails=7 / 8):
    """Shares of the operators of all slots, where most proposals fail.

    Copies always pass, since they take their parent's fitness.
    """
    run = Run(module, settings, 0)
    # GLO's roulette reads the whole population at each draw: a tenth of it as parents takes a tenth of the time.
    run.population = run.population[::10] if len(run.population) > 1000 else run.population
    known = {str(i.expression) for i in run.population}
    passes = passes_one_in(round(1 / (1 - fails)))
    run.passes = lambda tree: str(tree) in known or passes(tree)
    children, _ = run.breed()
    last = {slot: operator for slot, _, operator, _ in run.proposed}
    assert len(children) > 0.95 * len(last)
    return {operator: n / len(last) for operator, n in Counter(last.values()).items()}


def test_glo_keeps_its_shares_however_many_children_fail():
    """Slow (8 s), since shares to within some per cent need 2000 slots, and most children are drawn many times."""
    settings = glo.Settings(population=2001, elites=1, attempts=200)
    found = shares(glo, settings)
    at_once = shares(glo, settings, fails=0)
    assert set(found) == {"crossover", "crossover+node_mutation", "node_mutation", "copy"}
    assert found["copy"] + found["node_mutation"] == pytest.approx(0.2, abs=0.03)
    assert found == pytest.approx(at_once, abs=0.04)


def test_gp_lfl_keeps_its_shares_however_many_children_fail():
    found = shares(gp_lfl, gp_lfl.Settings(population=2001, elites=1, attempts=200))
    wanted = {"crossover": 0.7, "subtree_mutation": 0.25, "copy": 0.05}
    assert found == pytest.approx(wanted, abs=0.03)


def test_egp_keeps_its_shares_however_many_children_fail():
    settings = egp.Settings(population=1000, parents=1000, tournament=1000, attempts=400)
    run = Run(egp, settings, 0)
    sizes = [i.expression.size for i in run.population]
    small = sorted(sizes)[len(sizes) // 2]
    # Small trees pass more often: subtree mutation makes many of them.
    run.passes = lambda tree: passes_one_in(2 if tree.size < small else 12)(tree)
    children, _ = run.breed()
    last = {slot: operator for slot, _, operator, _ in run.proposed if slot in children}
    subtrees = sum(operator == "subtree_mutation" for operator in last.values())
    assert subtrees / len(last) == pytest.approx(0.5, abs=0.04)


def test_ngl_gp_keeps_its_chances_however_many_children_fail():
    found = shares(ngl_gp, ngl_gp.Settings(population=20, children=2000, attempts=200))
    mutated = Counter()
    for operators, share in found.items():
        mutated[operators.partition("+")[2]] += share
    wanted = ("", "subtree_mutation", "one_point_mutation", "subtree_mutation+one_point_mutation")
    assert mutated == pytest.approx(dict.fromkeys(wanted, 0.25), abs=0.04)
