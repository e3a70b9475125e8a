"""Settings of the search: what is searched, how, and how often."""

import math
from collections.abc import Iterator
from typing import Annotated, Union

from pydantic import Field

from evoloss.expressions.settings import PoolSettings
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.search.method import algorithms, load_algorithm
from evoloss.search.settings import MethodSettings, RescoreSettings
from evoloss.strict_model import Problem, StrictModel, not_once

NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=80)]
"""Also the name of folders and files, hence the limited length."""
Seeds = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1)]
Multiple = Annotated[float, Field(ge=1 / 1024, le=1024)]
Rates = Annotated[list[Multiple], Field(min_length=1)]

MethodEntry = Annotated[
    Union[tuple(load_algorithm(name).Settings for name in algorithms())],  # noqa: UP007
    Field(discriminator="algorithm"),
]


class SearchSettings(StrictModel):
    """What is searched, how, and how often."""

    tasks: list[str]
    """Tasks whose validation accuracy makes the fitness."""
    run_seeds: Seeds
    """Each is one run of every method; runs are the unit of replication."""
    generations: Annotated[int, Field(ge=1, le=100_000)]
    """T: generations after the initial population; a method may have its own."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 8
    """Candidates that one job trains one after another."""
    rates: Rates = [1.0]
    """Multiples of cross entropy's learning rate. A new candidate is trained at each; its fitness is the best
    result. `search/fitness.py` says what several rates gain."""
    target_fitness: Annotated[float, Field(gt=0, le=1000)] | None = None
    """A run stops training once its best fitness reaches this; null never stops."""
    budget_samples: (
        Annotated[int, Field(ge=1, le=10**15)]
        | Annotated[str, Field(pattern=r"^[1-9]\d* trainings?$")]
        | None
    ) = None
    """Training samples that a run may spend, as a number or in full trainings (`24 trainings`). A run plans no
    training that would exceed the budget. Null: no limit."""
    audit_trainings: Annotated[int, Field(ge=0, le=100_000)] = 0
    """How many rejected or stopped candidates of each run are trained in full afterwards, outside the budget."""
    pools: dict[Name, PoolSettings]
    """Initial populations by name."""
    functional_check: FunctionalCheckSettings = FunctionalCheckSettings()
    """The cheap tests before any training."""
    rescore: RescoreSettings = RescoreSettings()
    """Re-scoring of incumbents and finalists."""
    methods: dict[Name, MethodEntry]
    """Methods by name: an algorithm with settings."""
    leave_out: list[str] = []
    """Methods that this study does not run."""

    def generations_of(self, method: str) -> int:
        """T of a method: its own, or the study's."""
        return self.methods[method].generations or self.generations

    def stages_of(self, method: MethodSettings) -> list[str]:
        """The stages of the functional check for a method: its own, or the study's."""
        return self.functional_check.stages if method.stages is None else method.stages

    def batches(self, method: str, generation: int) -> int:
        """The number of evaluation jobs of a generation. Generation 0 shares its pool's jobs, unless the method
        stops trainings. A race is one job."""
        settings = self.methods[method]
        if settings.racing:
            return 1
        if generation or not settings.pool:
            slots = load_algorithm(settings.algorithm).slots(settings, generation)
        elif settings.stops:
            slots = settings.population
        else:
            return self.pool_batches(settings.pool)
        return max(1, math.ceil(slots / self.batch_size))

    def pool_batches(self, pool: str) -> int:
        """The number of evaluation jobs of a pool for one run seed."""
        return math.ceil(self.pools[pool].size / self.batch_size)

    def problems(self) -> Iterator[Problem]:
        """Tasks without methods or the reverse, lists out of order, and methods that do not suit their pools."""
        if bool(self.tasks) != bool(self.methods):
            key = "methods" if self.tasks else "tasks"
            yield key, "there are none; name one, or write search: null to retrain only"
        yield from not_once(tasks=self.tasks, run_seeds=self.run_seeds)
        if sorted(set(self.rates)) != self.rates:
            yield "rates", f"got {self.rates}; the multiples must ascend, each once"
        for name, method in self.methods.items():
            yield from self._pool_problems(f"methods.{name}", method)
            if method.reuse and "novel" not in self.stages_of(method):
                yield (
                    f"methods.{name}.reuse",
                    "it needs stage novel of the functional check; add novel to "
                    f"search.methods.{name}.stages, or set reuse: false",
                )
            yield from self._tuning_problems(name, method)

    def _pool_problems(self, key: str, method: MethodSettings) -> Iterator[Problem]:
        if method.pool is None:
            if type(method).model_fields["pool"].default is not None:
                yield (
                    f"{key}.pool",
                    f"got null, but {method.algorithm} starts from a pool; name one",
                )
        elif method.pool not in self.pools:
            yield (
                f"{key}.pool",
                f"unknown pool {method.pool!r}; there are {', '.join(self.pools)}",
            )
        elif method.population > self.pools[method.pool].size:
            yield (
                f"{key}.population",
                f"got {method.population}, but its pool {method.pool!r} holds "
                f"{self.pools[method.pool].size} individuals; raise search.pools.{method.pool}.size",
            )

    def _tuning_problems(self, name: str, method: MethodSettings) -> Iterator[Problem]:
        first, last = getattr(method, "tuning_from", None), self.generations_of(name)
        if first is not None and first >= last:
            yield (
                f"methods.{name}.tuning_from",
                f"got {first}, but with {last} generations CMA-ES would learn no fitness, since it learns that of a sample "
                "one generation later; "
                + (f"write {max(1, last - 2)}, " if last > 1 else "")
                + "raise the generations, or write null to leave coefficients as they are",
            )
