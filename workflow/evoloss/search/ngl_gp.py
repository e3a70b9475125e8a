"""NGL's GP (Akhmedova & Körber, arXiv 2404.12948), as section 2.1 of the thesis draft describes it.

From the source: each child comes from a crossover. Its mate is drawn, with some probability, from an external archive
of eliminated individuals, otherwise from the population. Subtree mutation and one-point mutation follow, each with a
chance of its own. At the end of a generation the worst individuals move to the archive, so that the population keeps
its size.

Not published: every number, how parents are chosen, the archive's capacity, what happens to children that cannot train.
Chosen here: parents are drawn uniformly, without replacement while there are enough; even chances; an unlimited
archive, drawn from uniformly; a failed child is dropped (`attempts: 1`) or bred again from the same parent and a new
mate, by the same mutations.

The mate is a different loss from the parent: neither the parent itself nor a twin of it. If there is no such mate, as
in a population of one without an archive, there is no crossover: the child is the parent with the mutations alone.

The source says "The fitness value of all individuals was re-evaluated". This ambiguous sentence decides much of the
cost. With `rescore: true` every individual of the population is trained once more each generation, on new seeds, and
its fitness is the mean of all its trainings (kinder to the method than replacing the fitness). With `rescore: false`
only children are trained. Our claims compare with the cheaper variant.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evoloss.expressions.variation import one_point_mutation, subtree_crossover, subtree_mutation
from evoloss.search.method import Breeding, Individual, Score, truncate
from evoloss.search.settings import MethodSettings, Published, SourceCheck

NOT_FOUND = "not published"


class Settings(MethodSettings):
    """Settings of `ngl_gp`."""

    published: ClassVar[dict[str, Published]] = {
        "population": Published(20, "chosen", NOT_FOUND),
        "children": Published(20, "chosen", NOT_FOUND + "; as many as individuals"),
        "archive_probability": Published(0.5, "chosen", NOT_FOUND),
        "archive_size": Published(None, "chosen", NOT_FOUND),
        "subtree_probability": Published(0.5, "chosen", NOT_FOUND),
        "one_point_probability": Published(0.5, "chosen", NOT_FOUND),
        "rescore": Published(True, "draft", "thesis draft, section 2.1, read literally"),
        "attempts": Published(1, "chosen", NOT_FOUND),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=None,
        initial=None,
        evidence=None,
        where="no check is described, and no code is public",
    )

    algorithm: Literal["ngl_gp"] = "ngl_gp"
    children: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Children per generation."""
    archive_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability that the mate comes from the archive, once the archive has one."""
    archive_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Capacity of the archive, which keeps the last born of the eliminated individuals; null keeps all."""
    subtree_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of subtree mutation after the crossover."""
    one_point_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of one-point mutation after that, drawn independently."""
    rescore: bool = False
    """Train the whole population once more each generation."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a child may be drawn; 1 drops a child that fails the functional check."""


def slots(settings: Settings, generation: int) -> int:
    """The number of children; with `rescore` also the whole population."""
    return settings.children + (settings.population if settings.rescore else 0)


def breed(breeding: Breeding) -> None:
    """Propose the children, then plan the re-scoring."""
    settings, rng = breeding.settings, breeding.rng
    population, archive = breeding.population, archived(breeding)
    order: list[int] = []
    for slot in range(settings.children):
        if not order:
            order = rng.permutation(len(population)).tolist()
        parent = population[order.pop()]
        of_archive, of_population = others(archive, parent), others(population, parent)
        from_archive = bool(of_archive) and rng.random() < settings.archive_probability
        mates = of_archive if from_archive or not of_population else of_population
        operators = ["archive_crossover" if mates is of_archive else "crossover"] if mates else []
        if rng.random() < settings.subtree_probability:
            operators.append("subtree_mutation")
        if rng.random() < settings.one_point_probability:
            operators.append("one_point_mutation")
        for _ in range(settings.attempts):
            child, parents = parent.expression, [parent.candidate_id]
            if mates:
                mate = mates[rng.integers(len(mates))]
                child = subtree_crossover(child, mate.expression, breeding.space, rng)
                parents.append(mate.candidate_id)
            if "subtree_mutation" in operators:
                child = subtree_mutation(child, breeding.space, rng)
            if "one_point_mutation" in operators:
                child = one_point_mutation(child, breeding.space, rng)
            if breeding.propose(slot, child, "+".join(operators) or "copy", parents):
                break
    if settings.rescore:
        for place, individual in enumerate(population):
            breeding.rescore(settings.children + place, individual)


def others(mates: Sequence[Individual | Score], parent: Individual) -> list[Individual | Score]:
    """The mates that are a different loss from the parent."""
    return [
        mate
        for mate in mates
        if mate.trained_as != parent.trained_as and mate.expression != parent.expression
    ]


def archived(breeding: Breeding) -> list[Score]:
    """The archive: candidates that had a fitness and are no longer in the population, in order of birth."""
    alive = {individual.candidate_id for individual in breeding.population}
    gone = [
        score
        for score in breeding.history
        if score.purpose != "rescore"
        and score.fitness is not None
        and score.candidate_id not in alive
    ]
    size = breeding.settings.archive_size
    return gone if size is None else gone[-size:]


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """The P best stay; the others are archived from now on."""
    return truncate(population, evaluated, settings.population)
