"""Rule summarise: the cost and the incumbent of every generation of a run. Needs no torch."""

import argparse
from statistics import fmean, stdev
from typing import Any

from evoloss.command_line import Flags, run_step
from evoloss.functional_check.settings import STAGES
from evoloss.learning.records import charged
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.method import Individual, Score, told
from evoloss.search.records import LEDGER, POPULATION, SCORES
from evoloss.search.run_folder import RunFolder, add_run_flags


def main(flags: Flags) -> None:
    """Write the ledger of a run."""
    folder = RunFolder.of(flags)
    rows = []
    incumbent: Individual | None = None
    for generation in range(len(folder.batches)):
        _, proposals, evaluations = folder.generation(generation)
        mine = folder.run / f"generation{generation}"
        population = read(mine / "population.parquet", POPULATION)
        scores = read(mine / "scores.parquet", SCORES)
        incumbent = leader(
            incumbent,
            [Individual.from_row(row) for row in population],
            [Score.from_row(row) for row in scores],
        )
        fitnesses = [row["fitness"] for row in population]
        again = [row["training_samples"] for row in scores if row["purpose"] == "rescore"]
        rows.append(
            {
                "generation": generation,
                **cost(proposals, evaluations),
                "reused": sum(row["purpose"] == "reused" for row in scores),
                "population": len(population),
                "rescore_samples": sum(again),
                "best_fitness": incumbent.fitness,
                "mean_fitness": fmean(fitnesses),
                "fitness_sd": stdev(fitnesses) if len(fitnesses) > 1 else None,
                "incumbent": incumbent.candidate_id,
                "incumbent_expression": str(incumbent.expression),
                "incumbent_rate_multiple": incumbent.rate_multiple,
            }
        )
    write(flags.output, rows, LEDGER, record(flags, "summarise"))


def leader(
    incumbent: Individual | None, population: list[Individual], scores: list[Score]
) -> Individual:
    """The incumbent after a generation: the best of the population, or the earlier incumbent if none beats it.

    The earlier incumbent need not be alive, but the re-scoring of this generation changes its fitness.
    """
    best = population[0]
    again = [score for score in scores if score.purpose == "rescore"]
    for earlier in told([incumbent] if incumbent else [], again):
        if earlier.fitness >= best.fitness:
            return earlier
    return best


def cost(proposals: list[dict], evaluations: list[dict]) -> dict[str, Any]:
    """The cost columns of a generation's row."""
    seconds = {stage: sum(row[f"{stage}_seconds"] or 0.0 for row in proposals) for stage in STAGES}
    memory = [row["peak_memory_bytes"] for row in evaluations if row["peak_memory_bytes"]]
    stopped = [row for row in evaluations if row["status"] == "stopped_early"]
    return {
        "proposals": len(proposals),
        "rejected_method": sum(row["rejected_by"] == "method" for row in proposals),
        **{
            f"rejected_{stage}": sum(row["rejected_by"] == stage for row in proposals)
            for stage in STAGES
        },
        **{
            f"reached_{stage}": sum(row[f"{stage}_seconds"] is not None for row in proposals)
            for stage in STAGES
        },
        **{f"{stage}_seconds": spent for stage, spent in seconds.items()},
        "check_seconds": sum(seconds.values()),
        "evaluations": len(evaluations),
        "failed_evaluations": sum(
            row["status"] not in ("completed", "stopped_early") for row in evaluations
        ),
        "stopped_evaluations": len(stopped),
        "full_samples": sum(row["full_samples"] for row in evaluations),
        "stopped_samples": sum(row["full_samples"] - row["training_samples"] for row in stopped),
        "training_samples": sum(map(charged, evaluations)),
        "training_seconds": sum(row["seconds"] for row in evaluations),
        "validation_samples": sum(row["validation_samples"] for row in evaluations),
        "validation_seconds": sum(row["validation_seconds"] for row in evaluations),
        "peak_memory_bytes": max(memory, default=None),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_flags(parser)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
