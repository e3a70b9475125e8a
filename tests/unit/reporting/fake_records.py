"""Records of studies that were never run, in the frames that tables and figures read.

`fake_records` fills them with random numbers, for figures. `study` plants known differences between methods in them,
so that a test can say what a table has to find; `change` then sets columns of its ledgers.
"""

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

GENERATIONS, TRAINING = 3, 100
"""Of `study`: generations of a run, and samples that a training takes."""


def fake_records(methods=8, runs=9, generations=12, tasks=1, seed=0) -> SimpleNamespace:
    """A study of random numbers, with all that the figures read of it."""
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
    """The ledgers and the scores of all runs: fitness rises with the generations."""
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
    """The fitness of each run's incumbent by what it has spent."""
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
    """Three final trainings of a loss on a task, with curves that rise to their end."""
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


def ledger_row(method, seed, generation, **changes):
    """A generation of six proposals, of which one is rejected and five trained in full."""
    return {
        "method": method,
        "run_seed": seed,
        "generation": generation,
        "proposals": 6,
        "rejected_method": 0,
        **{f"rejected_{stage}": int(stage == "gradient") for stage in STAGES},
        **{
            f"reached_{stage}": 6 - (STAGES.index(stage) > STAGES.index("gradient"))
            for stage in STAGES
        },
        **{f"{stage}_seconds": 0.5 * (stage == "gradient") for stage in STAGES},
        "check_seconds": 0.5,
        "reused": 0,
        "evaluations": 5,
        "failed_evaluations": 0,
        "stopped_evaluations": 0,
        "population": 5,
        "full_samples": 5 * TRAINING,
        "stopped_samples": 0,
        "training_samples": 5 * TRAINING,
        "rescore_samples": 0,
        "training_seconds": 2.0,
        "validation_seconds": 0.25,
        "peak_memory_bytes": None,
        "best_fitness": 1.0,
        "fitness_sd": 0.1,
        "incumbent": f"g{generation}",
        **changes,
    }


def study(fitness, run_seeds, reference="random_search", spread=0.0, seed=0):
    """Records of a search: `fitness` is of each method's champion, which leads from generation 1 on.

    The first leader is 0.1 worse; `spread` is noise on top that the methods of a run seed do not share.
    """
    rng = np.random.default_rng(seed)
    ledgers, rescored = [], []
    for run_seed in run_seeds:
        shared = rng.normal(0, 0.2)
        for method, value in fitness.items():
            best = value + shared + spread * rng.normal()
            scores = {"g0": best - 0.1, "g1": best, "cross_entropy": 1.0}
            for generation in range(GENERATIONS):
                name = f"g{min(generation, 1)}"
                ledgers.append(ledger_row(method, run_seed, generation, incumbent=name))
            rescored += [
                {
                    "method": method,
                    "run_seed": run_seed,
                    "candidate_id": name,
                    "role": "cross_entropy" if name == "cross_entropy" else "incumbent",
                    "task": "digits",
                    "repeat": 0,
                    "validation_accuracy": score,
                    "status": "completed",
                    "training_samples": TRAINING,
                }
                for name, score in scores.items()
            ]
    return SimpleNamespace(
        methods=list(fitness),
        run_seeds=list(run_seeds),
        confidence=0.95,
        ledgers=pd.DataFrame(ledgers),
        rescored=pd.DataFrame(rescored),
        sweeps=pd.DataFrame({"training_samples": [700]}),
        resolved_tasks=[{"name": "digits", "chance": 0.0, "cross_entropy_accuracy": 0.9}],
        overlap=0.1,
        target=1.0,
        description={
            "reference_method": reference,
            "tasks": ["digits"],
            "rates": 1,
            "audit_trainings": 0,
            "target": {"loss": "cross_entropy", "share": 1.0, "over": "chance"},
        },
    )


def change(records, method, generation, **values):
    """Set columns of a generation's row in the ledgers of all runs of a method."""
    ledgers = records.ledgers
    mine = (ledgers["method"] == method) & (ledgers["generation"] == generation)
    for name, value in values.items():
        ledgers.loc[mine, name] = value
