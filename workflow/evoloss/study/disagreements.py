"""Contradictions between settings of different parts of a study, each of which is valid by itself."""

from collections.abc import Iterator

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.tree import Expression
from evoloss.functional_check import structure
from evoloss.learning.sources import SOURCES
from evoloss.losses.registry import CATALOGUE, formula_of
from evoloss.search.fitness import BASELINE
from evoloss.search.racing import rungs_problem
from evoloss.study.budget import budget_problems, task_ends
from evoloss.study.own_parts import own_part_problem
from evoloss.study.settings import Config

MOST_JOBS = 200_000
"""With more evaluation jobs than this, Snakemake would need too much time and memory for planning."""


def disagreements(config: Config) -> Iterator[str]:
    """One sentence per contradiction between keys of different sections."""
    unknown = list(_unknown_tasks(config))
    yield from unknown
    yield from _names(config)
    yield from _own_parts(config)
    if not unknown:
        yield from _initial_losses(config)
        yield from _rungs(config)
        yield from budget_problems(config)
    yield from _report(config)
    if (jobs := evaluation_jobs(config)) > MOST_JOBS:
        yield (
            f"search: {jobs:,} evaluation jobs, but Snakemake can plan at most about {MOST_JOBS:,}; raise search.batch_size "
            "or lower generations, populations, children or run seeds"
        )


def evaluation_jobs(config: Config) -> int:
    """The number of evaluation jobs of a study; counting stops at the first number above MOST_JOBS."""
    search, jobs = config.search, 0
    for method in search.methods:
        for generation in range(search.generations_of(method) + 1):
            jobs += search.batches(method, generation) * len(search.run_seeds)
            if jobs > MOST_JOBS:
                return jobs
    return jobs


def _unknown_tasks(config: Config) -> Iterator[str]:
    named = {"search.tasks": config.search.tasks, "retrain.tasks": config.retrain.tasks}
    for key, names in named.items():
        for name in names:
            if name not in config.tasks:
                yield f"{key}: unknown task {name!r}; there are {', '.join(config.tasks)}"


def _names(config: Config) -> Iterator[str]:
    for name in config.search.methods:
        if name == "pools" or name in CATALOGUE:
            yield f"search.methods.{name}: a method cannot be called {name!r}; choose another name"
    for name in set(config.retrain.formulas()) & set(config.champions()):
        yield f"retrain.losses: {name!r} is the name of a run's champion; choose another"


def _own_parts(config: Config) -> Iterator[str]:
    parts = [(f"tasks.{name}.network", task.network) for name, task in config.tasks.items()]
    parts += [("retrain.losses", formula) for formula in config.retrain.formulas().values()]
    for key, part in parts:
        problem = own_part_problem(part) if ":" in part else None
        if problem:
            yield f"{key}: got {part!r}, but {problem}"


def _initial_losses(config: Config) -> Iterator[str]:
    # The class count of an image folder is known once it has been read; rule initialise checks again.
    counts = {config.tasks[task].dataset.class_count() for task in config.search.tasks} - {None}
    for name, pool in config.search.pools.items():
        key = f"search.pools.{name}.initial_losses"
        seen: set[Expression] = set()
        for text in pool.initial_losses:
            try:
                tree = parse(_initial_formula(text, counts), classes=10)
            except UserError as error:
                yield f"{key}: {error}"
                continue
            if problem := structure.problem(tree, pool.space):
                yield f"{key}: {text!r} is too large for search.pools.{name}.space: {problem}"
            if tree in seen:
                yield f"{key}: {text!r} stands there twice"
            seen.add(tree)


def _initial_formula(text: str, classes: set[int | None]) -> str:
    """The formula of an initial loss; raises UserError if no search can start from it."""
    formula = formula_of(text)
    if ":" in formula:
        raise UserError(
            f"{text!r} is a function of logits, which a search cannot vary; write losses that are expressions over "
            "p and y"
        )
    if len(classes) > 1 and parse(formula, classes=10) != parse(formula, classes=11):
        raise UserError(
            f"{text!r} contains C, the number of classes, which differs between the search tasks "
            f"({', '.join(map(str, sorted(classes)))}); write it without C"
        )
    return formula


def _rungs(config: Config) -> Iterator[str]:
    # For image folders and selected classes, rules evaluate and breed check this once the images are counted.
    ends = {
        name: steps
        for name, steps in task_ends(config).items()
        if SOURCES[config.tasks[name].dataset.source].images
        and config.tasks[name].dataset.classes is None
    }
    for name, method in config.search.methods.items():
        means = "racing" if method.racing else "hurdle"
        for task, steps_done in ends.items() if method.stops else ():
            if problem := rungs_problem(getattr(method, means).rungs, steps_done):
                yield f"search.methods.{name}.{means}.rungs: on task {task!r}, {problem}"


def _report(config: Config) -> Iterator[str]:
    report, retrain, methods = config.report, config.retrain, config.search.methods
    formulas, target = retrain.formulas(), config.report.target.loss
    for key in ("ablation_base", "reference_method"):
        name = getattr(report, key)
        if name not in [*methods, None]:
            yield f"report.{key}: unknown method {name!r}; there are {', '.join(methods)}"
    for number, condition in enumerate(report.conditions):
        for name in condition.tasks:
            if name not in retrain.tasks:
                yield (
                    f"report.conditions.{number}.tasks: {name!r} is not among retrain.tasks; there are "
                    f"{', '.join(retrain.tasks)}"
                )
    missing = [task for task in config.search.tasks if task not in retrain.tasks]
    if target not in (BASELINE, *formulas):
        yield f"report.target.loss: {target!r} is not among retrain.losses"
    elif target != BASELINE and missing:
        yield (
            f"report.target.loss: the gain of {target!r} is known only on retrained tasks; add {', '.join(missing)} to "
            f"retrain.tasks, or write {BASELINE}"
        )
    for name in report.curve_losses:
        if name not in formulas:
            yield (
                f"report.curve_losses: {name!r} is not among retrain.losses; there are {', '.join(formulas)}"
            )
