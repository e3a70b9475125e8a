"""The functional check runs its stages in order and times each; the first failure ends it."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.functional_check import finite, gradient, learns, novel, structure
from evoloss.functional_check.novel import Fingerprint
from evoloss.functional_check.settings import STAGES, FunctionalCheckSettings
from evoloss.losses.expression_loss import ExpressionLoss


@dataclass(frozen=True)
class Verdict:
    """The result of the check for one expression; `rejected_by` is None when it passed.

    `twin`: if stage `novel` rejected the expression, the index of the earlier fingerprint that it equals.
    """

    rejected_by: str | None
    reason: str | None
    fingerprint: Fingerprint | None
    seconds: dict[str, float] = field(default_factory=dict)
    twin: int | None = None

    @property
    def passed(self) -> bool:
        return self.rejected_by is None


class Funnel:
    """The functional check of one run.

    `classes`: the numbers of classes of the search tasks; a candidate must pass for each. `scale_matched`: whether all
    tasks match gradient scales. `seen`: fingerprints of candidates that the run has already evaluated; the fingerprint
    of each candidate that passes is added.
    """

    def __init__(
        self,
        settings: FunctionalCheckSettings,
        space: SearchSpace,
        classes: Iterable[int],
        scale_matched: bool,
        seen: Sequence[Fingerprint] = (),
    ) -> None:
        self.settings = settings
        self.space = space
        self.classes = sorted(set(classes))
        self.scale_matched = scale_matched
        self.seen = list(seen)

    def check(self, expression: Expression) -> Verdict:
        """Run the stages in order; a candidate that passes them all is remembered as seen."""
        loss = ExpressionLoss(expression)
        seconds: dict[str, float] = {}
        mark: Fingerprint | None = None
        twin: int | None = None

        def is_new() -> str | None:
            nonlocal mark, twin
            mark = self.fingerprint(expression)
            if mark is None:
                return "the gradient field is not finite"
            twin = novel.known(mark, self.seen)
            return None if twin is None else "trains like an earlier candidate"

        tests: dict[str, Callable[[], str | None]] = {
            "structure": lambda: structure.problem(expression, self.space),
            "finite": lambda: self._each(lambda c: finite.problem(loss, c)),
            "gradient": lambda: self._each(lambda c: gradient.problem(loss, c, self.settings)),
            "novel": is_new,
            "learns": lambda: self._each(lambda c: learns.problem(loss, c, self.settings)),
        }
        for stage in STAGES:
            if stage not in self.settings.stages:
                continue
            start = time.perf_counter()
            reason = tests[stage]()
            seconds[stage] = time.perf_counter() - start
            if reason:
                return Verdict(stage, reason, mark, seconds, twin)
        if mark is None:  # without stage novel
            mark = self.fingerprint(expression)
        if mark is not None:
            self.seen.append(mark)
        return Verdict(None, None, mark, seconds)

    def fingerprint(self, expression: Expression) -> Fingerprint | None:
        """The fingerprint of an expression for the tasks of this funnel; None if its gradient is unusable."""
        return novel.fingerprint(ExpressionLoss(expression), self.classes, self.scale_matched)

    def _each(self, test: Callable[[int], str | None]) -> str | None:
        return next((reason for c in self.classes if (reason := test(c))), None)
