"""What a run has written about one of its generations, wherever it lies. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoloss.functional_check.records import PROPOSALS
from evoloss.learning.records import EVALUATIONS
from evoloss.parquet import read
from evoloss.search.records import CANDIDATES

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and, if it starts from a pool, the pool's.

    `population`: P, its share of the pool. `batches`: files of evaluations, a generation each.
    `trains_alone`: whether the run trained its share of the pool itself.
    """

    run: Path
    pool: Path | None
    population: int
    batches: list[int]
    trains_alone: bool

    def generation(self, number: int) -> tuple[Rows, Rows, Rows]:
        """Candidates, proposals and evaluations of a generation.

        Of a pool they are the run's share: its first P individuals, the draws up to the last of them.
        """
        mine = self.run / f"generation{number}"
        of_pool = self.pool is not None and number == 0
        planned = self.pool if self.pool is not None and of_pool else mine
        candidates = read(planned / "candidates.parquet", CANDIDATES)
        proposals = read(planned / "proposals.parquet", PROPOSALS)
        trained = mine if self.trains_alone else planned
        evaluations = [
            row
            for batch in range(self.batches[number])
            for row in read(trained / "evaluations" / f"{batch}.parquet", EVALUATIONS)
        ]
        if of_pool:
            candidates = candidates[: self.population]
            names = {row["candidate_id"] for row in candidates}
            last = max(row["proposal"] for row in proposals if row["candidate_id"] in names)
            proposals = [row for row in proposals if row["proposal"] <= last]
            evaluations = [row for row in evaluations if row["candidate_id"] in names]
        return candidates, proposals, evaluations
