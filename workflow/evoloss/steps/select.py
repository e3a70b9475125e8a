"""Rule select: who survives a generation. Needs no torch."""

import argparse
from collections import defaultdict
from pathlib import Path

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.learning.records import EVALUATIONS
from evoloss.parquet import read, read_json, write
from evoloss.provenance import record
from evoloss.search.fitness import fitness, references
from evoloss.search.method import Individual, load_algorithm, truncate
from evoloss.search.records import CANDIDATES, POPULATION
from evoloss.search.settings import MethodSettings


def main(flags: Flags) -> None:
    """Compute the children's fitness and let the method choose the next population."""
    algorithm = load_algorithm(flags.algorithm)
    first = flags.generation == 0
    settings = parse_settings(MethodSettings if first else algorithm.Settings, flags.settings)
    folder = Path(flags.folder)
    candidates = read(folder / "candidates.parquet", CANDIDATES)
    evaluations = [
        row
        for batch in range(flags.batches)
        for row in read(folder / "evaluations" / f"{batch}.parquet", EVALUATIONS)
    ]
    previous = read(flags.previous, POPULATION) if flags.previous else []
    if first:
        candidates = candidates[: settings.population]
    by_candidate = defaultdict(list)
    for row in evaluations:
        by_candidate[row["candidate_id"]].append(row)
    by_task = references(read_json(path) for path in flags.tasks)
    evaluated = []
    for row in candidates:
        value = fitness(by_candidate[row["candidate_id"]], by_task)
        if value is not None:
            evaluated.append(
                Individual(
                    row["candidate_id"], parse(row["expression"]), value, 1, row["generation"]
                )
            )
    parents = [Individual.from_row(row) for row in previous]
    if first:
        survivors = truncate([], evaluated, settings.population)
    else:
        survivors = algorithm.select(parents, evaluated, settings)
    if not survivors:
        reasons = sorted({row["reason"] or row["status"] for row in evaluations})
        raise UserError(
            f"no individual of {flags.method}, run seed {flags.run_seed}, completed its training "
            f"({'; '.join(reasons)}); use a pool with check_initial: true or a lower learning rate"
        )
    print(f"best fitness {survivors[0].fitness:.4f}: {survivors[0].expression}")
    metadata = record(
        flags.study,
        "select",
        method=flags.method,
        run_seed=flags.run_seed,
        generation=flags.generation,
        settings=settings.model_dump(mode="json"),
    )
    rows = [
        {
            "candidate_id": individual.candidate_id,
            "expression": str(individual.expression),
            "fitness": individual.fitness,
            "evaluations": individual.evaluations,
            "born": individual.born,
            "age": flags.generation - individual.born,
            "size": individual.expression.size,
            "rank": rank,
        }
        for rank, individual in enumerate(survivors)
    ]
    write(flags.output, rows, POPULATION, metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--algorithm", required=True, help="its algorithm")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--generation", type=int, required=True)
    parser.add_argument(
        "--settings",
        required=True,
        help="method settings as JSON; for generation 0 the shared ones",
    )
    parser.add_argument("--tasks", nargs="+", required=True, help="resolved tasks (JSON files)")
    parser.add_argument(
        "--previous", help="Parquet file of the last population; none for generation 0"
    )
    parser.add_argument("--folder", required=True, help="where the generation's candidates lie")
    parser.add_argument("--batches", type=int, required=True, help="files below its evaluations/")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
