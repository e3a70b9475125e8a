"""Reads what a run has recorded of a generation, in its own folder or in its pool's. Needs no torch."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoloss.functional_check.records import PROPOSALS
from evoloss.learning.records import EVALUATIONS
from evoloss.parquet import read
from evoloss.search.records import CANDIDATES, SCORES

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and, if it starts from a pool, the pool's.

    `population`: P, the number of individuals it takes from the pool. `batches`: how many files of evaluations each
    generation has. `trains_alone`: whether the run trained the individuals of the pool itself.
    """

    run: Path
    pool: Path | None
    population: int
    batches: list[int]
    trains_alone: bool

    @classmethod
    def of(cls, flags: argparse.Namespace) -> "RunFolder":
        """The run that the flags of `add_run_flags` name."""
        return cls(
            Path(flags.run),
            flags.pool and Path(flags.pool),
            flags.population,
            json.loads(flags.batches),
            flags.trains_alone,
        )

    def generation(self, number: int) -> tuple[Rows, Rows, Rows]:
        """Candidates, proposals and evaluations of a generation.

        From a pool come only its first P individuals and the proposals up to the last of them.
        """
        mine = self.run / f"generation{number}"
        of_pool = self.pool is not None and number == 0
        planned = self.pool if self.pool is not None and of_pool else mine
        candidates = read(planned / "candidates.parquet", CANDIDATES)
        proposals = read(planned / "proposals.parquet", PROPOSALS)
        trained = mine if self.trains_alone else planned
        evaluations = read_evaluations(trained / "evaluations", self.batches[number])
        if of_pool:
            candidates = candidates[: self.population]
            names = {row["candidate_id"] for row in candidates}
            last = max(row["proposal"] for row in proposals if row["candidate_id"] in names)
            proposals = [row for row in proposals if row["proposal"] <= last]
            evaluations = [row for row in evaluations if row["candidate_id"] in names]
        return candidates, proposals, evaluations


def read_evaluations(folder: Path, batches: int) -> Rows:
    """The evaluations of a generation, batch by batch."""
    files = (folder / f"{batch}.parquet" for batch in range(batches))
    return [row for file in files for row in read(file, EVALUATIONS)]


def read_scores(run: Path, generations: int) -> Rows:
    """The rows of `scores` of the first `generations` generations of a run."""
    files = (run / f"generation{number}" / "scores.parquet" for number in range(generations))
    return [row for file in files for row in read(file, SCORES)]


def add_generation_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that name a generation of a run."""
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--algorithm", required=True, help="algorithm of the method")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--generation", type=int, required=True)


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that name a run and the folders of its records."""
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--run", required=True, help="folder of the run")
    parser.add_argument("--pool", help="folder of the pool, if the method has one")
    parser.add_argument(
        "--population", type=int, required=True, help="P, individuals taken from the pool"
    )
    parser.add_argument("--batches", required=True, help="batches per generation, as a JSON list")
    parser.add_argument(
        "--trains-alone", action="store_true", help="the run trained these individuals itself"
    )


def add_plan_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that tell a step how to check what it plans, and where to record it."""
    parser.add_argument("--functional-check", required=True, help="its settings as JSON")
    parser.add_argument("--scale-matched", action="store_true", help="all tasks match gradients")
    parser.add_argument("--manifests", nargs="+", required=True, help="of the tasks' data sets")
    parser.add_argument("--candidates", required=True, help="Parquet file to write")
    parser.add_argument("--proposals", required=True, help="Parquet file to write")
