"""Bookkeeping of proposals: each is checked, recorded, and planned for training if it passes."""

from collections.abc import Sequence
from typing import Any

from evoloss.expressions.tree import Expression
from evoloss.functional_check.funnel import Funnel, Verdict
from evoloss.functional_check.settings import STAGES


def candidate_id(generation: int, slot: int) -> str:
    """The id of the candidate of a slot, unique in its run; ids sort by birth."""
    return f"g{generation:04d}s{slot:03d}"


class Proposer:
    """Collects the rows of `proposals` and `candidates` of one generation.

    `checked` false lets everything pass unchecked (a pool's `check_initial: false`).
    """

    def __init__(self, funnel: Funnel, generation: int, checked: bool = True) -> None:
        self.funnel = funnel
        self.generation = generation
        self.checked = checked
        self.proposals: list[dict[str, Any]] = []
        self.candidates: list[dict[str, Any]] = []

    def propose(
        self, slot: int, expression: Expression, operator: str, parents: Sequence[str]
    ) -> bool:
        """Check a proposal and record it; True when it passed and now holds the slot."""
        if self.checked:
            verdict = self.funnel.check(expression)
        else:
            verdict = Verdict(None, None, self.funnel.fingerprint(expression))
        name = candidate_id(self.generation, slot) if verdict.passed else None
        self.proposals.append(
            {
                "proposal": len(self.proposals),
                "slot": slot,
                "operator": operator,
                "parents": list(parents),
                "expression": str(expression),
                "rejected_by": verdict.rejected_by,
                "reason": verdict.reason,
                "candidate_id": name,
                **{f"{stage}_seconds": verdict.seconds.get(stage) for stage in STAGES},
            }
        )
        if verdict.passed:
            self.candidates.append(
                {
                    "candidate_id": name,
                    "slot": slot,
                    "expression": str(expression),
                    "parents": list(parents),
                    "operator": operator,
                    "generation": self.generation,
                    "fingerprint": verdict.fingerprint and list(verdict.fingerprint),
                    "purpose": "new",
                    "repeat": 0,
                }
            )
        return verdict.passed
