"""How many training samples each method can spend, and whether the budget fits: from the settings alone."""

from collections.abc import Iterator, Sequence

from evoloss.errors import UserError
from evoloss.learning.dataset_size import dataset_size
from evoloss.learning.schedule import segment_ends, total_steps, wanted_images
from evoloss.search.method import load_algorithm
from evoloss.search.racing import SEGMENTS, race_cost
from evoloss.search.settings import MethodSettings
from evoloss.study.settings import Config


def task_ends(config: Config) -> dict[str, list[int]]:
    """Search task -> steps done at the end of each segment of a training. A task is left out while its images
    cannot be counted, because its image folder is missing or invalid."""
    ends = {}
    for name in config.search.tasks:
        task = config.tasks[name]
        try:
            there = dataset_size(task.dataset).train
        except UserError:
            continue
        if steps := total_steps(task, wanted_images(task.training_images, there)):
            ends[name] = segment_ends(steps)
    return ends


def candidate_samples(config: Config) -> int | None:
    """Training samples of one full training of a candidate on all search tasks, at one rate; None if unknown."""
    ends = task_ends(config)
    if ends.keys() != set(config.search.tasks):
        return None
    return sum(steps[-1] * config.tasks[name].batch_size for name, steps in ends.items())


def samples(config: Config) -> int | None:
    """`search.budget_samples` in training samples; None without a budget, or if a training's size is unknown."""
    budget = config.search.budget_samples
    if not isinstance(budget, str):
        return budget
    one = candidate_samples(config)
    return one and int(budget.split()[0]) * one


def trainings(
    method: MethodSettings,
    generation: int,
    ends: Sequence[int] = range(1, SEGMENTS + 1),
    rates: int = 1,
) -> float:
    """The largest cost of a generation, in full trainings: `rates` for a new candidate, 1 for a re-scored one.
    A race makes it cheaper; a hurdle is assumed to stop no training."""
    if method.pool is not None and generation == 0:
        new, again = method.population, 0
    else:
        slots = load_algorithm(method.algorithm).slots(method, generation)
        again = getattr(method, "rescore_elites", 0)
        again += method.population if getattr(method, "rescore", False) else 0
        new = slots - again
    entrants = rates * new
    return again + (race_cost(method.racing, entrants, ends) if method.racing else entrants)


def budget_problems(config: Config) -> Iterator[str]:
    """Sentences about a budget that is too small for a method, or larger than it can spend."""
    budget, one = samples(config), candidate_samples(config)
    if budget is None or one is None:
        return
    if any(config.tasks[name].early_stopping for name in config.search.tasks):
        return  # how early trainings stop is unknown
    ends, rates = task_ends(config), len(config.search.rates)
    for name, method in config.search.methods.items():
        key = f"search.methods.{name}"
        spent = [
            round(
                sum(
                    trainings(method, generation, steps, rates)
                    * steps[-1]
                    * config.tasks[task].batch_size
                    for task, steps in ends.items()
                )
            )
            for generation in range(config.search.generations_of(name) + 1)
        ]
        tuned_in = getattr(method, "tuning_from", None)
        if spent[0] > budget and not method.hurdle:  # how many a hurdle stops is unknown
            yield (
                f"search.budget_samples: got {budget:,}, but the first {method.population} candidates of {name} "
                f"may take {spent[0]:,} training samples; raise it, or lower {key}.population"
                + (" or try fewer search.rates" if rates > 1 else "")
            )
        elif sum(spent) + one <= budget:
            yield (
                f"search.budget_samples: got {budget:,}, but {name} takes at most {sum(spent):,} training samples "
                f"in {config.search.generations_of(name)} generations; raise search.generations or {key}.generations, or "
                "lower the budget"
            )
        elif tuned_in and sum(spent[: tuned_in + 1]) + one > budget:
            yield (
                f"{key}.tuning_from: got {tuned_in}, but by the end of that generation {name} may have spent "
                f"{sum(spent[: tuned_in + 1]):,} of search.budget_samples ({budget:,}), so CMA-ES "
                f"learns no fitness; lower it or {key}.tuning_population, or raise the budget"
            )
