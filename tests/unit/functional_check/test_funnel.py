import numpy as np
import pytest
import torch

from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.functional_check import finite, gradient, learns
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.proposing import Proposer
from evoloss.functional_check.records import PROPOSALS
from evoloss.functional_check.settings import STAGES, FunctionalCheckSettings
from evoloss.losses.catalogue import CATALOGUE
from evoloss.losses.formula import as_written


def funnel(classes=(10,), scale_matched=True, **settings):
    return Funnel(FunctionalCheckSettings(**settings), SearchSpace(), classes, scale_matched)


EXPRESSIONS = sorted(name for name, entry in CATALOGUE.items() if ":" not in entry.formula)
FUNCTIONS = sorted(set(CATALOGUE) - set(EXPRESSIONS))


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_published_loss_passes(name, classes):
    verdict = funnel([classes]).check(parse(CATALOGUE[name].formula, classes))
    assert verdict.passed, (verdict.rejected_by, verdict.reason)
    assert list(verdict.seconds) == list(STAGES)


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_published_loss_on_logits_passes_what_needs_no_tree(name, classes):
    settings = FunctionalCheckSettings()
    loss = as_written(CATALOGUE[name].formula, classes)
    assert finite.problem(loss, classes) is None
    assert gradient.problem(loss, classes, settings) is None
    if (name, classes >= 10) not in {("hinge", True), ("l1_logits", True)}:
        assert learns.problem(loss, classes, settings) is None


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("1", "structure"),
        ("p", "structure"),
        ("log(p)", "structure"),
        ("y", "structure"),
        (" + ".join(["p * y"] * 12), "structure"),
        ("y * exp(exp(exp(exp(p + 3))))", "finite"),
        ("y / (p - p) + square(p / 0) + y * (p / 0) / 0", "finite"),
        ("p - p + y", "gradient"),
        ("y * log(p - p)", "gradient"),
        ("1e-6 * (y * p)", "gradient"),
        ("-1e5 * (y * log(p))", "gradient"),
        ("y * log(p)", "gradient"),
        ("y * p", "gradient"),
        ("abs(p + y)", "gradient"),
        ("square(p) + y", "gradient"),
        ("p * (1 - y) - 2 * ((1 - p) * y)", "gradient"),
        ("tanh(10 * p) * (1 - y)", "learns"),
        ("sqrt(abs(p - 0.2 * y))", "learns"),
    ],
)
def test_the_obvious_fools_do_not_pass(text, stage):
    verdict = funnel().check(parse(text))
    assert verdict.rejected_by == stage, verdict.reason
    assert verdict.reason
    assert list(verdict.seconds) == list(STAGES[: STAGES.index(stage) + 1])


class NanMaker:
    """A loss outside the expression language, which no guard protects."""

    def per_sample(self, logits, targets):
        return (logits - logits).sum(dim=1) / 0


def test_nan_makers_are_found_without_guards_too():
    assert finite.problem(NanMaker(), 10) == "the value is not finite"


class FlatLoss:
    def per_sample(self, logits, targets):
        return 0 * logits.sum(dim=1)


def test_ties_are_not_hits():
    assert learns.learnt(FlatLoss(), 10, FunctionalCheckSettings()) == 0


@pytest.mark.parametrize(
    ("first", "twin"),
    [
        ("-(y * log(p))", "-(log(p) * y)"),
        ("-(y * log(p))", "3 * (y * -log(p)) + 7"),
        ("-(y * log(p))", "y * log(1 / p)"),
        ("y / p", "3 * (y / p)"),
        ("y / p", "(y + y) * (y / p)"),
        ("-(log(p) - y / p)", "-3 * (log(p) - y / p)"),
        ("exp(2 + y - p)", "exp(2 + y - exp(log(p)))"),
        ("square(p - y)", "square(y - p)"),
        ("square(p - y)", "p * p + y - 2 * (p * y)"),
    ],
)
def test_algebraic_twins_are_not_novel(first, twin):
    check = funnel()
    assert check.check(parse(first)).passed
    assert check.check(parse(twin)).rejected_by == "novel"


def test_a_factor_matters_when_scales_are_not_matched():
    check = funnel(scale_matched=False)
    assert check.check(parse("-(y * log(p))")).passed
    assert check.check(parse("-(y * log(p)) * 2")).passed
    assert check.check(parse("-2 * (y * log(p))")).rejected_by == "novel"


def test_near_misses_are_novel():
    check = funnel()
    assert check.check(parse("-(y * log(p))")).passed
    assert check.check(parse("-(y * log(p)) + 1e-3 * square(p)")).passed


def test_stages_can_be_switched_off():
    verdict = funnel(stages=["structure", "finite"]).check(parse("y * log(p)"))
    assert verdict.passed
    assert list(verdict.seconds) == ["structure", "finite"]


def test_verdicts_repeat():
    def verdicts():
        rng, check = np.random.default_rng(3), funnel()
        trees = [ramped_half_and_half(SearchSpace(), i, rng) for i in range(60)]
        return [(v.rejected_by, v.fingerprint) for v in map(check.check, trees)]

    first = verdicts()
    assert first == verdicts()
    assert len({stage for stage, _ in first}) >= 3


def test_proposals_are_recorded_kept_or_not():
    proposer = Proposer(funnel(), generation=4)
    assert not proposer.propose(0, parse("y * log(p)"), "random", [])
    assert proposer.propose(0, parse("-(y * log(p))"), "one_point_mutation", ["g0000s001"])
    lost, kept = proposer.proposals
    assert set(lost) == set(kept) == set(PROPOSALS.names)
    assert (lost["rejected_by"], lost["candidate_id"]) == ("gradient", None)
    assert (kept["rejected_by"], kept["candidate_id"]) == (None, "g0004s000")
    assert all(kept[f"{stage}_seconds"] > 0 for stage in STAGES)
    (candidate,) = proposer.candidates
    assert candidate["parents"] == ["g0000s001"]
    assert torch.tensor(candidate["fingerprint"]).isfinite().all()


def test_an_unchecked_pool_keeps_everything():
    proposer = Proposer(funnel(), generation=0, checked=False)
    assert proposer.propose(0, parse("y * log(p)"), "random", [])
    assert proposer.propose(1, parse("1"), "random", [])
    assert [c["fingerprint"] is None for c in proposer.candidates] == [False, True]
