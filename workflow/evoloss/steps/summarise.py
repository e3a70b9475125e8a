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
from evoloss.search.records import CANDIDATES, LEDGER, POPULATION


def main(flags: Flags) -> None:
    """Write the ledger of a run."""
    pool, run = Path(flags.pool), Path(flags.run)
    rows = []
    incumbent: dict[str, Any] | None = None
    for generation, batches in enumerate(json.loads(flags.batches)):
        folder = run / f"generation{generation}" if generation else pool
        candidates = read(folder / "candidates.parquet", CANDIDATES)
        proposals = read(folder / "proposals.parquet", PROPOSALS)
        evaluations = [
            row
            for batch in range(batches)
            for row in read(folder / "evaluations" / f"{batch}.parquet", EVALUATIONS)
        ]
        if generation == 0:
            proposals, evaluations = share_of_pool(
                candidates, proposals, evaluations, flags.population
            )
        population = read(run / f"generation{generation}" / "population.parquet", POPULATION)
        if incumbent is None or population[0]["fitness"] > incumbent["fitness"]:
            incumbent = population[0]
        rows.append(
            {
                "generation": generation,
                **cost(proposals, evaluations),
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
    parser.add_argument("--pool", required=True, help="folder of the pool")
    parser.add_argument("--run", required=True, help="folder of the run")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
