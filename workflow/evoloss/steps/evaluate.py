"""Rule evaluate: train a network with each candidate of one batch, at every rate, on every search task."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.learning.records import EVALUATIONS
from evoloss.learning.resolved_task import ResolvedTask, add_training_flags, read_resolved_tasks
from evoloss.learning.schedule import SEGMENTS, segment_ends, total_steps
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.fitness import references
from evoloss.search.racing import (
    HurdleSettings,
    RacingSettings,
    clears,
    losers,
    places,
    rung_score,
    rungs_problem,
    segments_at,
)
from evoloss.search.records import CANDIDATES
from evoloss.seeds import split_seed, training_seed

Stopping = RacingSettings | HurdleSettings | None

OF_A_RESULT = (
    *("validation_accuracy", "status", "reason", "steps", "training_samples", "full_samples"),
    *("validation_samples", "seconds", "validation_seconds", "peak_memory_bytes"),
)
"""The values of a training's result that are recorded."""


def main(flags: Flags) -> None:
    """Write one row per training. A batch without candidates does not load torch."""
    stopping: Stopping = None
    if flags.racing:
        stopping = parse_settings(RacingSettings, flags.racing)
    elif flags.hurdle:
        stopping = parse_settings(HurdleSettings, flags.hurdle)
    planned = read(flags.candidates, CANDIDATES)[: flags.first]
    if not flags.racing:  # a race is one batch
        planned = planned[flags.batch * flags.batch_size :][: flags.batch_size]
    candidates = [row for row in planned if row["purpose"] != "reused"]
    tasks = read_resolved_tasks(flags.tasks)
    rows, largest = trainings(candidates, tasks, flags, stopping) if candidates else ([], 0)
    metadata = record(
        flags,
        "evaluate",
        stopping=stopping,
        side_by_side=largest,
        settings=[task.as_json() for task in tasks],
    )
    write(flags.output, rows, EVALUATIONS, metadata)


def trainings(
    candidates: Sequence[dict[str, Any]],
    resolved: Sequence[ResolvedTask],
    flags: Flags,
    stopping: Stopping,
) -> tuple[list[dict[str, Any]], int]:
    """Train every candidate at its rates on every task; the rows, and the largest number trained side by side."""
    from evoloss.learning.device import choose_device
    from evoloss.learning.training import MOST_SIDE_BY_SIDE

    device = choose_device(flags.device)
    tasks = load(resolved, flags, device, stopping)
    new = [row for row in candidates if row["purpose"] == "new"]
    most = flags.side_by_side or MOST_SIDE_BY_SIDE[device.type]
    # A race is one group; other groups are as large as can be trained side by side.
    size = len(new) if isinstance(stopping, RacingSettings) else most
    groups = [(new[k : k + size], stopping) for k in range(0, len(new), max(1, size))]
    # Individuals already have a fitness: nothing stops their trainings.
    groups += [([row], None) for row in candidates if row["purpose"] != "new"]
    rows, largest = [], 0
    for group, stops in groups:
        more, together = train(group, resolved, tasks, flags, stops, most)
        rows, largest = rows + more, max(largest, together)
    return rows, largest


def load(
    resolved: Sequence[ResolvedTask], flags: Flags, device: Any, stopping: Stopping
) -> list[Any]:
    """The tasks on the run's splits; raises UserError if a task is too short for the rungs."""
    from evoloss.learning.task import load_task

    tasks = [
        load_task(
            *(r.name, r.settings, Path(flags.data), device),
            resplit_seed=split_seed("search", flags.run_seed, r.name),
        )
        for r in resolved
    ]
    means = "racing" if isinstance(stopping, RacingSettings) else "hurdle"
    for task in tasks if stopping else ():
        ends = segment_ends(total_steps(task.settings, len(task.train)))
        if problem := rungs_problem(stopping.rungs, ends):
            raise UserError(f"rungs of {means} on task {task.name!r}: {problem}")
    return tasks


