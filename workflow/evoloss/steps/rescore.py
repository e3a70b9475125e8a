"""Rule rescore: train incumbents and finalists again, on fresh seeds and splits; the best is the champion."""

import argparse
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.files import write_json
from evoloss.learning.device import choose_device
from evoloss.learning.expression_training import train_expressions
from evoloss.learning.resolved_task import ResolvedTask, add_training_flags, read_resolved_tasks
from evoloss.learning.task import load_task
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.fitness import BASELINE, fitness, left_out, references, rescored_references
from evoloss.search.records import LEDGER, POPULATION, RESCORED
from evoloss.search.settings import RescoreSettings
from evoloss.seeds import split_seed, training_seed

ESTIMATE = "leave-one-out: each fresh training counts for the champion that the other ones choose"
HIGHEST = "the highest of single fresh trainings, which flatters"


def main(flags: Flags) -> None:
    """Re-score without charging the search; write the rows and the champion."""
    settings = parse_settings(RescoreSettings, flags.settings)
    tasks = read_resolved_tasks(flags.tasks)
    chosen = who(read(flags.ledger, LEDGER), read(flags.population, POPULATION), settings.finalists)
    rows = [
        row
        for task in tasks
        for repeat in range(settings.repeats)
        for row in trainings(chosen, task, repeat, flags)
    ]
    metadata = record(flags, "rescore", settings=settings)
    write(flags.output, rows, RESCORED, metadata)
    write_json(flags.champion, champion(rows, tasks, settings.repeats, flags))


def who(ledger: list[dict], population: list[dict], finalists: int) -> list[dict[str, Any]]:
    """The baseline, the run's successive incumbents (each once), and the best of the last population.

    Cross entropy is the baseline: its value is needed on the same fresh seeds and splits.
    """
    chosen: dict[str, dict[str, Any]] = {
        BASELINE: {
            "candidate_id": BASELINE,
            "expression": str(CROSS_ENTROPY),
            "role": BASELINE,
            "generation": None,
            "rate_multiple": 1.0,
        }
    }
    for row in ledger:
        chosen.setdefault(
            row["incumbent"],
            {
                "candidate_id": row["incumbent"],
                "expression": row["incumbent_expression"],
                "role": "incumbent",
                "generation": row["generation"],
                "rate_multiple": row["incumbent_rate_multiple"],
            },
        )
    # A copy that reused a fitness is the same loss under another name.
    trained_as = {row["candidate_id"]: row["twin_of"] or row["candidate_id"] for row in population}
    known = {trained_as.get(name, name) for name in chosen}
    known |= {entry["expression"] for name, entry in chosen.items() if name != BASELINE}
    distinct: list[tuple[dict[str, Any], set[str]]] = []
    seen: set[str] = set()
    for row in population:
        names = {trained_as[row["candidate_id"]], row["expression"]}
        if not names & seen:
            distinct.append((row, names))
        seen |= names
    for row, names in distinct[:finalists]:
        if not names & known:
            chosen[row["candidate_id"]] = {
                "candidate_id": row["candidate_id"],
                "expression": row["expression"],
                "role": "finalist",
                "generation": row["born"],
                "rate_multiple": row["rate_multiple"],
            }
    return list(chosen.values())


def trainings(
    chosen: list[dict[str, Any]], resolved: ResolvedTask, repeat: int, flags: Flags
) -> list[dict[str, Any]]:
    """One fresh training of every candidate on one task, on one seed and split, each at the rate of its fitness."""
    seed = training_seed("rescore", flags.run_seed, resolved.name, repeat)
    split = split_seed("rescore", flags.run_seed, resolved.name, repeat)
    device = choose_device(flags.device)
    task = load_task(resolved.name, resolved.settings, Path(flags.data), device, split)
    rates = [resolved.learning_rate * candidate["rate_multiple"] for candidate in chosen]
    losses = [candidate["expression"] for candidate in chosen]
    results = train_expressions(losses, task, rates, seed, flags.as_written, flags.side_by_side)
    return [
        {
            **candidate,
            "task": task.name,
            "repeat": repeat,
            "learning_rate": rate,
            "training_seed": seed,
            "split_seed": split,
            **result.columns("validation_accuracy", "status", "reason"),
            **result.columns("training_samples", "seconds"),
        }
        for candidate, rate, result in zip(chosen, rates, results, strict=True)
    ]


def champion(
    rows: list[dict[str, Any]], tasks: list[ResolvedTask], repeats: int, flags: Flags
) -> dict[str, Any]:
    """The candidate with the highest re-scored fitness; ties go to the smaller tree, then to the lower id.

    Its `fitness` is not that highest mean, which is biased upwards, but the mean of `left_out`.
    """
    by_task = rescored_references(rows, references(task.as_json() for task in tasks))
    scored = []
    for name in dict.fromkeys(row["candidate_id"] for row in rows if row["role"] != BASELINE):
        mine = [row for row in rows if row["candidate_id"] == name]
        value = fitness(mine, by_task)
        if value is not None:
            scored.append((-value, parse(mine[0]["expression"]).size, name, mine))
    if not scored:
        raise UserError(
            f"no candidate of {flags.method}, run seed {flags.run_seed}, completed its re-scoring; "
            "lower the task's learning_rates"
        )
    value, _, name, mine = min(scored, key=lambda entry: entry[:3])
    by_candidate = {
        entry[2]: [
            fitness([row for row in entry[3] if row["repeat"] == k], by_task)
            for k in range(repeats)
        ]
        for entry in sorted(scored, key=lambda entry: entry[2])
    }
    of_repeat = left_out(by_candidate, by_candidate)
    print(
        f"champion {name}, re-scored fitness {fmean(of_repeat):.4f} (leave-one-out), {-value:.4f} (mean of all "
        f"trainings): {mine[0]['expression']}"
    )
    return {
        "loss": f"{flags.method}_seed{flags.run_seed}",
        "method": flags.method,
        "run_seed": flags.run_seed,
        "candidate_id": name,
        "expression": mine[0]["expression"],
        "fitness": fmean(of_repeat),
        "fitness_is": ESTIMATE if repeats > 1 else HIGHEST,
        "fitness_sd": stdev(of_repeat) if repeats > 1 else None,
        "repeats": repeats,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--settings", required=True, help="re-scoring settings as JSON")
    parser.add_argument("--ledger", required=True, help="Parquet file of the run's ledger")
    parser.add_argument("--population", required=True, help="Parquet file of the last generation")
    add_training_flags(parser)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    parser.add_argument("--champion", required=True, help="JSON file to write")
    run_step(main, parser)
