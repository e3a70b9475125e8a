"""Rule initialise: the first candidates of a pool, known losses among them."""

import argparse

import pytest

from evoloss.errors import UserError
from evoloss.expressions.settings import PoolSettings
from evoloss.files import write_json
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.parquet import read
from evoloss.search.records import CANDIDATES
from evoloss.steps.initialise import main

KNOWN = ["-(y * log(p))", "square(p - y)", "(exp(2.4092 - p - p * y) - cos(cos(sin(p)))) / C"]


def pool(folder, losses, classes=(10,), checked=True):
    """Run the step for a pool of four that begins with `losses`: its candidates and its proposals."""
    manifests = []
    for number, c in enumerate(classes):
        manifests.append(folder / f"manifest{number}.json")
        write_json(manifests[-1], {"classes": c})
    settings = PoolSettings(size=4, initial_losses=losses, check_initial=checked)
    main(
        argparse.Namespace(
            study="test",
            pool="default",
            run_seed=0,
            settings=settings.model_dump_json(),
            functional_check=FunctionalCheckSettings().model_dump_json(),
            scale_matched=True,
            manifests=manifests,
            candidates=folder / "candidates.parquet",
            proposals=folder / "proposals.parquet",
        )
    )
    return (
        read(folder / "candidates.parquet", CANDIDATES),
        read(folder / "proposals.parquet", PROPOSALS),
    )


@pytest.mark.parametrize("checked", [True, False])
def test_initial_losses_stand_first_in_their_order(tmp_path, checked):
    candidates, proposals = pool(tmp_path, KNOWN, checked=checked)
    assert [c["operator"] for c in candidates] == ["initial_loss"] * 3 + ["ramped_half_and_half"]
    assert [c["slot"] for c in candidates] == [0, 1, 2, 3]
    assert [c["expression"] for c in candidates[:2]] == KNOWN[:2]
    assert candidates[2]["expression"].endswith("/ 10")
    assert [p["operator"] for p in proposals[:3]] == ["initial_loss"] * 3


def test_the_random_trees_are_those_drawn_without_them(tmp_path):
    drawn = [row["expression"] for row in pool(tmp_path, [])[1]]
    beside = [row["expression"] for row in pool(tmp_path, KNOWN[:1])[1]]
    assert beside[1:] == drawn[: len(beside) - 1]


def test_an_initial_loss_that_fails_the_check_is_told(tmp_path):
    with pytest.raises(UserError) as caught:
        pool(tmp_path, ["y * log(p)"])
    assert str(caught.value).startswith(
        "pool 'default': initial loss 'y * log(p)' fails the functional check at stage gradient: "
    )
    with pytest.raises(UserError, match="at stage novel: trains like an earlier candidate"):
        pool(tmp_path, ["-(y * log(p))", "-2 * (y * log(p))"])
    candidates, _ = pool(tmp_path, ["y * log(p)"], checked=False)
    assert candidates[0]["expression"] == "y * log(p)"


def test_c_in_an_initial_loss_must_mean_one_number_of_classes(tmp_path):
    with pytest.raises(UserError, match=r"contains C, .* \(3, 10\); write the loss without C"):
        pool(tmp_path, KNOWN, classes=(10, 3))
    candidates, _ = pool(tmp_path, KNOWN[:2], classes=(10, 3))
    assert candidates[0]["operator"] == "initial_loss"
