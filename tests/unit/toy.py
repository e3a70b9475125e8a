"""Stand-ins for a search: toy problems, and runs of a search method on them.

The fitness of a toy problem is computed from the tree itself. So a run of many generations takes a second, and the
best possible tree is known.
"""

from collections import Counter
from contextlib import suppress

import numpy as np
import torch

from evoloss.expressions.compile import compile_expression
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check.proposing import BudgetSpent
from evoloss.search.method import Breeding, Individual, Score, ranked, truncate

SPACE = SearchSpace()
TARGET = Counter(parse("-(y * log(p)) + square(p - y)").nodes)
"""The nodes, with their counts, of the tree that `nodes_fitness` rewards."""
P, Y = (
    axis.flatten()
    for axis in torch.meshgrid(
        torch.linspace(0.05, 0.95, 10, dtype=torch.float64),
        torch.tensor([0.0, 1.0], dtype=torch.float64),
        indexing="ij",
    )
)
"""The grid of p and y on which `distance_fitness` compares two functions."""


def nodes_fitness(tree):
    """Share of the target's nodes that the tree has, less its surplus: 1 for the target's multiset."""
    mine = Counter(tree.nodes)
    return sum((mine & TARGET).values()) / TARGET.total() - sum((mine - TARGET).values()) / 50


def distance_fitness(text):
    """Fitness by distance to a planted function of p and y: 1 for equal values."""
    wanted = compile_expression(parse(text))(P.log(), Y)

    def of(tree):
        error = (compile_expression(tree)(P.log(), Y) - wanted).square().mean().sqrt()
        return float(1 / (1 + error))

    return of


class Run:
    """A fake run of a search method: its population, and the scores it is shown as its history.

    A real run trains and checks every candidate. Here `fitness(tree)` stands for the trainings, and `passes(tree)`
    for the functional check. `proposed` holds what the method proposed last: (slot, tree, operator, parents).
    """

    def __init__(self, module, settings, seed, fitness=nodes_fitness, passes=lambda tree: True):
        self.module, self.settings, self.seed = module, settings, seed
        self.fitness, self.passes = fitness, passes
        self.history, self.proposed = [], []
        self.population = [] if settings.pool is None else self._initial()
        self.next = 0 if settings.pool is None else 1

    def _initial(self):
        """Generation 0: as many random trees as the population holds, ranked."""
        rng = np.random.default_rng(self.seed)
        trees = [ramped_half_and_half(SPACE, i, rng) for i in range(self.settings.population)]
        found = [self._individual(0, slot, tree) for slot, tree in enumerate(trees)]
        self.history += [score(individual, slot) for slot, individual in enumerate(found)]
        return truncate([], found, self.settings.population)

    def _individual(self, generation, slot, tree):
        """A candidate with the fitness that this toy problem gives its tree."""
        name = f"g{generation:04d}s{slot:03d}"
        return Individual(name, tree, self.fitness(tree), 1, generation)

    def breed(self, room=None, rates=1):
        """The children of the next generation by slot, and the individuals to be trained again.

        `room`: trainings that may be planned, of which a child takes `rates`; a loss that a method which reuses
        fitness has had takes none.
        """
        children, again, self.proposed, self.trained = {}, [], [], []
        known = {score.expression for score in self.history} if self.settings.reuse else set()

        def ask(wanted):
            """End the generation if so many more trainings would go beyond `room`."""
            if room is not None and rates * len(self.trained) + len(again) + wanted > room:
                raise BudgetSpent

        def propose(slot, tree, operator, parents, objection=None):
            """In place of a search's own: the child gets its slot if `passes` says so or its loss has been trained."""
            ask(rates)
            self.proposed.append((slot, tree, operator, tuple(parents)))
            assert slot not in children
            if objection or not (tree in known or self.passes(tree)):
                return False
            children[slot] = self._individual(self.next, slot, tree)
            if tree not in known:
                self.trained.append(children[slot])
            return True

        def rescore(slot, individual):
            """In place of a search's own: note that the individual is to be trained again."""
            ask(1)
            again.append((slot, individual))

        space = SPACE
        if hasattr(self.module, "space"):
            space = self.module.space(self.settings, self.next, SPACE)
        with suppress(BudgetSpent):
            self.module.breed(
                Breeding(
                    settings=self.settings,
                    generation=self.next,
                    population=self.population,
                    space=space,
                    stream=lambda *parts: np.random.default_rng([self.seed, *map(hash_of, parts)]),
                    propose=propose,
                    rescore=rescore,
                    history=self.history,
                )
            )
        used = [*children, *(slot for slot, _ in again)]
        assert len(used) == len(set(used)) <= self.module.slots(self.settings, self.next)
        return children, again

    def step(self):
        """Breed one generation, and let the method select the next population."""
        children, _ = self.breed()
        self.history += [score(child, slot) for slot, child in children.items()]
        self.population = ranked(
            self.module.select(self.population, list(children.values()), self.settings)
        )
        self.next += 1

    def best(self, generations=30):
        """The best fitness ever seen after so many generations."""
        while self.next <= generations:
            self.step()
        return max(score.fitness for score in self.history)


def individual(number, text, fitness=0.5, born=0):
    """A candidate as a search method sees it, with an invented fitness; `born` is its generation."""
    return Individual(f"g{born:04d}s{number:03d}", parse(text), fitness, 1, born)


def champion(expression="-(y * log(p))"):
    """What a champion's file holds, of a search that never ran."""
    return {
        "study": "tiny",
        "loss": "egp_seed0",
        "method": "egp",
        "run_seed": 0,
        "candidate_id": "g1s0",
        "expression": str(expression),
        "fitness": 1.0,
        "fitness_is": "leave-one-out: each fresh training counts",
        "repeats": 3,
    }


def score(individual, slot):
    """The record that a history keeps of a new individual."""
    return Score(
        individual.candidate_id,
        slot,
        individual.expression,
        individual.born,
        "new",
        individual.fitness,
    )


def hash_of(part):
    """A number for a part of a seed; Python's own hash of a text differs from run to run."""
    return part if isinstance(part, int) else sum(map(ord, part))
