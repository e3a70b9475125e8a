"""How much work a study is: jobs, trainings and samples, counted from the configuration alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from evoloss.learning.settings import TaskSettings
from evoloss.study.budget import candidate_samples, samples, trainings
from evoloss.study.settings import Config

GROWTH = 1
"""Expected number of learning rates by which a grid grows."""


@dataclass(frozen=True)
class Work:
    """`jobs` jobs of a rule; together they make `trainings` trainings on `task`, if they train.

    `every_epoch`: the trainings are validated after every epoch, and tested at the end.
    """

    stage: str
    rule: str
    jobs: int
    task: str | None = None
    trainings: int = 0
    every_epoch: bool = False


def workload(config: Config) -> list[Work]:
    """All the work of a study, from the beginning.

    Work that depends on results is an expected value: a grid of learning rates grows by GROWTH rates, T generations
    bring 1 + 1/2 + ... + 1/(T + 1) incumbents, and a budget is spent.
    """
    return [*_preparation(config), *_search(config), *_retraining(config), *_report(config)]


def _preparation(config: Config) -> Iterator[Work]:
    used = config.used_tasks()
    yield Work("data", "prepare_dataset", len({config.tasks[t].dataset.name for t in used}))
    for task in used:
        yield Work("tuning", "tune", 1, task, _sweep(config.tasks[task]))


def _sweep(task: TaskSettings) -> int:
    return (len(task.learning_rates) + GROWTH) * task.tuning_seeds


def _search(config: Config) -> Iterator[Work]:
    search, seeds = config.search, len(config.search.run_seeds)
    if not search.methods:
        return
    methods = search.methods.values()
    pools = {method.pool for method in methods} - {None}
    yield Work("search", "initialise", len(pools) * seeds)
    jobs = bred = selected = rescored = 0
    trained, rates = 0.0, len(search.rates)
    affordable = math.inf
    if (limit := samples(config)) and (one := candidate_samples(config)):
        affordable = limit // one
    for pool in {method.pool for method in methods if not method.stops} - {None}:
        jobs += seeds * config.search.pool_batches(pool)
        trained += seeds * rates * search.pools[pool].size
    for name, method in search.methods.items():
        last = config.search.generations_of(name)
        shared = method.pool is not None and not method.stops
        own = range(1 if shared else 0, last + 1)
        jobs += seeds * sum(config.search.batches(name, generation) for generation in own)
        room = affordable - (rates * method.population if shared else 0)
        trained += seeds * min(
            room, sum(trainings(method, generation, rates=rates) for generation in own)
        )
        bred += seeds * (last + (method.pool is None))
        selected += seeds * (last + 1)
        incumbents = math.ceil(sum(1 / g for g in range(1, last + 2)))
        rescored += seeds * search.rescore.repeats * (1 + search.rescore.finalists + incumbents)
    first, *others = search.tasks
    yield Work("search", "evaluate", jobs, first, math.ceil(trained))
    yield from (Work("search", "evaluate", 0, task, math.ceil(trained)) for task in others)
    runs = len(search.methods) * seeds
    yield Work("search", "breed", bred)
    yield Work("search", "select", selected)
    yield Work("search", "summarise", runs)
    if search.audit_trainings:
        audited = runs * search.audit_trainings * rates
        yield Work("audit", "audit", runs, first, audited)
        yield from (Work("audit", "audit", 0, task, audited) for task in others)
    yield Work("re-scoring", "rescore", runs, first, rescored)
    yield from (Work("re-scoring", "rescore", 0, task, rescored) for task in others)


def _retraining(config: Config) -> Iterator[Work]:
    retrain, losses = config.retrain, len(config.retrained())
    for name in retrain.tasks:
        sweeps = losses * _sweep(config.tasks[name])
        yield Work("rates of losses", "choose_rate", losses, name, sweeps)
        jobs = losses * len(retrain.blocks())
        trainings = losses * len(retrain.training_seeds)
        yield Work("final trainings", "retrain", jobs, name, trainings, every_epoch=True)


def _report(config: Config) -> Iterator[Work]:
    yield Work("report", "tabulate", len(config.tables()))
    yield Work("report", "plot", len(config.figures()))
    yield Work("report", "export_loss", len(config.champions()))
    yield Work("report", "chapter", 1)
    yield Work("report", "compile_chapter", 1)
