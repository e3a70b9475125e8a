"""Rule initialise: draw a pool's initial population for one run seed."""

import argparse

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import PoolSettings
from evoloss.expressions.tree import Expression
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.files import read_json
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.proposing import Proposer
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.parquet import write
from evoloss.provenance import record
from evoloss.search.records import CANDIDATES
from evoloss.search.run_folder import add_plan_flags
from evoloss.seeds import generator


def main(flags: Flags) -> None:
    """Take the initial losses, then draw random trees until the pool is full; all is recorded."""
    pool = parse_settings(PoolSettings, flags.settings)
    check = parse_settings(FunctionalCheckSettings, flags.functional_check)
    classes = [read_json(path)["classes"] for path in flags.manifests]
    funnel = Funnel(check, pool.space, classes, flags.scale_matched)
    proposer = Proposer(funnel, generation=0, checked=pool.check_initial)
    for slot, text in enumerate(pool.initial_losses):
        if not proposer.propose(slot, initial_loss(text, classes), "initial_loss", []):
            failed = proposer.proposals[-1]
            raise UserError(
                f"pool {flags.pool!r}: initial loss {text!r} fails the functional check at stage "
                f"{failed['rejected_by']}: {failed['reason']}; take it out of initial_losses, or the "
                "stage out of search.functional_check.stages"
            )
    rng = generator("initialise", flags.pool, flags.run_seed)
    for draw in range(pool.max_draws):
        slot = len(proposer.candidates)
        if slot == pool.size:
            break
        tree = ramped_half_and_half(pool.space, draw, rng)
        proposer.propose(slot, tree, "ramped_half_and_half", [])
    if len(proposer.candidates) < pool.size:
        raise UserError(
            f"pool {flags.pool!r}: only {len(proposer.candidates)} of {pool.size} individuals passed "
            f"the functional check after max_draws = {pool.max_draws} random trees; raise max_draws, "
            "lower size, or allow more functions"
        )
    known = len(pool.initial_losses)
    drawn = len(proposer.proposals) - known
    print(
        f"{known} initial losses; {len(proposer.candidates) - known} of {drawn} random trees kept"
    )
    metadata = record(flags, "initialise", pool=flags.pool, settings=pool, functional_check=check)
    write(flags.proposals, proposer.proposals, PROPOSALS, metadata)
    write(flags.candidates, proposer.candidates, CANDIDATES, metadata)


def initial_loss(text: str, classes: list[int]) -> Expression:
    """The tree of an initial loss; UserError if it contains C and the search tasks differ in their classes."""
    different = sorted(set(classes))
    if len(different) > 1 and parse(text, 2) != parse(text, 3):
        raise UserError(
            f"initial_losses: {text!r} contains C, the number of classes, which differs between the "
            f"search tasks ({', '.join(map(str, different))}); write the loss without C"
        )
    return parse(text, different[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", required=True, help="name of the pool")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--settings", required=True, help="pool settings as JSON")
    add_plan_flags(parser)
    run_step(main, parser)
