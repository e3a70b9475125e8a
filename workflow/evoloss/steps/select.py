"""Rule select: compute the fitness of a generation and choose its survivors. Needs no torch."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.files import read_json
from evoloss.learning.records import charged
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.fitness import Reference, best_rate, references
from evoloss.search.method import Individual, Score, load_algorithm, ranked, told, truncate
from evoloss.search.records import CANDIDATES, POPULATION, SCORES
from evoloss.search.run_folder import add_generation_flags, read_evaluations
from evoloss.search.settings import MethodSettings


def main(flags: Flags) -> None:
    """Compute the children's fitness and let the method choose the next population."""
    algorithm = load_algorithm(flags.algorithm)
    first = flags.generation == 0
    settings = parse_settings(MethodSettings if first else algorithm.Settings, flags.settings)
    candidates = read(flags.candidates, CANDIDATES)
    if first:
        candidates = candidates[: settings.population]
    evaluations = read_evaluations(Path(flags.evaluations), flags.batches)
    previous = read(flags.previous, POPULATION) if flags.previous else []
    by_task = references(read_json(path) for path in flags.tasks)
    if missing := incomplete(candidates, evaluations, by_task):
        raise UserError(
            f"{flags.evaluations}: {missing}; delete the folder and run snakemake again"
        )
    scores = scored(candidates, evaluations, by_task)
    everyone = told(
        [Individual.from_row(row) for row in previous], [Score.from_row(row) for row in scores]
    )
    parents = [individual for individual in everyone if individual.born < flags.generation]
    evaluated = [individual for individual in everyone if individual.born == flags.generation]
    if first:
        survivors = truncate([], evaluated, settings.population)
    else:
        survivors = ranked(algorithm.select(parents, evaluated, settings))
    if not survivors:
        raise UserError(
            f"no individual of {flags.method}, run seed {flags.run_seed}, completed its training "
            f"({why_none(evaluations)}); use a pool with check_initial: true or a lower learning rate"
        )
    print(f"best fitness {survivors[0].fitness:.4f}: {survivors[0].expression}")
    metadata = record(flags, "select", settings=settings)
    write(flags.scores, scores, SCORES, metadata)
    write(flags.output, population(survivors, flags.generation), POPULATION, metadata)


def why_none(evaluations: list[dict[str, Any]]) -> str:
    """Why no candidate completed a training."""
    ended = [row for row in evaluations if row["status"] != "stopped_early"]
    return "; ".join(sorted({row["reason"] or row["status"] for row in ended or evaluations}))


def population(survivors: list[Individual], generation: int) -> list[dict[str, Any]]:
    """The rows of `population`: the survivors, best first."""
    return [
        {
            "candidate_id": individual.candidate_id,
            "expression": str(individual.expression),
            "fitness": individual.fitness,
            "evaluations": individual.evaluations,
            "rate_multiple": individual.rate_multiple,
            "twin_of": individual.twin_of,
            "born": individual.born,
            "age": generation - individual.born,
            "size": individual.expression.size,
            "rank": rank,
        }
        for rank, individual in enumerate(survivors)
    ]


def incomplete(
    candidates: list[dict[str, Any]], evaluations: list[dict[str, Any]], by_task: Mapping[str, Any]
) -> str | None:
    """Which training is missing or recorded twice, or None: there must be one row per slot, task and rate."""
    found = Counter((row["candidate_id"], row["task"], row["rate_multiple"]) for row in evaluations)
    new = {row["candidate_id"] for row in candidates if row["purpose"] == "new"}
    rates = {multiple for name, _, multiple in found if name in new}
    for row in candidates:
        name, own = row["candidate_id"], row["rate_multiple"]
        for task in by_task if row["purpose"] != "reused" else ():
            for multiple in rates if own is None else [own]:
                if found[name, task, multiple] != 1:
                    trainings = found[name, task, multiple]
                    return f"{name} has {trainings} trainings on {task} at {multiple:g} x the rate, not 1"
            if not rates and own is None:
                return f"{name} has no trainings"
    return None


def scored(
    candidates: list[dict[str, Any]],
    evaluations: list[dict[str, Any]],
    by_task: Mapping[str, Reference],
) -> list[dict[str, Any]]:
    """The rows of `scores`: the result of each planned candidate, from its trainings alone."""
    by_candidate = defaultdict(list)
    for row in evaluations:
        by_candidate[row["candidate_id"]].append(row)
    return [_scored(row, by_candidate[row["candidate_id"]], by_task) for row in candidates]


def _scored(
    row: dict[str, Any], trainings: list[dict[str, Any]], by_task: Mapping[str, Reference]
) -> dict[str, Any]:
    if row["purpose"] == "reused":
        value, multiple = row["reused_fitness"], row["rate_multiple"]
    else:
        value, multiple = best_rate(trainings, by_task)
    costs = [charged(training) for training in trainings]
    dearest: dict[str, int] = dict.fromkeys(by_task, 0)
    for training, cost in zip(trainings, costs, strict=True):
        dearest[training["task"]] = max(dearest[training["task"]], cost)
    shared = (
        "candidate_id",
        "slot",
        "expression",
        "generation",
        "fingerprint",
        "purpose",
        "twin_of",
    )
    return {
        **{name: row[name] for name in shared},
        "fitness": value,
        "evaluations": row["reused_evaluations"] if row["purpose"] == "reused" else 1,
        "rate_multiple": multiple,
        "training_samples": sum(costs),
        "dearest_samples": sum(dearest.values()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_generation_flags(parser)
    parser.add_argument(
        "--settings",
        required=True,
        help="method settings as JSON; for generation 0 only the shared ones",
    )
    parser.add_argument("--tasks", nargs="+", required=True, help="resolved tasks (JSON files)")
    parser.add_argument(
        "--previous", help="Parquet file of the last population; none for generation 0"
    )
    parser.add_argument("--candidates", required=True, help="Parquet file with the plan")
    parser.add_argument("--evaluations", required=True, help="folder of the evaluations' batches")
    parser.add_argument("--batches", type=int, required=True, help="number of batches")
    parser.add_argument("--scores", required=True, help="Parquet file to write")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
