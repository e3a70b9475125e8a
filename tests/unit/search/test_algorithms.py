"""EGP and random search on a toy problem, and how accuracies become a fitness."""

from collections import Counter

import pytest
from toy import Run, individual

from evoloss.errors import UserError
from evoloss.search import egp, random_search
from evoloss.search.fitness import Reference, fitness, rescored_references
from evoloss.search.method import algorithms, load_algorithm, truncate


def initial(settings, seed):
    """A first population: random trees with their fitness on the toy problem, the best first."""
    return Run(egp, settings, seed).population


def breed(module, settings, population, generation, seed, passes=lambda tree: True):
    """One generation on the toy problem, where nothing is trained: (children, proposals)."""
    run = Run(module, settings, seed, passes=passes)
    run.population, run.next = population, generation
    children, _ = run.breed()
    return list(children.values()), run.proposed


EGP = egp.Settings(population=20, parents=5, tournament=10)


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        (egp, EGP),
        (egp, EGP.model_copy(update={"selection": "top_share"})),
        (random_search, random_search.Settings(population=20, children=5)),
    ],
)
def test_breeding_repeats_and_selection_keeps_the_best(module, settings):
    population = initial(settings, 0)
    children, _ = breed(module, settings, population, 1, 0)
    again, _ = breed(module, settings, population, 1, 0)
    assert children == again
    survivors = module.select(population, children, settings)
    assert len(survivors) == settings.population
    assert (
        survivors
        == sorted(
            [*population, *children], key=lambda i: (-i.fitness, i.expression.size, i.candidate_id)
        )[: settings.population]
    )
    assert load_algorithm(settings.algorithm) is module


def test_egp_mutates_the_best_of_a_uniform_tournament():
    population = initial(EGP, 0)
    rank = {ind.candidate_id: r for r, ind in enumerate(population)}
    chosen = Counter()
    for generation in range(1, 400):
        _, proposed = breed(egp, EGP, population, generation, 1)
        ranks = [rank[parents[0]] for *_, parents in proposed]
        assert ranks == sorted(ranks)
        assert len(set(ranks)) == 5  # as many as `parents`, all different
        chosen.update(ranks)
    # The best is chosen whenever it is drawn: in half of the tournaments of 10 out of 20.
    assert chosen[0] / 399 == pytest.approx(0.5, abs=0.08)
    assert chosen[0] > chosen[9] > chosen[14]
    assert chosen[16] == 0, "ranks 16 to 20 can never be among the best 5 of 10"


def test_egp_with_every_individual_in_the_tournament_takes_the_best():
    settings = egp.Settings(population=20, parents=5, tournament=20)
    _, proposed = breed(egp, settings, initial(settings, 0), 1, 0)
    assert [parents[0] for *_, parents in proposed] == [
        ind.candidate_id for ind in initial(settings, 0)[:5]
    ]


def test_top_share_draws_from_the_best_half_only():
    settings = EGP.model_copy(update={"selection": "top_share"})
    population = initial(settings, 0)
    best_half = {ind.candidate_id for ind in population[:10]}
    seen = set()
    for generation in range(1, 60):
        _, proposed = breed(egp, settings, population, generation, 2)
        parents = [parents[0] for *_, parents in proposed]
        assert len(set(parents)) == 5
        seen.update(parents)
    assert seen == best_half


@pytest.mark.parametrize(
    ("probability", "operators"), [(0.0, {"one_point_mutation"}), (1.0, {"subtree_mutation"})]
)
def test_the_subtree_probability_chooses_the_operator(probability, operators):
    settings = EGP.model_copy(update={"subtree_probability": probability})
    _, proposed = breed(egp, settings, initial(settings, 0), 1, 0)
    assert {operator for _, _, operator, _ in proposed} == operators


