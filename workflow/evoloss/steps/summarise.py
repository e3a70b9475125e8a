"""Rule summarise: one row a generation of a run: what it cost and who led. Needs no torch."""

import argparse
import json
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, run_step
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import STAGES
from evoloss.learning.records import EVALUATIONS
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.records import CANDIDATES, LEDGER, POPULATION, SCORES


def main(flags: Flags) -> None:
    """Write the ledger of a run."""
    run = Path(flags.run)
    rows = []
    incumbent: dict[str, Any] | None = None
    for generation, batches in enumerate(json.loads(flags.batches)):
        mine = run / f"generation{generation}"
        folder = Path(flags.pool) if flags.pool and not generation else mine
        candidates = read(folder / "candidates.parquet", CANDIDATES)
        proposals = read(folder / "proposals.parquet", PROPOSALS)
        evaluations = [
            row
            for batch in range(batches)
            for row in read(folder / "evaluations" / f"{batch}.parquet", EVALUATIONS)
        ]
        if generation == 0 and flags.pool:
            proposals, evaluations = share_of_pool(
                candidates, proposals, evaluations, flags.population
            )
        population = read(mine / "population.parquet", POPULATION)
        scores = read(mine / "scores.parquet", SCORES)
        incumbent = leader(incumbent, population)
        rows.append(
            {
                "generation": generation,
                **cost(proposals, evaluations),
                "reused": sum(row["purpose"] == "reused" for row in scores),
                "population": len(population),
                "rescore_samples": sum(
                    row["training_samples"] for row in scores if row["purpose"] == "rescore"
                ),
                "best_fitness": incumbent["fitness"],
                "mean_fitness": sum(row["fitness"] for row in population) / len(population),
                "incumbent": incumbent["candidate_id"],
                "incumbent_expression": incumbent["expression"],
            }
        )
    write(
        flags.output,
        rows,
        LEDGER,
        record(flags.study, "summarise", method=flags.method, run_seed=flags.run_seed),
    )


def leader(incumbent: dict[str, Any] | None, population: list[dict[str, Any]]) -> dict[str, Any]:
    """Who leads after a generation: the best of the population, or the incumbent if no one beats it.

    An incumbent that is still alive has the fitness that re-scoring may have revised.
    """
    best = population[0]
    if incumbent is None:
        return best
    alive = {row["candidate_id"]: row for row in population}
    incumbent = alive.get(incumbent["candidate_id"], incumbent)
    return best if best["fitness"] > incumbent["fitness"] else incumbent


def share_of_pool(
    candidates: list[dict], proposals: list[dict], evaluations: list[dict], population: int
) -> tuple[list[dict], list[dict]]:
    """What the first `population` individuals of a pool cost: draws up to the last, and trainings."""
    mine = {row["candidate_id"] for row in candidates[:population]}
    last = max(row["proposal"] for row in proposals if row["candidate_id"] in mine)
    return (
        [row for row in proposals if row["proposal"] <= last],
        [row for row in evaluations if row["candidate_id"] in mine],
    )


def cost(proposals: list[dict], evaluations: list[dict]) -> dict[str, Any]:
    """The cost columns of a generation's row."""
    seconds = [row[f"{stage}_seconds"] or 0.0 for row in proposals for stage in STAGES]
    memory = [row["peak_memory_bytes"] for row in evaluations if row["peak_memory_bytes"]]
    return {
        "proposals": len(proposals),
        "rejected_method": sum(row["rejected_by"] == "method" for row in proposals),
        **{
            f"rejected_{stage}": sum(row["rejected_by"] == stage for row in proposals)
            for stage in STAGES
        },
        "check_seconds": sum(seconds),
        "evaluations": len(evaluations),
        "failed_evaluations": sum(row["status"] != "completed" for row in evaluations),
        "training_samples": sum(row["training_samples"] for row in evaluations),
        "training_seconds": sum(row["seconds"] for row in evaluations),
        "validation_samples": sum(row["validation_samples"] for row in evaluations),
        "validation_seconds": sum(row["validation_seconds"] for row in evaluations),
        "peak_memory_bytes": max(memory, default=None),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument(
        "--population", type=int, required=True, help="P, the run's share of the pool"
    )
    parser.add_argument("--batches", required=True, help="batches a generation, as a JSON list")
    parser.add_argument("--pool", help="folder of the pool, if the method has one")
    parser.add_argument("--run", required=True, help="folder of the run")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
