"""Stopping trainings early: races between the candidates of a generation, and a hurdle for each candidate alone.

A race compares its entrants at rungs, which are shares of a training, and only the best go on: successive halving
(Jamieson & Talwalkar, arXiv 1502.07943), by thirds unless set otherwise. A hurdle stops a candidate that is far behind
cross entropy at the same step. All decisions are functions of values in `evaluations`. Torch is not imported here.

Both look at the accuracy on the validation images, for which the search is charged, or on the training batches, which
costs nothing (`judged_by`). The second flatters losses that memorise wrong labels. The table shows how many points of
validation accuracy the winner of a race has less than the best loss of its pool: nine pools of 24 losses at two rates
on digits, by thirds, rungs at 1/6 and 1/3 (`tests/benchmarks/races.py`, `races_noisy.yaml`).

    wrong labels                                    judged on validation    on training batches
    35 % as the next class, validation clean        2.7 (best kept 2 of 9)  5.2 (0 of 9)
    40 % as any other class, validation too         1.3 (1 of 9)            1.2 (2 of 9)

The beginning of a training predicts its final validation accuracy better than a short complete training does. Rank
correlations on Fashion-MNIST, 229 candidates that pass the check (`tests/benchmarks/racing.py`): first 1/6 of the
training 0.75, first 1/3 0.87 (accuracy on training batches); complete training of 1/3 of the steps 0.67, of 1/9 0.27.
A race of 12 with rungs at 1/6 and 1/3 costs a third of the trainings. Its winner has 0.008 less fitness than the best of
the 12, on average. On clean labels, here and below, all races were judged on training batches.

Thirds with rungs at 1/6 and 1/3, or halves with rungs at 1/18, 1/6 and 1/3? The better one depends on the number of
entrants (`tests/benchmarks/races.py`; nine pools of study fashion_racing, and random subsets of 12 of each):

    entrants   by thirds                       by halves
    64         best kept 8 of 9, cost 0.31     best kept 9 of 9, cost 0.24
    12         best kept 79 %, cost 0.33,      best kept 77 %, cost 0.26,
               winner 0.9 points below best    winner 1.5 points below best

A hurdle at 1/3 of the training, at half of cross entropy's gain, stops two in five of the candidates that are not good
and one in twenty of the good ones.
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
"""A candidate at a learning rate. If the search tries several rates, each candidate is several entrants."""

SEGMENTS = 18
"""Equal parts of a training; a rung lies at the end of one of them (`learning.schedule` has the same number)."""


class _Rungs(StrictModel):
    rungs: Annotated[list[Share], Field(min_length=1)]
    judged_by: Literal["validation", "training"] = "validation"
    """What is compared: accuracy on the validation images, or on the last training batches, which costs nothing but
    flatters losses that memorise wrong labels."""

    def problems(self) -> Iterator[Problem]:
        """Rungs that do not ascend, or that lie at the end of a training."""
        looks = [segments_at(rung, SEGMENTS) for rung in self.rungs]
        if sorted(set(looks)) != looks:
            yield "rungs", f"{self.rungs} are not {len(looks)} ascending eighteenths of a training"
        elif looks[-1] == SEGMENTS:
            yield "rungs", f"{self.rungs[-1]:g} is the end of a training; write a smaller share"


class RacingSettings(_Rungs):
    """A race: all candidates of a generation start, each at every rate of the search; after each rung only the best
    share goes on."""

    rungs: Annotated[list[Share], Field(min_length=1)] = [1 / 6, 1 / 3]
    """Shares of a full training after which the entrants are compared, to the nearest eighteenth."""
    going_on: Share = 1 / 3
    """Share of the entrants that goes on after a rung, rounded up."""


class HurdleSettings(_Rungs):
    """A hurdle: a training that is far behind cross entropy at the same step is stopped."""

    rungs: Annotated[list[Share], Field(min_length=1)] = [1 / 3]
    """Shares of a full training after which a candidate is tested, to the nearest eighteenth."""
    share: Share = 0.5
    """Share of cross entropy's gain over chance, at the same step, that a candidate must reach."""


def rung_score(accuracies: Mapping[str, float], by_task: Mapping[str, Reference]) -> float:
    """The accuracies at a rung, by task, as a fitness: the mean gain."""
    return fmean(by_task[task].gain(accuracy) for task, accuracy in accuracies.items())


def places(entrants: int, going_on: float, rung: int) -> int:
    """How many entrants go on after rung `rung` (0, 1, ...): at each rung the share, rounded up, and at least one."""
    for _ in range(rung + 1):
        entrants = max(1, math.ceil(going_on * entrants - 1e-9))
    return entrants


def losers(scores: Mapping[Entrant, float], places: int) -> list[Entrant]:
    """The entrants stopped at a rung: all but the `places` best; ties go to the earlier one in `scores`."""
    return sorted(scores, key=lambda name: -scores[name])[places:]


def clears(score: float, cross_entropy: float, share: float) -> bool:
    """Whether a candidate clears the hurdle; always while cross entropy is no better than chance."""
    return cross_entropy <= 0 or score >= share * cross_entropy


def segments_at(rung: float, segments: int) -> int:
    """How many segments of a training are done at a rung, at least 1."""
    return max(1, round(rung * segments))


def rungs_problem(rungs: Sequence[float], ends: Sequence[int]) -> str | None:
    """Why these rungs do not suit a training of few steps, or None.

    `ends`: how many steps are done at the end of each segment. The rungs must be different steps, as two looks at one
    step say the same; not step 1, where the network is still untrained; not the last, where nothing is left to save.
    """
    steps = [ends[segments_at(rung, SEGMENTS) - 1] for rung in rungs]
    if steps[0] > 1 and steps[-1] < ends[-1] and len(set(steps)) == len(steps):
        return None
    return (
        f"in a training of {ends[-1]} steps, {list(rungs)} are steps {', '.join(map(str, steps))}, but must be "
        "different steps, neither the first nor the last; write other or fewer rungs, or give the task more "
        "epochs or a smaller batch_size"
    )


def race_cost(
    racing: RacingSettings, entrants: int, ends: Sequence[int] = range(1, SEGMENTS + 1)
) -> float:
    """The cost of a race, in full trainings, if no training ends early by itself.

    `ends`: how many steps are done at the end of each segment, if known; with few steps segments are uneven.
    """
    looks = [ends[segments_at(rung, SEGMENTS) - 1] for rung in racing.rungs]
    shares = [0.0, *(look / ends[-1] for look in looks), 1.0]
    running = [entrants, *(places(entrants, racing.going_on, k) for k in range(len(racing.rungs)))]
    return sum(n * (b - a) for n, a, b in zip(running, shares, shares[1:], strict=False))
