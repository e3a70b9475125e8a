"""Rule breed: a method proposes children, the functional check sifts them."""

import argparse
from pathlib import Path

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.expressions.settings import SearchSpace
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.parquet import read, read_json, write
from evoloss.provenance import record
from evoloss.search.method import Breeding, Individual, load_algorithm
from evoloss.search.records import CANDIDATES, POPULATION
from evoloss.seeds import generator


def main(flags: Flags) -> None:
    """Write the children of one generation: all proposals, and those that go into training."""
    algorithm = load_algorithm(flags.algorithm)
    settings = parse_settings(algorithm.Settings, flags.settings)
    space = parse_settings(SearchSpace, flags.space)
    check = parse_settings(FunctionalCheckSettings, flags.functional_check)
    population = read(flags.population, POPULATION)
    metadata = record(
        flags.study,
        "breed",
        method=flags.method,
        run_seed=flags.run_seed,
        generation=flags.generation,
        settings=settings.model_dump(mode="json"),
        functional_check=check.model_dump(mode="json"),
    )
    best = max(row["fitness"] for row in population)
    if flags.target_fitness is not None and best >= flags.target_fitness:
        print(f"target fitness {flags.target_fitness:g} is reached ({best:.4f}); nothing to breed")
        write(flags.proposals, [], PROPOSALS, metadata)
        write(flags.candidates, [], CANDIDATES, metadata)
        return

    # Torch comes in here, so that a run that has reached its target pays no start-up for it.
    from evoloss.functional_check.funnel import Funnel
    from evoloss.functional_check.proposing import Proposer

    classes = [read_json(path)["classes"] for path in flags.manifests]
    seen = seen_fingerprints(flags, settings.population)
    proposer = Proposer(Funnel(check, space, classes, flags.scale_matched, seen), flags.generation)
    algorithm.breed(
        Breeding(
            settings=settings,
            generation=flags.generation,
            population=[Individual.from_row(row) for row in population],
            space=space,
            rng=generator("breed", flags.method, flags.run_seed, flags.generation),
            propose=proposer.propose,
        )
    )
    print(f"{len(proposer.candidates)} of {len(proposer.proposals)} proposals passed")
    write(flags.proposals, proposer.proposals, PROPOSALS, metadata)
    write(flags.candidates, proposer.candidates, CANDIDATES, metadata)


def seen_fingerprints(flags: Flags, population: int) -> list[tuple[float, ...]]:
    """Fingerprints of all that the run has evaluated: its share of the pool and earlier children.

    Earlier generations are read by path: they exist, since this generation's population came of them.
    """
    rows = read(flags.pool_candidates, CANDIDATES)[:population]
    for generation in range(1, flags.generation):
        rows += read(Path(flags.run) / f"generation{generation}" / "candidates.parquet", CANDIDATES)
    return [tuple(row["fingerprint"]) for row in rows if row["fingerprint"]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--algorithm", required=True, help="its algorithm")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--generation", type=int, required=True)
    parser.add_argument("--settings", required=True, help="method settings as JSON")
    parser.add_argument("--space", required=True, help="search space settings as JSON")
    parser.add_argument(
        "--functional-check", required=True, help="functional check settings as JSON"
    )
    parser.add_argument(
        "--scale-matched", action="store_true", help="all tasks match gradient scales"
    )
    parser.add_argument("--target-fitness", type=float, help="breed nothing once this is reached")
    parser.add_argument(
        "--manifests", nargs="+", required=True, help="of the search tasks' data sets"
    )
    parser.add_argument("--population", required=True, help="Parquet file of the last generation")
    parser.add_argument("--pool-candidates", required=True, help="Parquet file of the pool")
    parser.add_argument("--run", required=True, help="folder of the run")
    parser.add_argument("--candidates", required=True, help="Parquet file to write")
    parser.add_argument("--proposals", required=True, help="Parquet file to write")
    run_step(main, parser)