def train(
    candidates: Sequence[dict[str, Any]],
    resolved: Sequence[ResolvedTask],
    tasks: Sequence[Any],
    flags: Flags,
    stopping: Stopping,
    most: int,
) -> tuple[list[dict[str, Any]], int]:
    """Train candidates, at most `most` side by side; one row per training, and how many trained side by side.

    `stopping` may stop entrants on the way: an entrant is a candidate at one rate, on all tasks.
    """
    from evoloss.learning.contest import contest
    from evoloss.learning.device import device_name
    from evoloss.learning.training import side_by_side

    entrants = [(row, multiple) for row in candidates for multiple in multiples_of(row, flags)]
    rates = {task.name: task.learning_rate for task in resolved}
    contestants = begin(entrants, rates, tasks, flags, stopping)
    together = side_by_side([t for c in contestants.values() for t in c.trainings.values()], most)
    if stopping:
        looks = [segments_at(rung, SEGMENTS) for rung in stopping.rungs]
        contest(contestants, looks, decide(stopping, resolved, looks, len(entrants)))
    rows = []
    for row, multiple in entrants:
        contestant = contestants[row["candidate_id"], multiple]
        for task, result in contestant.results().items():
            trained = {
                "candidate_id": row["candidate_id"],
                "task": task,
                "rate_multiple": multiple,
                "learning_rate": multiple * rates[task],
                "training_seed": seed_of(row, task, flags),
                "looked_samples": contestant.looked_samples(task),
                "device": device_name(tasks[0].device),
                "rung_accuracies": contestant.seen.get(task, []) if stopping else None,
                **result.columns(*OF_A_RESULT),
            }
            say(row["expression"], trained)
            rows.append(trained)
    return rows, together


def begin(
    entrants: Sequence[tuple[dict[str, Any], float]],
    rates: Mapping[str, float],
    tasks: Sequence[Any],
    flags: Flags,
    stopping: Stopping,
) -> dict[Any, Any]:
    """The trainings of every entrant, by candidate and rate, before their first step."""
    from evoloss.learning.contest import Contestant
    from evoloss.learning.expression_training import expression_training

    held_out = stopping is not None and stopping.judged_by == "validation"
    looked_at = {task.name: len(task.looked_at) for task in tasks} if held_out else {}
    contestants = {}
    for row, multiple in entrants:
        begun = {}
        for task in tasks:
            rate, seed = multiple * rates[task.name], seed_of(row, task.name, flags)
            begun[task.name] = expression_training(
                row["expression"], task, rate, seed, flags.as_written
            )
        contestants[row["candidate_id"], multiple] = Contestant(begun, looked_at)
    return contestants


def say(expression: str, row: Mapping[str, Any]) -> None:
    """Print the result of a training."""
    print(
        f"{row['candidate_id']} {row['task']} rate {row['learning_rate']:g} {row['status']} accuracy "
        f"{row['validation_accuracy']} in {row['seconds']:.2f} s: {expression}",
        flush=True,
    )


def multiples_of(candidate: Mapping[str, Any], flags: Flags) -> list[float]:
    """The rates, as multiples of cross entropy's: all of the search; for an individual only that of its fitness."""
    own = candidate["rate_multiple"]
    return json.loads(flags.rates) if own is None else [own]


def seed_of(candidate: Mapping[str, Any], task: str, flags: Flags) -> int:
    """The seed of a candidate's training."""
    return training_seed("search", flags.run_seed, task, candidate["repeat"])


def decide(
    stopping: RacingSettings | HurdleSettings,
    resolved: Sequence[ResolvedTask],
    looks: Sequence[int],
    entrants: int,
) -> Any:
    """The `stops` of a contest: which entrants are stopped at a look, and why."""
    by_task = references(task.as_json() for task in resolved)

    def stops(number: int, accuracies: Mapping[Any, Mapping[str, float]]) -> dict[Any, str]:
        scores = {name: rung_score(seen, by_task) for name, seen in accuracies.items()}
        rung = f"rung {number + 1} of {len(looks)}"
        if isinstance(stopping, RacingSettings):
            room = places(entrants, stopping.going_on, number)
            return {
                name: f"lost at {rung}: {scores[name]:.3f}, not among the {room} best"
                for name in losers(scores, room)
            }
        # The last entry of a curve that ended early stands for the missing ones.
        curves = {task.name: _curve(task, stopping)[: looks[number]] for task in resolved}
        at_cross_entropy = rung_score({name: curve[-1] for name, curve in curves.items()}, by_task)
        return {
            name: f"fell at {rung}: {score:.3f}, cross entropy {at_cross_entropy:.3f}"
            for name, score in scores.items()
            if not clears(score, at_cross_entropy, stopping.share)
        }

    return stops


def _curve(task: ResolvedTask, hurdle: HurdleSettings) -> list[float]:
    """Cross entropy's accuracies by eighteenths, on the images that the hurdle looks at."""
    held_out = hurdle.judged_by == "validation"
    return task.cross_entropy_held_out if held_out else task.cross_entropy_curve


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", required=True, help="Parquet file with the plan")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True, help="which batch of the plan, from 0")
    parser.add_argument("--batch-size", type=int, required=True, help="candidates per batch")
    parser.add_argument("--first", type=int, help="take only this many of the candidates")
    parser.add_argument("--racing", help="settings of a race between the new candidates, as JSON")
    parser.add_argument(
        "--rates", default="[1.0]", help="multiples of cross entropy's rate, as a JSON list"
    )
    parser.add_argument("--hurdle", help="settings of a hurdle in each training, as JSON")
    add_training_flags(parser)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
