"""What every method of a comparison spends, planned and charged as rule breed does it, without a training."""

from pathlib import Path

import pytest
from toy import Run, score

from evoloss.search.method import load_algorithm
from evoloss.search.racing import places, segments_at
from evoloss.steps.breed import affordable
from evoloss.study.budget import candidate_samples, samples, task_ends
from evoloss.study.configuration import load_files

CONFIG = Path(__file__).parents[3] / "config"
EVERY_METHOD = Path(__file__).parents[1] / "every_method.yaml"
COMPARISONS = [
    CONFIG / "config.yaml",
    EVERY_METHOD,
    *(
        CONFIG / f"{n}.yaml"
        for n in ("fashion_rivals", "fashion_racing", "ablation", "as_published")
    ),
]


def costs(racing, steps, fitnesses, rates):
    """Steps that each new candidate of a generation takes at all rates, in the order of their slots."""
    entrants = [(slot, rate) for slot in range(len(fitnesses)) for rate in range(rates)]
    taken = dict.fromkeys(entrants, steps[-1])
    running = sorted(entrants, key=lambda entrant: entrant[1] - fitnesses[entrant[0]])
    for number, rung in enumerate(racing.rungs if racing else ()):
        room = places(len(entrants), racing.going_on, number)
        taken |= dict.fromkeys(running[room:], steps[segments_at(rung, 18) - 1])
        running = running[:room]
    return [sum(taken[slot, rate] for rate in range(rates)) for slot in range(len(fitnesses))]


def charge(steps, batch, full):
    """A row of what came of candidates, as breed reads it: what one took, and a whole training."""
    return {"training_samples": steps * batch, "dearest_samples": full * batch}


def spent(config, name, seed):
    """Samples that a run of a method spends in its generations, without training and without torch."""
    method, budget = config.search.methods[name], samples(config)
    ((task, steps),) = task_ends(config).items()
    batch = config.tasks[task].batch_size
    run = Run(load_algorithm(method.algorithm), method, seed)
    # Of an unchecked population, as the draft's, fewer children pass; of structure alone nearly all losses.
    one_in = 5 if name == "egp" else 2 if method.stages == ["structure"] else 6
    run.passes = lambda tree: sum(map(ord, str(tree))) % one_in == 0
    rates = len(config.search.rates)
    fitnesses = [individual.fitness for individual in run.population]
    taken = costs(method.racing, steps, fitnesses, rates)
    charged = [charge(took, batch, steps[-1]) for took in taken]
    while run.next <= config.search.generations_of(name):
        room = affordable(charged, budget)
        if room == 0:
            break
        children, again = run.breed(room, rates)
        new = costs(method.racing, steps, [child.fitness for child in run.trained], rates)
        taken = [*new, *(steps[-1] for _ in again)]
        charged += [charge(took, batch, steps[-1]) for took in taken]
        run.history += [score(child, slot) for slot, child in children.items()]
        run.population = run.module.select(run.population, list(children.values()), method)
        run.next += 1
    return sum(row["training_samples"] for row in charged)


@pytest.mark.parametrize("study", COMPARISONS, ids=lambda path: path.stem)
def test_all_methods_spend_the_same_to_within_one_candidate(study):
    """It takes some seconds: whole runs are bred, for the rules of breeding decide what a run can spend."""
    config = load_files([study])
    one, budget = candidate_samples(config), samples(config)
    for name in config.search.methods:
        for seed in (0, 1):
            assert budget - len(config.search.rates) * one < spent(config, name, seed) <= budget, (
                name
            )
