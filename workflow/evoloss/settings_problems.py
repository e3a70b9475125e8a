"""What keys of a configuration say against each other, though each is legal by itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evoloss.budget import budget_problems, task_ends
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.tree import Expression
from evoloss.functional_check import structure
from evoloss.learning.settings import NETWORK_NAMES
from evoloss.learning.sources import SOURCES
from evoloss.losses.registry import CATALOGUE, formula_of
from evoloss.own_parts import own_part_problem
from evoloss.search.fitness import BASELINE
from evoloss.search.racing import rungs_problem

if TYPE_CHECKING:
    from evoloss.settings import Config


MOST_JOBS = 200_000
"""Jobs of evaluation beyond which Snakemake would take longer to plan than anyone waits, and all memory."""


def evaluation_jobs(config: "Config") -> int:
    """How many jobs of evaluation a study has, or MOST_JOBS + 1 where they are more than that."""
    jobs = 0
    for method, settings in config.search.methods.items():
        known = settings.pool is None or settings.pool in config.search.pools
        for generation in range(config.generations(method) + 1 if known else 0):
            jobs += config.batches(method, generation) * len(config.search.run_seeds)
            if jobs > MOST_JOBS:
                return jobs
    return jobs


def disagreements(config: "Config") -> Iterator[str]:
    """Sentences about keys that are each legal but do not go together."""
    search, retrain = config.search, config.retrain
    if config.study == "published":
        yield "study: 'published' is the folder of published results; choose another name"
    for key, names in (("search.tasks", search.tasks), ("retrain.tasks", retrain.tasks)):
        for name in names:
            if name not in config.tasks:
                yield f"{key}: unknown task {name!r}; there are {', '.join(config.tasks)}"
    if bool(search.tasks) != bool(search.methods):
        key = "methods" if search.tasks else "tasks"
        yield f"search.{key}: there are none; name one, or write search: null to retrain only"
    lists = {
        "search.tasks": search.tasks,
        "search.run_seeds": search.run_seeds,
        "retrain.tasks": retrain.tasks,
        "retrain.training_seeds": retrain.training_seeds,
    }
    for key, values in lists.items():
        if len(set(values)) != len(values):
            yield f"{key}: got {values}, but each entry may stand only once"
    if sorted(set(search.rates)) != search.rates:
        yield f"search.rates: got {search.rates}; the multiples must ascend, each once"
    for name, method in search.methods.items():
        key = f"search.methods.{name}"
        if name == "pools" or name in CATALOGUE:
            yield f"{key}: a method cannot be called {name!r}; choose another name"
        if method.pool is None:
            if type(method).model_fields["pool"].default is not None:
                yield f"{key}.pool: got null, but {method.algorithm} starts from a pool; name one"
        elif method.pool not in search.pools:
            yield f"{key}.pool: unknown pool {method.pool!r}; there are {', '.join(search.pools)}"
        elif method.population > search.pools[method.pool].size:
            yield (
                f"{key}.population: got {method.population}, but its pool {method.pool!r} holds "
                f"{search.pools[method.pool].size} individuals; raise search.pools.{method.pool}.size"
            )
        if method.reuse and "novel" not in (
            search.functional_check.stages if method.stages is None else method.stages
        ):
            yield (
                f"{key}.reuse: it rests on the stage novel of the functional check; add novel to "
                f"{key}.stages, or set reuse: false"
            )
    for name, task in config.tasks.items():
        if config.datasets()[task.dataset.name] != task.dataset:
            yield (
                f"tasks.{name}.dataset: another task uses a data set named {task.dataset.name!r} with "
                "other options; give one of them a name of its own"
            )
        if ":" in task.network:
            problem = own_part_problem(task.network)
            if problem:
                yield f"tasks.{name}.network: got {task.network!r}, but {problem}"
        elif task.network not in NETWORK_NAMES:
            yield (
                f"tasks.{name}.network: got {task.network!r}; there are {', '.join(NETWORK_NAMES)}, "
                "or write module:function"
            )
    yield from _initial_loss_problems(config)
    yield from _tuning_problems(config)
    yield from _training_problems(config)
    yield from _loss_problems(config)
    base = config.report.ablation_base
    if base is not None and base not in search.methods:
        yield f"report.ablation_base: unknown method {base!r}; there are {', '.join(search.methods)}"
    yield from _condition_problems(config)
    if config.reference_method() not in [*search.methods, None]:
        yield (
            f"report.reference_method: unknown method {config.report.reference_method!r}; "
            f"there are {', '.join(search.methods)}"
        )
    if (jobs := evaluation_jobs(config)) > MOST_JOBS:
        yield (
            f"search: {jobs:,} jobs of evaluation, but Snakemake plans at most some {MOST_JOBS:,}; raise search.batch_size "
            "or lower generations, populations, children or run seeds"
        )


def _condition_problems(config: "Config") -> Iterator[str]:
    for number, condition in enumerate(config.report.conditions):
        key = f"report.conditions.{number}.tasks"
        for name in condition.tasks:
            if name not in config.retrain.tasks:
                yield f"{key}: {name!r} is not among retrain.tasks; there are {', '.join(config.retrain.tasks)}"
        if len(set(condition.tasks)) < len(condition.tasks):
            yield f"{key}: got {condition.tasks}, but each entry may stand only once"


def _initial_loss_problems(config: "Config") -> Iterator[str]:
    # Those of image folders are known when they are read; rule initialise asks again.
    datasets = [config.tasks[task].dataset for task in config.search.tasks if task in config.tasks]
    classes = {dataset.class_count() for dataset in datasets} - {None}
    for name, pool in config.search.pools.items():
        key = f"search.pools.{name}.initial_losses"
        if len(pool.initial_losses) > pool.size:
            yield (
                f"{key}: got {len(pool.initial_losses)} losses, but the pool holds {pool.size} "
                f"individuals; raise search.pools.{name}.size"
            )
        seen: set[Expression] = set()
        for text in pool.initial_losses:
            try:
                formula = formula_of(text)
            except UserError as error:
                yield f"{key}: {error}"
                continue
            if ":" in formula:
                yield (
                    f"{key}: {text!r} is a function of logits, which a search cannot vary; "
                    "write losses that are expressions over p and y"
                )
                continue
            tree = parse(formula, classes=10)
            if len(classes) > 1 and tree != parse(formula, classes=11):
                yield (
                    f"{key}: {text!r} contains C, the number of classes, which differs between the "
                    f"search tasks ({', '.join(map(str, sorted(classes)))}); write it without C"
                )
            problem = structure.problem(tree, pool.space)
            if problem:
                yield f"{key}: {text!r} is too large for search.pools.{name}.space: {problem}"
            if tree in seen:
                yield f"{key}: {text!r} stands there twice"
            seen.add(tree)


def _training_problems(config: "Config") -> Iterator[str]:
    # Of image folders and of some classes rule evaluate says so, and rule breed, when the images have
    # been counted.
    ends = {
        name: steps
        for name, steps in task_ends(config).items()
        if SOURCES[config.tasks[name].dataset.source].images
        and config.tasks[name].dataset.classes is None
    }
    for name, method in config.search.methods.items():
        key = f"search.methods.{name}"
        means = "racing" if method.racing else "hurdle"
        for task, steps_done in ends.items() if method.stops else ():
            problem = rungs_problem(getattr(method, means).rungs, steps_done)
            if problem:
                yield f"{key}.{means}.rungs: on task {task!r}, {problem}"
    yield from budget_problems(config)


def _tuning_problems(config: "Config") -> Iterator[str]:
    for name, method in config.search.methods.items():
        first, last = getattr(method, "tuning_from", None), config.generations(name)
        if first is not None and first >= last:
            yield (
                f"search.methods.{name}.tuning_from: got {first}, but of {last} generations CMA-ES would be told "
                "nothing, since it learns of a sample in the generation after; "
                + (f"write {max(1, last - 2)}, " if last > 1 else "")
                + "raise the generations, or write null to leave coefficients as they are"
            )


def _loss_problems(config: "Config") -> Iterator[str]:
    try:
        formulas = config.retrain.formulas()
    except UserError as error:
        yield f"retrain.losses: {error}"
        return
    if len(formulas) != len(config.retrain.losses):
        yield (
            "retrain.losses: the same loss stands there twice, or two under one name; "
            "write `name: loss` for the second"
        )
    if BASELINE not in formulas:
        yield f"retrain.losses: {BASELINE!r} is missing; every other loss is compared to it"
    target = config.report.target.loss
    missing = [task for task in config.search.tasks if task not in config.retrain.tasks]
    if target not in (BASELINE, *formulas):
        yield f"report.target.loss: {target!r} is not among retrain.losses"
    elif target != BASELINE and missing:
        yield (
            f"report.target.loss: the gain of {target!r} is known where it is retrained; add "
            f"{', '.join(missing)} to retrain.tasks, or write {BASELINE}"
        )
    for name, formula in formulas.items():
        problem = own_part_problem(formula) if ":" in formula else None
        if problem:
            yield f"retrain.losses: got {formula!r}, but {problem}"
        if name in CATALOGUE and formula != CATALOGUE[name].formula:
            yield f"retrain.losses: {name!r} is a loss of the catalogue; give your own another name"
    for name in set(formulas) & set(config.champions()):
        yield f"retrain.losses: {name!r} is the name of a run's champion; choose another"
    for name in config.report.curve_losses:
        if name not in formulas:
            yield (
                f"report.curve_losses: {name!r} is not among retrain.losses; "
                f"there are {', '.join(formulas)}"
            )
