import pytest

from evoloss.learning import rate_sweep
from evoloss.learning.training_result import TrainingResult


@pytest.fixture
def measured(monkeypatch):
    """Trainings whose accuracy is a function of the rate alone."""

    def install(accuracy_of):
        def train(losses, task, rates, seed):
            accuracy = accuracy_of(rates[0])
            status = "diverged" if accuracy is None else "completed"
            return [TrainingResult(status, None, 1, 64, 10, 0.1, 0.0, None, accuracy)]

        monkeypatch.setattr(rate_sweep, "train", train)

    return install


def nothing(repeat):
    """No task: these trainings see no images."""


def test_the_grid_grows_until_the_best_rate_is_inside(measured):
    measured(lambda rate: 0.9 - abs(rate - 1.6) / 10)
    best, grid, rows = rate_sweep.sweep(None, "ce", nothing, [0.1, 0.2], [1, 2], extend=True)
    assert best == 1.6
    assert grid == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert len(rows) == 12
    assert {row["learning_rate"] for row in rows if row["chosen"]} == {1.6}


def test_it_grows_downwards_too(measured):
    measured(lambda rate: 0.9 - abs(rate - 0.05))
    assert rate_sweep.sweep(None, "ce", nothing, [0.1, 0.2], [1], extend=True)[0] == 0.05


def test_a_fixed_grid_stays(measured):
    measured(lambda rate: rate)
    best, grid, _ = rate_sweep.sweep(None, "ce", nothing, [0.1, 0.2], [1], extend=False)
    assert (best, grid) == (0.2, [0.1, 0.2])


def test_divergence_counts_as_nothing_and_ties_go_to_the_lower_rate(measured):
    measured(lambda rate: None if rate > 0.2 else 0.5)
    assert rate_sweep.sweep(None, "ce", nothing, [0.1, 0.2, 0.4], [1], extend=False)[0] == 0.1
