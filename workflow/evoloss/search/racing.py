"""Who is trained to the end: races between the candidates of a generation, and a hurdle for each alone.

Both look at the accuracy on the validation images, for which the search is charged, or on the training batches, which
costs nothing (`judged_by`). The second flatters what learns wrong labels by heart: of nine pools of 24 losses at two rates on digits, a race over a sixth and a third by thirds leaves a loss that
falls short of the best by (`tests/benchmarks/races.py`, `races_noisy.yaml`, points of validation accuracy)

    labels                                          judged on validation    on training batches
    35 % of the next class, validation clean        2.7 (best kept 2 of 9)  5.2 (0 of 9)
    40 % of any other class, validation as wrong    1.3 (1 of 9)            1.2 (2 of 9)

A full training's first part tells more about the final validation accuracy than a complete shorter training does: on
Fashion-MNIST, over 229 candidates that pass the check, the rank correlation of accuracy on training batches with it is
0.75 after a sixth and 0.87 after a third; a complete training of a third has 0.67, one of a ninth 0.27
(`tests/benchmarks/racing.py`). On clean labels only looks at training batches have been measured, here and below. A race of 12 over a sixth and a third costs a third of the trainings, and its best falls short of the best of
the 12 by 0.008 of fitness on average.

By thirds over a sixth and a third, or by halves over an eighteenth, a sixth and a third: that depends on how
many race (`tests/benchmarks/races.py`, nine pools of study fashion_racing on run seeds of their own, and
random parts of them, where what halves leave falls short by more, by 1.5 points of accuracy against 0.9):

    entrants   by thirds                      by halves
    64         best kept 8 of 9, cost 0.31    9 of 9, cost 0.24
    12         79 %, cost 0.33                77 %, cost 0.26

A hurdle at a third, at half of cross entropy's gain, stops two in five of the candidates that are not good
and one in twenty that are. A race is successive halving (Jamieson & Talwalkar, arXiv 1502.07943), by
thirds where nothing else is set. Every decision is a function of values that `evaluations` records. Torch is
not imported here.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from evoloss.search.fitness import Reference
from evoloss.strict_model import Problem, StrictModel

Share = Annotated[float, Field(gt=0, lt=1)]
Entrant = TypeVar("Entrant", bound=Hashable)
"""Who races: a candidate at a learning rate. A search that tries several rates has several of each candidate."""


SEGMENTS = 18
"""Equal parts of a training, at whose ends it can be looked at (`learning.schedule` has the same)."""


class _Rungs(StrictModel):
    rungs: Annotated[list[Share], Field(min_length=1)]
    judged_by: Literal["validation", "training"] = "validation"
    """What is looked at: accuracy on the validation images, or on the training batches just before, which costs
    nothing and flatters what learns wrong labels by heart."""

    def problems(self) -> Iterator[Problem]:
        """Rungs that do not ascend, or that stop nobody."""
        looks = [segments_at(rung, SEGMENTS) for rung in self.rungs]
        if sorted(set(looks)) != looks:
            yield "rungs", f"{self.rungs} are not {len(looks)} ascending eighteenths of a training"
        elif looks[-1] == SEGMENTS:
            yield "rungs", f"{self.rungs[-1]:g} is the end of a training; write less"


class RacingSettings(_Rungs):
    """A race: all candidates of a generation start, each at every rate of the search, and after each rung the
    best share goes on."""

    rungs: Annotated[list[Share], Field(min_length=1)] = [1 / 6, 1 / 3]
    """Shares of a full training after which the entrants are compared, to the nearest eighteenth."""
    going_on: Share = 1 / 3
    """Share of the entrants that goes on after a rung, rounded up."""


class HurdleSettings(_Rungs):
    """A hurdle within each training: who is far behind cross entropy at the same step is stopped."""

    rungs: Annotated[list[Share], Field(min_length=1)] = [1 / 3]
    """Shares of a full training at which a candidate is looked at, to the nearest eighteenth."""
    share: Share = 0.5
    """Share of cross entropy's gain over chance, at the same step, that a candidate must have."""


def rung_score(accuracies: Mapping[str, float], by_task: Mapping[str, Reference]) -> float:
    """Training accuracies at a rung, by task, on the scale of fitness."""
    return fmean(by_task[task].gain(accuracy) for task, accuracy in accuracies.items())


def places(entrants: int, going_on: float, rung: int) -> int:
    """How many of a race's entrants go on after rung `rung` (0, 1, ...): each time a share, rounded up, and
    one at the least."""
    for _ in range(rung + 1):
        entrants = max(1, math.ceil(going_on * entrants - 1e-9))
    return entrants


def losers(scores: Mapping[Entrant, float], places: int) -> list[Entrant]:
    """Who is stopped at a rung: all but the `places` best; of equals the earlier in `scores` goes on."""
    return sorted(scores, key=lambda name: -scores[name])[places:]


def clears(score: float, cross_entropy: float, share: float) -> bool:
    """Whether a candidate clears the hurdle. There is none where cross entropy is still at chance."""
    return cross_entropy <= 0 or score >= share * cross_entropy


def segments_at(rung: float, segments: int) -> int:
    """How many of a training's segments are done at a rung (1, 2, ...)."""
    return max(1, round(rung * segments))


def rungs_problem(rungs: Sequence[float], ends: Sequence[int]) -> str | None:
    """Why a training of few steps cannot be looked at by these rungs, or None.

    `ends`: how many steps are done at the end of each of its segments. At step 1 the network is still as it
    was drawn, looks at one step say the same, and after the last there is nothing to save.
    """
    steps = [ends[segments_at(rung, SEGMENTS) - 1] for rung in rungs]
    if steps[0] > 1 and steps[-1] < ends[-1] and len(set(steps)) == len(steps):
        return None
    return (
        f"in a training of {ends[-1]} steps, {list(rungs)} are after {', '.join(map(str, steps))}, but must be "
        "different steps, neither the first nor the last; write other or fewer rungs, or give the task more "
        "epochs or a smaller batch_size"
    )


def race_cost(
    racing: RacingSettings, entrants: int, ends: Sequence[int] = range(1, SEGMENTS + 1)
) -> float:
    """What a race costs, in full trainings, if no training ends by itself.

    `ends`: steps at the end of each segment, where they are known; of few steps segments are uneven.
    """
    looks = [ends[segments_at(rung, SEGMENTS) - 1] for rung in racing.rungs]
    shares = [0.0, *(look / ends[-1] for look in looks), 1.0]
    running = [entrants, *(places(entrants, racing.going_on, k) for k in range(len(racing.rungs)))]
    return sum(n * (b - a) for n, a, b in zip(running, shares, shares[1:], strict=False))
