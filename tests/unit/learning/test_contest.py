"""Trainings may pause, end early and race; the numbers of those that go on do not show it."""

import dataclasses
import types

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from toy_losses import CE, MAE, MSE, Bomb

from evoloss.learning import together as together_module
from evoloss.learning.accuracy import balanced_accuracy, top1_accuracy
from evoloss.learning.contest import Contestant, contest
from evoloss.learning.evaluation import accuracy
from evoloss.learning.schedule import SEGMENTS, segment_ends
from evoloss.learning.training import Training, train


def state(result):
    """All weights and statistics of a trained network, as one vector."""
    return torch.cat([value.double().flatten() for value in result.network.state_dict().values()])


def same(one, other):
    """Assert that two results are equal, apart from seconds and memory."""
    assert torch.equal(state(one), state(other))
    for name in (
        *("status", "reason", "steps", "training_samples", "validation_samples", "full_samples"),
        *("validation_accuracy", "training_loss", "training_accuracy", "validation_accuracies"),
        "curve",
    ):
        assert getattr(one, name) == getattr(other, name), name
    return True


def dropout_network(shape, classes):
    """A network that draws random numbers of its own."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.Dropout(0.5), nn.ReLU(), nn.Linear(32, classes)
    )


def test_a_contest_stops_whom_its_judge_names_and_trains_the_others_to_the_end(make_task):
    task = make_task()  # of 8 steps
    running = {
        "cross entropy": Contestant({"digits": Training(CE, task, 0.2, seed=1)}),
        "absolute error": Contestant({"digits": Training(MAE, task, 0.2, seed=1)}),
    }

    def judge(look, accuracies):
        """Stop the one that is named here, whatever the accuracies at the look are."""
        return {"absolute error": f"stopped at look {look}"}

    contest(running, looks=[6], stops=judge)
    result = running["cross entropy"].results()["digits"]
    assert (result.status, result.steps) == ("completed", 8)
    stopped = running["absolute error"].results()["digits"]
    assert (stopped.status, stopped.reason) == ("stopped_early", "stopped at look 0")
    assert stopped.steps == 3  # six of 18 segments: a third of 8 steps, rounded up


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network": f"{__name__}:dropout_network"},
        {"augmentation": ["crop", "flip"], "early_stopping": 1, "epochs": 3},
        {"training_images": 1.0, "batch_size": 32},
    ],
    ids=["plain", "dropout", "augmented", "more steps"],
)
def test_trainings_that_take_turns_end_as_they_do_alone(make_task, changes):
    task = make_task(**changes)
    alone = train([CE, MSE], task, [0.2, 0.1], 1, per_epoch=True)
    turns = [Training(CE, task, 0.2, 1, True), Training(MSE, task, 0.1, 1, True)]
    for segments in range(1, SEGMENTS + 1):
        for training in turns:
            training.advance(segments)
            torch.rand(3)  # the global generator is nobody's business
    for training, reference in zip(turns, alone, strict=True):
        assert same(training.finish(), reference)


def test_a_training_leaves_the_global_generator_alone(make_task):
    task = make_task(network=f"{__name__}:dropout_network")
    torch.manual_seed(5)
    untouched = torch.rand(4)
    torch.manual_seed(5)
    training = Training(CE, task, 0.2, 1)
    training.advance(4)
    training.advance(9)
    training.finish()
    assert torch.equal(torch.rand(4), untouched)


@given(st.integers(1, 10_000))
def test_segments_end_in_order_and_the_last_with_the_training(steps):
    ends = segment_ends(steps)
    assert len(ends) == SEGMENTS
    assert ends == sorted(ends)
    assert ends[-1] == steps
    for number, end in enumerate(ends, start=1):
        assert 0 <= end - steps * number / SEGMENTS < 1


@pytest.mark.parametrize(
    ("images", "epochs", "steps"), [(64, 1, 1), (256, 2, 8), (256, 9, 36), (320, 5, 25)]
)
def test_a_curve_has_an_entry_a_segment_however_few_the_steps(make_task, images, epochs, steps):
    task = make_task(training_images=images, epochs=epochs)
    (result,) = train([CE], task, [0.2], 0, per_epoch=True)
    ends = segment_ends(steps)
    assert (result.steps, len(result.curve)) == (steps, SEGMENTS)
    assert all(0 <= accuracy <= 1 for accuracy in result.curve)
    for k in range(1, SEGMENTS):
        if ends[k] == ends[k - 1]:  # segments that share a step share its accuracy
            assert result.curve[k] == result.curve[k - 1]
    # Each step counts once: weighted by steps, the curve has the mean of the epochs.
    starts = dict(zip([0, *sorted(set(ends))], sorted(set(ends)), strict=False))
    hits = sum((end - start) * result.curve[ends.index(end)] for start, end in starts.items())
    assert hits / steps == pytest.approx(sum(result.training_accuracy) / epochs)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_look_is_of_the_batches_of_its_own_segment(make_task, balanced):
    right = []

    class Noting(nn.Module):
        """A loss that notes how many images each step gets right."""

        def forward(self, logits, targets):
            measure = balanced_accuracy if balanced else top1_accuracy
            right.append(measure(logits.detach(), targets))
            return CE(logits, targets)

    task = make_task(training_images=576, epochs=2, balanced=balanced)  # one step a segment
    training = Training(Noting(), task, 0.2, 0)
    assert training.advance(5) == pytest.approx(right)
    assert len(right) == 5
    assert training.finish().curve == pytest.approx(right)


def test_a_balanced_look_weighs_the_classes_of_a_whole_segment_alike(make_task):
    # A segment has eight steps. A network that always names one class is right on a tenth of the classes,
    # however many images the class has.
    class Fixed(nn.Module):
        """A loss that teaches nothing, and notes the targets that it is shown."""

        def forward(self, logits, targets):
            seen.append(targets)
            return 0 * logits.sum()

    seen = []
    task = make_task(training_images=512, epochs=18, balanced=True)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.zeros_(network[1].weight)
    network[1].bias.data = torch.eye(10)[3]
    frozen = dataclasses.replace(
        task, settings=task.settings.model_copy(update={"weight_decay": 0.0})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together_module, "initial_network", lambda task, seed: network)
        curve = Training(Fixed(), frozen, 0.1, 0).advance(3)
    assert curve == pytest.approx([0.1] * 3)
    assert float((torch.cat(seen) == 3).float().mean()) != pytest.approx(0.1, abs=1e-4)


def test_a_stopped_training_says_what_it_took_and_no_more(make_task):
    task = make_task(training_images=600, epochs=2)  # 9 batches an epoch, the last 24 left out
    training = Training(CE, task, 0.2, 0)
    curve = list(training.advance(6))
    result = training.stop("lost")
    assert (result.status, result.reason) == ("stopped_early", "lost")
    assert (result.steps, result.training_samples, result.full_samples) == (6, 6 * 64, 18 * 64)
    assert result.curve == curve
    assert len(curve) == 6
    assert (result.validation_samples, result.validation_seconds) == (0, 0)
    assert result.network is None
    assert result.validation_accuracy is None
    assert result.validation_accuracies == []
    assert result.peak_memory_bytes > 2**20
    # A training that was stopped stays stopped.
    assert training.stop("again") is result
    assert training.finish() is result
    assert training.advance(SEGMENTS) == curve


def test_a_training_is_stopped_after_its_first_segment_at_the_earliest(make_task):
    result = Training(CE, make_task(training_images=576, epochs=4), 0.2, 0).stop("not wanted")
    assert (result.status, result.reason, result.steps) == ("stopped_early", "not wanted", 2)
    assert len(result.curve) == 1
    # A training of a single step is over by then.
    result = Training(CE, make_task(training_images=64, epochs=1), 0.2, 0).stop("not wanted")
    assert (result.status, result.steps, result.training_samples) == ("completed", 1, 64)
    assert result.validation_accuracy is not None


def test_a_stop_after_the_end_changes_nothing(make_task):
    training = Training(CE, make_task(), 0.2, 0)
    result = training.finish()
    assert training.stop("too late") is result
    assert (result.status, result.reason) == ("completed", None)
    assert result.training_samples == result.full_samples == 512
    bomb = Training(Bomb(), make_task(), 0.2, 0)
    bomb.advance(SEGMENTS)
    assert bomb.stop("too late").status == "diverged"
    assert "not finite" in bomb.result.reason
    assert (bomb.result.steps, bomb.result.full_samples) == (2, 512)


def test_a_training_that_cannot_begin_has_ended(make_task):
    training = Training.failed(make_task(), "no gradient")
    assert training.advance(3) == []
    result = training.stop("too late")
    assert (result.status, result.reason, result.training_samples) == ("failed", "no gradient", 0)
    assert (result.full_samples, result.network, result.validation_accuracy) == (512, None, None)


def test_waiting_for_ones_turn_is_not_time_in_training(make_task, monkeypatch):
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        together_module, "time", types.SimpleNamespace(perf_counter=lambda: clock.now)
    )

    class Slow(nn.Module):
        """A loss that takes a second a call on a clock that the test moves."""

        def forward(self, logits, targets):
            clock.now += 1.0
            return CE(logits, targets)

    training = Training(Slow(), make_task(), 0.2, 0)
    for segments in (3, 6, 7, 12):
        training.advance(segments)
        clock.now += 1000.0
    assert training.finish().seconds == 8.0  # 8 steps of a second each
    stopped = Training(Slow(), make_task(), 0.2, 0)
    stopped.advance(6)
    clock.now += 1000.0
    assert stopped.stop("lost").seconds == 3.0  # six segments are three steps


def entrants(task, *losses, second=None):
    """Contestants a, b, c, ... of these losses, each on one task, or on two."""
    tasks = {"one": task} | ({"two": second} if second else {})
    return {
        name: Contestant({key: Training(loss, t, 0.2, 1) for key, t in tasks.items()})
        for name, loss in zip("abcdef", losses, strict=False)
    }


class Judge:
    """A judge who stops at each look whom the test says, and remembers whom it was shown."""

    def __init__(self, *names):
        self.names, self.shown = names, []

    def __call__(self, number, accuracies):
        assert number == len(self.shown)
        self.shown.append({name: dict(seen) for name, seen in accuracies.items()})
        return dict.fromkeys(self.names[number], f"stopped at look {number}")


def test_a_contest_stops_on_every_task_whom_it_is_told_to(make_task):
    tasks = make_task(), make_task(epochs=3)
    running = entrants(tasks[0], CE, MSE, MAE, second=tasks[1])
    judge = Judge(["b"], [])
    contest(running, [3, 9], judge)
    assert [list(shown) for shown in judge.shown] == [["a", "b", "c"], ["a", "c"]]
    for name, contestant in running.items():
        results = contestant.results()
        assert list(results) == ["one", "two"]
        for task, key in zip(tasks, results, strict=True):
            if name == "b":
                assert results[key].status == "stopped_early"
                assert results[key].reason == "stopped at look 0"
                assert results[key].steps == 2  # of 8 and of 12
                assert len(contestant.seen[key]) == 1
            else:
                loss = {"a": CE, "c": MAE}[name]
                (alone,) = train([loss], task, [0.2], 1)
                assert same(results[key], alone)
                assert contestant.seen[key] == [alone.curve[2], alone.curve[8]]
            assert judge.shown[0][name][key] == contestant.seen[key][0]


def test_a_look_at_the_validation_images_sees_what_is_right_there_and_leaves_no_trace(make_task):
    task = make_task()  # of 8 steps: an epoch ends after the fourth, at the ninth segment
    running = {
        name: Contestant({"one": Training(loss, task, 0.2, 1)}, {"one": len(task.validation)})
        for name, loss in (("a", CE), ("b", MSE))
    }
    contest(running, [3, 9], Judge([], ["b"]))
    (alone,) = train([CE], task, [0.2], 1, per_epoch=True)
    assert running["a"].seen["one"][1] == alone.validation_accuracies[0]
    result = running["a"].results()["one"]
    assert result.validation_accuracy == alone.validation_accuracy
    assert all(
        torch.equal(one, two)
        for one, two in zip(
            result.network.state_dict().values(), alone.network.state_dict().values(), strict=True
        )
    )
    assert result.validation_samples == 3 * len(task.validation)
    assert running["a"].looked_samples("one") == 2 * len(task.validation)
    stopped = running["b"].results()["one"]
    assert stopped.validation_samples == 2 * len(task.validation)


def test_outputs_that_are_not_finite_are_worth_nothing_at_a_look(make_task):
    task = make_task()
    training = Training(CE, task, 0.2, 1)
    training.advance(3)
    with torch.no_grad():
        for weight in training.together._model.network.parameters():
            weight.fill_(float("nan"))
    assert training.held_out_accuracy() == 0.0


def test_a_look_uses_only_some_of_many_validation_images(make_task, monkeypatch):
    monkeypatch.setattr("evoloss.learning.task.MOST_LOOKED_AT", 50)
    task = make_task()
    chosen = torch.arange(50) * len(task.validation) // 50
    assert torch.equal(task.looked_at.labels, task.validation.labels[chosen])
    assert len(set(chosen.tolist())) == 50
    training = Training(CE, task, 0.2, 1)
    training.advance(9)
    network = training.together._model.network
    assert training.held_out_accuracy() == accuracy(network, task.looked_at)
    # The final accuracy is measured on all of them, and the images of both are counted.
    assert training.finish().validation_samples == 50 + len(task.validation)


def test_a_contestant_that_ends_by_itself_is_out_and_not_shown(make_task):
    running = entrants(make_task(), Bomb(), CE, MSE)
    judge = Judge([], ["c"])
    contest(running, [6, 9], judge)  # of 8 steps: after 3 and 4
    assert [list(shown) for shown in judge.shown] == [["b", "c"], ["b", "c"]]
    results = {name: contestant.results()["one"] for name, contestant in running.items()}
    assert [results[name].status for name in "abc"] == ["diverged", "completed", "stopped_early"]
    assert "not finite" in results["a"].reason
    assert running["a"].seen == {}
    assert results["c"].steps == 4


def test_a_contestant_that_ends_between_two_looks_keeps_what_was_seen(make_task):
    running = entrants(make_task(), Bomb(), CE)
    judge = Judge([], [])
    contest(running, [2, 9], judge)  # of 8 steps: after 1 and 4; it bursts at the third
    assert [list(shown) for shown in judge.shown] == [["a", "b"], ["b"]]
    assert running["a"].seen == {"one": [judge.shown[0]["a"]["one"]]}


@pytest.mark.parametrize("bursts", ["one", "two"])
def test_a_contestant_that_fails_on_a_task_has_failed_on_the_others(make_task, bursts):
    task = make_task()
    losses = {"one": CE, "two": CE} | {bursts: Bomb()}
    burst = Contestant({key: Training(loss, task, 0.2, 1) for key, loss in losses.items()})
    judge = Judge([], [])
    contest({"a": burst}, [6, 9], judge)
    assert judge.shown == [{}, {}]
    results = burst.results()
    assert results[bursts].status == "diverged"
    other = results["two" if bursts == "one" else "one"]
    assert (other.status, other.reason) == ("failed", "its training on another task failed")
    assert burst.seen == {}


def test_a_contest_without_looks_stops_nobody(make_task):
    running = entrants(make_task(), CE)
    contest(running, [], Judge())
    assert running["a"].results()["one"].status == "completed"


def test_a_contestant_that_has_come_to_its_end_is_not_stopped_any_more(make_task):
    running = entrants(make_task(epochs=12, early_stopping=1), CE, MSE)
    ended = {name: c.trainings["one"].finish() for name, c in running.items()}
    assert all(result.status == "completed" for result in ended.values())
    running |= {"c": Contestant({"one": Training(MAE, make_task(), 0.2, 1)})}
    judge = Judge([], ["c"])
    contest(running, [3, 6], judge)
    assert [list(shown) for shown in judge.shown] == [["a", "b", "c"], ["a", "b", "c"]]
    for name, result in ended.items():
        assert running[name].results()["one"] is result
