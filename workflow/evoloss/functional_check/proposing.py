"""Bookkeeping of proposals: each is checked, recorded, and planned for training if it passes."""

from collections.abc import Sequence
from typing import Any

from evoloss.expressions.tree import Expression
from evoloss.functional_check.funnel import Funnel, Verdict
from evoloss.functional_check.settings import STAGES


def candidate_id(generation: int, slot: int) -> str:
    """The id of the candidate of a slot, unique in its run; ids sort by birth."""
    return f"g{generation:04d}s{slot:03d}"


class BudgetSpent(Exception):
    """The budget does not pay for another training; the breeding of the generation ends."""


class Proposer:
    """Collects the rows of `proposals` and `candidates` of one generation.

    `checked`: if false, every proposal passes unchecked (a pool's `check_initial: false`). `reusable`: for each
    fingerprint that the funnel has seen, its individual or None; a twin, a proposal that trains like an individual,
    takes its fitness instead of being rejected. `room`: how many trainings may be planned; a new candidate takes
    `rates` of them, and asking for more raises BudgetSpent.
    """

    def __init__(
        self,
        funnel: Funnel,
        generation: int,
        checked: bool = True,
        reusable: Sequence[Any | None] = (),
        room: int | None = None,
        rates: int = 1,
    ) -> None:
        self.funnel = funnel
        self.generation = generation
        self.checked = checked
        self.reusable = list(reusable)
        self.room = room
        self.rates = rates
        self.proposals: list[dict[str, Any]] = []
        self.candidates: list[dict[str, Any]] = []
        self.rescored: set[str] = set()

    def propose(
        self,
        slot: int,
        expression: Expression,
        operator: str,
        parents: Sequence[str],
        objection: str | None = None,
    ) -> bool:
        """Check a proposal and record it; True when it passed and now holds the slot.

        An `objection` is the reason given by the method's own check: the proposal is rejected by `method`.
        """
        self._ask_for_room(self.rates)
        verdict = self._verdict(expression, objection)
        reused = self._individual(verdict.twin)
        passed = verdict.passed or reused is not None
        name = candidate_id(self.generation, slot) if passed else None
        self.proposals.append(
            {
                "proposal": len(self.proposals),
                "slot": slot,
                "operator": operator,
                "parents": list(parents),
                "expression": str(expression),
                "rejected_by": None if passed else verdict.rejected_by,
                "reason": verdict.reason,
                "candidate_id": name,
                **{f"{stage}_seconds": verdict.seconds.get(stage) for stage in STAGES},
            }
        )
        if passed:
            self._plan(
                candidate_id=name,
                slot=slot,
                expression=str(expression),
                parents=list(parents),
                operator=operator,
                fingerprint=verdict.fingerprint and list(verdict.fingerprint),
                purpose="new" if reused is None else "reused",
                repeat=0,
                rate_multiple=reused and reused.rate_multiple,
                reused_fitness=reused and reused.fitness,
                reused_evaluations=reused and reused.evaluations,
                twin_of=reused and reused.trained_as,
            )
        return passed

    def _verdict(self, expression: Expression, objection: str | None) -> Verdict:
        if objection:
            return Verdict("method", objection, None)
        if self.checked:
            return self.funnel.check(expression)
        return Verdict(None, None, self.funnel.fingerprint(expression))

    def rescore(self, slot: int, individual: Any) -> None:
        """Plan one more training of an individual of the population, on the next seeds.

        Nothing is planned if a twin of the individual is planned already: it would be the same training.
        """
        if individual.trained_as in self.rescored:
            return
        self._ask_for_room(1)
        self.rescored.add(individual.trained_as)
        self._plan(
            candidate_id=individual.candidate_id,
            slot=slot,
            expression=str(individual.expression),
            parents=[],
            operator="rescore",
            fingerprint=None,
            purpose="rescore",
            repeat=individual.evaluations,
            rate_multiple=individual.rate_multiple,
            reused_fitness=None,
            reused_evaluations=None,
            twin_of=individual.twin_of,
        )

    def _individual(self, twin: int | None) -> Any | None:
        return self.reusable[twin] if twin is not None and twin < len(self.reusable) else None

    def _ask_for_room(self, wanted: int) -> None:
        if self.room is None:
            return
        trainings = {"new": self.rates, "rescore": 1, "reused": 0}
        if wanted + sum(trainings[row["purpose"]] for row in self.candidates) > self.room:
            raise BudgetSpent

    def _plan(self, **row: Any) -> None:
        self.candidates.append({**row, "generation": self.generation})
