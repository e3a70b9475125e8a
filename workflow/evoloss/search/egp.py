"""E-GP, Algorithm 1 of the thesis: mutation only, few parents, only children are evaluated.

From the draft: a tournament G is sampled uniformly from the population, and its top N are copied. Each copy is changed
by subtree mutation with probability M_ST = 0.5, otherwise by one-point mutation; there is no crossover. A child is kept
only if `Functional_check()` holds. Children join the population, which is then truncated to the P best.

The draft leaves P, N, |G| and T open, and does not say what happens to the place of a failed child. Here the place
stays empty (`attempts: 1`), or the child is drawn again from the same parent by the same mutation, up to `attempts`
times in all. The draft's introduction differs (`selection: top_share`): parents are N individuals drawn at random from
the best share of the population. `replacement: ageing` and `rescore_elites` are not in the draft: they measure what its
elitism costs when fitness is noisy.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evoloss.expressions.graph_variation import MUTATIONS
from evoloss.search.method import Breeding, Individual, ranked, truncate, youngest
from evoloss.search.settings import MutationSettings, Published, SourceCheck
from evoloss.strict_model import Problem

DRAFT = "thesis draft, Algorithm 1"


class Settings(MutationSettings):
    """Settings of `egp`."""

    published: ClassVar[dict[str, Published]] = {
        "subtree_probability": Published(0.5, "draft", DRAFT),
        "selection": Published("tournament", "draft", DRAFT),
        "attempts": Published(1, "draft", DRAFT),
        "replacement": Published("elitist", "draft", DRAFT),
        "rescore_elites": Published(0, "draft", DRAFT + ": children alone are evaluated"),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=None,
        initial=False,
        evidence="draft",
        where=DRAFT + ": Functional_check() of children, not defined",
    )

    algorithm: Literal["egp"] = "egp"
    parents: Annotated[int, Field(ge=1, le=100_000)] = 5
    """N: parents per generation; each gives one child."""
    tournament: Annotated[int, Field(ge=1, le=100_000)] = 10
    """|G|: individuals sampled uniformly, without replacement, for `selection: tournament`."""
    subtree_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """M_ST: probability of subtree mutation (of graphs: operation mutation); otherwise one-point mutation."""
    selection: Literal["tournament", "top_share"] = "tournament"
    """`tournament` is Algorithm 1; `top_share` is what the draft's introduction says."""
    top_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the population that parents are drawn from, for `selection: top_share`."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a child may be drawn; 1 drops a child that fails the functional check, as the draft does."""
    replacement: Literal["elitist", "ageing"] = "elitist"
    """`elitist` keeps the P best, as the draft does; `ageing` keeps the P youngest."""
    rescore_elites: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Number of best individuals that are trained once more each generation; their fitness is the mean."""

    def problems(self) -> Iterator[Problem]:
        """A sample that is larger than what it is drawn from."""
        yield from super().problems()
        in_tournament = self.selection == "tournament"
        if in_tournament and self.tournament > self.population:
            yield (
                "tournament",
                f"{self.tournament} is larger than the population ({self.population})",
            )
        held = self.tournament if in_tournament else _share(self.population, self.top_share)
        if self.parents > held:
            whole = "tournament" if in_tournament else "top share"
            yield "parents", f"{self.parents} is more than the {whole} holds ({held})"
        if self.rescore_elites > self.population:
            yield (
                "rescore_elites",
                f"{self.rescore_elites} is more than the population holds ({self.population})",
            )


def slots(settings: Settings, generation: int) -> int:
    """N children, and the elites that are re-scored."""
    return settings.parents + settings.rescore_elites


def breed(breeding: Breeding) -> None:
    """Propose N mutated children, one per parent; if there are fewer parents, they take turns."""
    settings, rng = breeding.settings, breeding.rng
    parents = choose_parents(breeding, rng)
    with_new_nodes, of_one_node = MUTATIONS[settings.representation]
    for slot in range(settings.parents):
        parent = parents[slot % len(parents)]
        mutate = with_new_nodes if rng.random() < settings.subtree_probability else of_one_node
        for _ in range(settings.attempts):
            child = mutate(parent.expression, breeding.space, rng)
            if breeding.propose(slot, child, mutate.__name__, [parent.candidate_id]):
                break
    elites: dict[str, Individual] = {}
    for individual in ranked(breeding.population):
        elites.setdefault(individual.trained_as, individual)  # one of each set of twins
    for place, elite in enumerate(list(elites.values())[: settings.rescore_elites]):
        breeding.rescore(settings.parents + place, elite)


def choose_parents(breeding: Breeding, rng) -> list[Individual]:
    """The N parents, by tournament or from the top share; fewer if the population is smaller, as after a race."""
    settings, population = breeding.settings, ranked(breeding.population)
    if settings.selection == "tournament":
        size = min(settings.tournament, len(population))
        drawn = rng.choice(len(population), size=size, replace=False)
        return [population[i] for i in sorted(drawn)][: settings.parents]
    top = population[: _share(len(population), settings.top_share)]
    drawn = rng.choice(len(top), size=min(settings.parents, len(top)), replace=False)
    return [top[i] for i in drawn]


def _share(population: int, share: float) -> int:
    return max(1, math.ceil(share * population - 1e-9))


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """Truncation to the P best of parents and children, or to the P youngest."""
    survivors = truncate if settings.replacement == "elitist" else youngest
    return survivors(population, evaluated, settings.population)
