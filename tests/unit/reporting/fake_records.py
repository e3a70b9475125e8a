"""Records of a study that was never run: random numbers in the frames that figures read."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from evoloss.functional_check.settings import STAGES

METHODS = [
    "egp",
    "random_search",
    "ngl_gp",
    "ngl_gp_rescored",
    "regularised_evolution",
    "glo",
    "taylor_glo",
    "gp_lfl",
    "robust_taylor",
]
FORMULAS = {"cross_entropy": "-(y * log(p))", "ngl": "exp(2.4092 - p - p * y) - cos(cos(sin(p)))"}
EXPRESSIONS = (
    "-(y * log(p))",
    "square(p - y)",
    "sqrt(p + y) / p",
    "abs(p - y)",
    "y * (1 - p) - log(p + 0.5) * y",
    "exp(p - y) - 2 * y * p",
)
EPOCHS = 10


def fake_records(methods=8, runs=9, generations=12, tasks=1, seed=0) -> SimpleNamespace:
    """All that the figures read of a study."""
    rng, methods = np.random.default_rng(seed), METHODS[:methods]
    run_seeds = list(range(runs))
    champions = [
        {
            "loss": f"{method}_seed{run}",
            "method": method,
            "expression": EXPRESSIONS[rng.integers(len(EXPRESSIONS))],
        }
        for method in methods
        for run in run_seeds
    ]
    names = [f"task_{number}" for number in range(tasks)]
    losses = [*FORMULAS, *(champion["loss"] for champion in champions)]
    ledgers, scores = _search(methods, run_seeds, generations, rng)
    return SimpleNamespace(
        methods=methods,
        run_seeds=run_seeds,
        ledgers=ledgers,
        scores=scores,
        curves=_curves(ledgers, rng),
        champions=champions,
        manifests=[{"classes": 10}],
        target=0.97,
        retrained=pd.concat(_retrained(task, loss, rng) for task in names for loss in losses),
        description={
            "reference_method": "random_search",
            "tasks": ["search_task"],
            "rates": 1,
            "methods": methods,
            "run_seeds": run_seeds,
            "generations": dict.fromkeys(methods, generations),
            "formulas": FORMULAS,
            "curve_losses": list(FORMULAS),
            "losses": losses,
            "published": list(FORMULAS),
            "champions": champions,
            "retrain_tasks": names,
            "balanced_tasks": [],
            "label_noise": dict.fromkeys(names[:1], "35% to the next class"),
        },
    )


def _search(methods, run_seeds, generations, rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, scores = [], []
    for number, method in enumerate(methods):
        for run in run_seeds:
            best = 0.0
            for generation in range(generations + 1):
                size = 20 if generation == 0 else 6 + 2 * (number % 3)
                fitness = np.minimum(1.02, rng.beta(2 + generation / 3, 1.2, size))
                fitness[rng.random(size) < 0.25] = rng.normal(0, 0.01)
                best = max(best, fitness.max())
                fitness[rng.random(size) < 0.05] = np.nan
                scores += [
                    {
                        "method": method,
                        "run_seed": run,
                        "generation": generation,
                        "purpose": "new",
                        "fitness": value,
                    }
                    for value in fitness
                ]
                rows.append(
                    {
                        "method": method,
                        "run_seed": run,
                        "generation": generation,
                        **_screened(number, size),
                        "training_samples": 4000 * size,
                        "seconds": size * (1 + number / 10),
                        "best_fitness": best,
                    }
                )
    return pd.DataFrame(rows), pd.DataFrame(scores)


def _screened(number: int, size: int) -> dict[str, int]:
    """What became of a generation's proposals: unlike by method, some of them raced."""
    rejected = {f"rejected_{stage}": size * (k + number) // 6 for k, stage in enumerate(STAGES)}
    rejected["rejected_method"] = size // 2 if number == 1 else 0
    reused = size // 4 if number % 2 else 0
    return {
        **rejected,
        "reused": reused,
        "proposals": size + sum(rejected.values()) + reused,
        "evaluations": size,
        "failed_evaluations": number % 3,
        "stopped_evaluations": 2 * size // 3 if number % 4 == 3 else 0,
    }


def _curves(ledgers, rng) -> pd.DataFrame:
    spent = ledgers.groupby(["method", "run_seed"])[["training_samples", "seconds"]].cumsum()
    noise = rng.normal(0, 0.004, len(ledgers))
    return ledgers[["method", "run_seed", "generation"]].assign(
        samples=spent["training_samples"],
        seconds=spent["seconds"],
        fitness=1
        - 0.08 * (1 - ledgers["best_fitness"])
        - 0.1 / (2 + ledgers["generation"])
        + noise,
    )


def _retrained(task, loss, rng) -> pd.DataFrame:
    ends = rng.normal(0.93, 0.004) + rng.normal(0, 0.003, 3)
    lines = [list(end - 0.4 * np.exp(-np.arange(1, EPOCHS + 1) / 2)) for end in ends]
    return pd.DataFrame(
        {
            "task": task,
            "loss": loss,
            "training_seed": range(3),
            "status": "completed",
            "validation_accuracy": lines,
            "training_accuracy": lines,
            "test_accuracy": ends,
            "test_balanced_accuracy": ends,
        }
    )
