"""Rule breed: a method proposes children, and the functional check filters them."""

import argparse
import math
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.expressions.settings import SearchSpace
from evoloss.files import read_json
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.method import Breeding, Individual, Score, load_algorithm, told
from evoloss.search.records import CANDIDATES, POPULATION
from evoloss.search.run_folder import add_generation_flags, add_plan_flags, read_scores
from evoloss.seeds import generator


def main(flags: Flags) -> None:
    """Write all proposals of one generation, and the plan of those that passed."""
    algorithm = load_algorithm(flags.algorithm)
    settings = parse_settings(algorithm.Settings, flags.settings)
    space = parse_settings(SearchSpace, flags.space)
    check = parse_settings(FunctionalCheckSettings, flags.functional_check)
    metadata = record(flags, "breed", settings=settings, functional_check=check)
    population = read(flags.population, POPULATION) if flags.population else []
    scores = read_scores(Path(flags.run), flags.generation)
    if excess := overspent(scores, flags.budget_samples):
        raise UserError(
            f"search.budget_samples: {flags.method}, run seed {flags.run_seed}: {excess}"
        )
    room = affordable(scores, flags.budget_samples)
    if over := nothing_to_do(population, flags.target_fitness, room):
        print(over)
        write(flags.proposals, [], PROPOSALS, metadata)
        write(flags.candidates, [], CANDIDATES, metadata)
        return

    # These import torch: a run that has reached its target does not wait for it.
    from evoloss.functional_check.funnel import Funnel
    from evoloss.functional_check.proposing import BudgetSpent, Proposer

    if hasattr(algorithm, "space"):
        space = algorithm.space(settings, flags.generation, space)
    classes = [read_json(path)["classes"] for path in flags.manifests]
    history = [Score.from_row(row) for row in scores]
    seen, reusable = known_by_fingerprint(scores, history, settings.reuse)
    funnel = Funnel(check, space, classes, flags.scale_matched, seen)
    proposer = Proposer(funnel, flags.generation, reusable=reusable, room=room, rates=flags.rates)
    breeding = Breeding(
        settings=settings,
        generation=flags.generation,
        population=[Individual.from_row(row) for row in population],
        space=space,
        stream=lambda *parts: generator("breed", flags.method, flags.run_seed, *parts),
        propose=proposer.propose,
        rescore=proposer.rescore,
        history=history,
        classes=sorted(set(classes)),
    )
    try:
        algorithm.breed(breeding)
    except BudgetSpent:
        print(f"the budget of {flags.budget_samples:,} training samples is used up")
    print(f"{len(proposer.candidates)} candidates planned from {len(proposer.proposals)} proposals")
    write(flags.proposals, proposer.proposals, PROPOSALS, metadata)
    write(flags.candidates, proposer.candidates, CANDIDATES, metadata)


def known_by_fingerprint(
    scores: list[dict[str, Any]], history: list[Score], reuse: bool
) -> tuple[list[Any], list[Individual | None]]:
    """The fingerprints that the run has seen, and for each the individual whose fitness a twin may take."""
    seen = [row for row in scores if row["fingerprint"]]
    known = {i.candidate_id: i for i in told([], history)} if reuse else {}
    return [tuple(row["fingerprint"]) for row in seen], [
        known.get(row["candidate_id"]) for row in seen
    ]


def nothing_to_do(
    population: list[dict[str, Any]], target: float | None, room: int | None
) -> str | None:
    """Why the run stops breeding, or None."""
    best = max((row["fitness"] for row in population), default=-math.inf)
    if target is not None and best >= target:
        return f"target fitness {target:g} is reached ({best:.4f}); nothing to breed"
    if room == 0:
        return "the budget of training samples is spent; nothing to breed"
    return None


def overspent(scores: list[dict[str, Any]], budget: int | None) -> str | None:
    """Why the budget is too small for any search, or None: the first candidates, trained in any case, took more."""
    first = sum(row["training_samples"] for row in scores if row["generation"] == 0)
    if budget is None or first <= budget:
        return None
    return (
        f"got {budget:,}, but the first candidates took {first:,}; raise the budget (finished trainings are "
        "kept), or start from fewer candidates"
    )


def affordable(scores: list[dict[str, Any]], budget: int | None) -> int | None:
    """How many trainings of a candidate at one rate the budget still allows; None without a budget or a training.

    Each is assumed to cost as much as the dearest one so far, since a training that stops early costs less.
    """
    dearest = max((row["dearest_samples"] for row in scores), default=0)
    if budget is None or not dearest:
        return None
    return max(0, (budget - sum(row["training_samples"] for row in scores)) // dearest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_generation_flags(parser)
    parser.add_argument("--settings", required=True, help="method settings as JSON")
    parser.add_argument("--space", required=True, help="search space settings as JSON")
    parser.add_argument("--target-fitness", type=float, help="breed nothing once this is reached")
    parser.add_argument("--budget-samples", type=int, help="training samples that a run may spend")
    parser.add_argument(
        "--rates", type=int, default=1, help="number of rates that a new candidate is trained at"
    )
    parser.add_argument("--population", help="Parquet file of the last generation, if there is one")
    parser.add_argument("--run", required=True, help="folder of the run")
    add_plan_flags(parser)
    run_step(main, parser)