def test_a_failed_child_is_dropped_or_drawn_again():
    never = lambda tree: False  # noqa: E731
    children, proposed = breed(egp, EGP, initial(EGP, 0), 1, 0, never)
    assert (len(children), len(proposed)) == (0, 5)
    stubborn = EGP.model_copy(update={"attempts": 4})
    children, proposed = breed(egp, stubborn, initial(EGP, 0), 1, 0, never)
    assert (len(children), len(proposed)) == (0, 20)
    assert [slot for slot, *_ in proposed] == [s for s in range(5) for _ in range(4)]


def test_random_search_fills_its_slots():
    settings = random_search.Settings(population=20, children=5)
    picky = lambda tree: tree.size % 5 == 0  # noqa: E731
    children, proposed = breed(random_search, settings, initial(settings, 0), 1, 0, picky)
    assert len(children) == 5
    assert len(proposed) > 5


def test_ties_go_to_the_smaller_tree_then_the_lower_id():
    tied = [individual(1, "(p + y) * 1"), individual(3, "p + y"), individual(2, "p + y")]
    assert [i.candidate_id for i in truncate(tied, [], 3)] == [
        "g0000s002",
        "g0000s003",
        "g0000s001",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tournament": 21}, "tournament: 21 is larger than the population"),
        ({"parents": 11}, "more than the tournament holds"),
        ({"selection": "top_share", "top_share": 0.2}, "more than the top share holds"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        egp.Settings(**{"population": 20, "parents": 5, "tournament": 10, **change})


def test_algorithms_are_found_by_name():
    assert {"egp", "random_search"} <= set(algorithms())
    with pytest.raises(UserError, match="unknown algorithm 'fitness'; there are egp"):
        load_algorithm("fitness")


def test_a_method_that_lacks_a_part_is_told_which(monkeypatch):
    monkeypatch.delattr("evoloss.search.egp.slots")
    load_algorithm.cache_clear()
    with pytest.raises(UserError, match=r"algorithm 'egp': .*egp\.py lacks slots"):
        load_algorithm("egp")


def test_the_setting_algorithm_repeats_the_name_of_the_file():
    for name in algorithms():
        assert load_algorithm(name).Settings.model_fields["algorithm"].default == name


def row(task, accuracy, status="completed"):
    """The record of a training, as far as fitness reads it."""
    return {"task": task, "validation_accuracy": accuracy, "status": status}


def test_fitness_is_the_mean_gain_in_units_of_cross_entropys():
    by_task = {"easy": Reference(0.1, 0.9), "hard": Reference(0.01, 0.31)}
    assert fitness([row("easy", 0.9), row("hard", 0.31)], by_task) == pytest.approx(1)
    assert fitness([row("easy", 0.1), row("hard", 0.01)], by_task) == pytest.approx(0)
    # 0.16 lies half way between 0.01 and 0.31.
    assert fitness([row("easy", 0.9), row("hard", 0.16)], by_task) == pytest.approx(0.75)
    twice = [row("easy", 0.9), row("easy", 0.5), row("hard", 0.31)]
    assert fitness(twice, by_task) == pytest.approx((0.75 + 1) / 2)
    assert fitness([row("easy", 0.9)], by_task) is None
    assert fitness([row("easy", 0.9), row("hard", None, "diverged")], by_task) is None


def test_re_scored_fitness_is_relative_to_cross_entropy_on_the_same_seeds():
    by_task = {"a": Reference(0.1, 0.9)}
    rows = [
        {"role": "cross_entropy", **row("a", 0.8)},
        {"role": "cross_entropy", **row("a", 0.6)},
        {"role": "incumbent", **row("a", 0.75)},
    ]
    again = rescored_references(rows, by_task)
    assert again["a"].cross_entropy == pytest.approx(0.7)
    assert fitness(rows[:2], again) == pytest.approx(1)
    assert fitness(rows[2:], again) > 1
    failed = [{"role": "cross_entropy", **row("a", None, "diverged")}]
    assert rescored_references(failed, by_task) == by_task
