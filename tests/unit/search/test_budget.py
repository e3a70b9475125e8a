"""What every method of a comparison spends, by the rules by which breed plans and charges."""

from pathlib import Path

import pytest
from toy import Run, score

from evoloss.budget import candidate_samples, samples, task_ends
from evoloss.search.method import load_algorithm
from evoloss.search.racing import places, segments_at
from evoloss.settings import load_files
from evoloss.steps.breed import affordable

CONFIG = Path(__file__).parents[3] / "config"
COMPARISONS = ["config", "fashion_rivals", "fashion_racing", "ablation", "as_published"]


def costs(racing, steps, fitnesses):
    """Steps that each new candidate of a generation takes, in the order of their slots."""
    taken = dict.fromkeys(range(len(fitnesses)), steps[-1])
    running = sorted(taken, key=lambda k: -fitnesses[k])
    for number, rung in enumerate(racing.rungs if racing else ()):
        room = places(len(fitnesses), racing.going_on, number)
        taken |= dict.fromkeys(running[room:], steps[segments_at(rung, 18) - 1])
        running = running[:room]
    return list(taken.values())


def spent(config, name, seed):
    """Samples that a run of a method spends in its generations, without training and without torch."""
    method, budget = config.search.methods[name], samples(config)
    ((task, steps),) = task_ends(config).items()
    batch = config.tasks[task].batch_size
    run = Run(load_algorithm(method.algorithm), method, seed)
    # Of an unchecked population, as the draft's, fewer children pass; of structure alone nearly all losses.
    one_in = 5 if name == "egp" else 2 if method.stages == ["structure"] else 6
    run.passes = lambda tree: sum(map(ord, str(tree))) % one_in == 0
    charged = [
        {"training_samples": taken * batch, "dearest_samples": taken * batch}
        for taken in costs(method.racing, steps, [i.fitness for i in run.population])
    ]
    while run.next <= config.generations(name):
        room = affordable(charged, budget)
        if room == 0:
            break
        children, again = run.breed(room)
        new = costs(method.racing, steps, [child.fitness for child in run.trained])
        taken = [*new, *(steps[-1] for _ in again)]
        charged += [{"training_samples": t * batch, "dearest_samples": t * batch} for t in taken]
        run.history += [score(child, slot) for slot, child in children.items()]
        run.population = run.module.select(run.population, list(children.values()), method)
        run.next += 1
    return sum(row["training_samples"] for row in charged)


@pytest.mark.parametrize("study", COMPARISONS)
def test_all_methods_spend_the_same_to_within_one_training(study):
    config = load_files([CONFIG / f"{study}.yaml"])
    one, budget = candidate_samples(config), samples(config)
    for name in config.search.methods:
        for seed in (0, 1):
            assert budget - one < spent(config, name, seed) <= budget, name
