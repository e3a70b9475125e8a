"""A sweep finds the best learning rate inside its grid, wherever the grid began."""

from types import SimpleNamespace

import pytest

from evoloss.learning import rate_sweep
from evoloss.learning.training_result import TrainingResult

TASK = SimpleNamespace(classes=10)


@pytest.fixture
def measured(monkeypatch):
    """A function that replaces trainings by ones whose accuracy is a function of the rate alone."""

    def install(accuracy_of):
        """From here on, trainings have the accuracy `accuracy_of` of their rate; None is a divergence."""

        def train(losses, task, rates, seed):
            """Stand in for a training, which would take seconds."""
            accuracy = accuracy_of(rates[0])
            status = "diverged" if accuracy is None else "completed"
            return [TrainingResult(status, None, 1, 64, 10, 0.1, 0.0, None, accuracy)]

        monkeypatch.setattr(rate_sweep, "train", train)

    return install


def nothing(repeat):
    """A task in name only: these trainings see no images."""
    return TASK


def sweep(grid, seeds=(1,)):
    """Sweep over a grid of rates with these fake trainings."""
    return rate_sweep.sweep(None, "ce", nothing, grid, seeds)


def test_the_grid_grows_until_the_best_rate_is_inside(measured):
    measured(lambda rate: 0.9 - abs(rate - 1.6) / 10)
    found = sweep([0.1, 0.2], seeds=[1, 2])
    assert found.rate == 1.6
    assert found.grid == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert len(found.rows) == 12  # six rates on two seeds
    assert {row["learning_rate"] for row in found.rows if row["chosen"]} == {1.6}
    assert not found.at_edge
    assert {row["at_edge"] for row in found.rows} == {False}


def test_it_grows_downwards_too(measured):
    measured(lambda rate: 0.9 - abs(rate - 0.05))
    found = sweep([0.1, 0.2])
    assert (found.rate, found.grid[0], found.at_edge) == (0.05, 0.025, False)


@pytest.mark.parametrize("grid", [[0.2], [1e-3, 2e-3], [25.0, 50.0, 100.0]])
def test_a_grid_that_lies_wholly_beside_finds_its_way(measured, grid):
    def accuracy(rate):
        """Chance where nothing is learnt, and None where it diverges."""
        return None if rate > 20 else 0.1 if rate < 0.02 else 0.9 - abs(rate - 0.2) / 10

    measured(accuracy)
    found = sweep(grid)
    assert not found.at_edge
    assert found.grid[0] < found.rate < found.grid[-1]
    assert found.rate == pytest.approx(0.2, rel=0.5)


def test_of_equals_the_lower_rate_is_taken_once_the_grid_has_left_the_plateau(measured):
    measured(lambda rate: 0.5 if 0.05 < rate < 0.5 else 0.4)
    found = sweep([0.1, 0.2, 0.4])
    assert (found.rate, found.grid) == (0.1, [0.05, 0.1, 0.2, 0.4])


@pytest.mark.parametrize("accuracy", [0.1, 0.9, None], ids=["chance", "plateau", "diverges"])
def test_what_never_ends_is_ended_and_said(measured, accuracy):
    measured(lambda rate: accuracy)
    found = sweep([0.1, 0.2])
    assert found.at_edge
    assert {row["at_edge"] for row in found.rows} == {True}
    assert "lies at the edge of all that were tried" in found.warning()
    most = 2 if accuracy == 0.1 else 1  # sides on which it looks further
    assert len(found.grid) == 2 + most * rate_sweep.MOST_EXTENSIONS
    # A rate that diverges is no reason to try a higher one.
    assert accuracy is not None or found.grid[-1] == 0.2
