"""Which images a training sees: a run seed and a tuning seed have a split each, and a training seed draws the noise."""

import argparse
import json

import pytest
import torch
from resolving import resolve, training_flags

from evoloss.learning import rate_sweep
from evoloss.learning import task as task_module
from evoloss.learning.held_out import load_test_split
from evoloss.learning.records import EVALUATIONS, LEARNING_RATES, RETRAININGS
from evoloss.parquet import read, write
from evoloss.search.records import CANDIDATES
from evoloss.steps import audit, choose_rate, evaluate, retrain


@pytest.fixture
def loaded(monkeypatch):
    """The tasks that steps load from here on, in order: a spy on `load_task`, which still loads them."""
    found, load = [], task_module.load_task

    def spy(*arguments, **options):
        """Load a task as usual, and note it."""
        found.append(load(*arguments, **options))
        return found[-1]

    for module in (task_module, audit, rate_sweep, retrain):
        monkeypatch.setattr(module, "load_task", spy)
    return found


def same_images(one, two):
    """Whether two tasks train on the same images in the same order."""
    return torch.equal(one.train.images, two.train.images)


def same_noise(one, two):
    """Whether two tasks have the same training labels."""
    return torch.equal(one.train.labels, two.train.labels)


def searched(tmp_path, task, data_folder, run_seed):
    """Run rule evaluate on one candidate of a run, and return its evaluation."""
    plan = {"candidate_id": "a", "expression": "-(y * log(p))", "purpose": "new", "repeat": 0}
    row = dict.fromkeys(CANDIDATES.names) | plan | {"parents": [], "generation": 0}
    write(tmp_path / "plan.parquet", [row], CANDIDATES, {})
    flags = training_flags(
        run_seed=run_seed,
        candidates=tmp_path / "plan.parquet",
        batch=0,
        batch_size=4,
        first=None,
        racing=None,
        hurdle=None,
        tasks=[task],
        data=data_folder,
        output=tmp_path / "evaluations.parquet",
    )
    evaluate.main(flags)
    return read(flags.output, EVALUATIONS)


def test_every_run_seed_searches_on_a_split_of_its_own(tmp_path, resolved, data_folder, loaded):
    for seed in (0, 1, 0):
        searched(tmp_path, resolved["one"], data_folder, seed)
    first, second, again = loaded
    assert not same_images(first, second)
    assert not torch.equal(first.validation.images, second.validation.images)
    assert same_images(first, again)
    assert torch.equal(first.validation.images, again.validation.images)


def test_an_audit_is_on_the_split_of_its_run(tmp_path, resolved, data_folder, loaded, monkeypatch):
    searched(tmp_path, resolved["one"], data_folder, 3)
    monkeypatch.setattr(audit, "rejected", lambda folder: {"learns": []})
    monkeypatch.setattr(audit.RunFolder, "of", lambda flags: None)
    flags = training_flags(
        method="egp",
        run_seed=3,
        trainings=0,
        tasks=[resolved["one"]],
        data=data_folder,
        output=tmp_path / "audit.parquet",
    )
    audit.main(flags)
    searching, auditing = loaded
    assert same_images(searching, auditing)


def test_label_noise_of_a_search_is_a_run_seeds(tmp_path, data_folder, loaded):
    task = resolve("noisy", {"dataset": "digits", "label_noise": 0.4}, data_folder, tmp_path)
    del loaded[:]
    for seed in (0, 1):
        searched(tmp_path, task, data_folder, seed)
    first, second = loaded
    assert not same_noise(first, second)


def test_every_tuning_seed_has_a_split_of_its_own(tmp_path, data_folder, loaded):
    values = {"dataset": "digits", "tuning_seeds": 2, "epochs": 1, "learning_rates": [0.1, 0.2]}
    task = resolve("tuned", values, data_folder, tmp_path)
    _, first, second, *_ = loaded  # before them, the one that sizes are read from
    assert not same_images(first, second)
    rows = read(tmp_path / "tuned.parquet", LEARNING_RATES)
    chosen = [row["validation_accuracy"] for row in rows if row["chosen"]]
    assert len(chosen) == 2
    reference = json.loads(task.read_text())["cross_entropy_accuracy"]
    assert reference == pytest.approx(sum(chosen) / 2)


def retrained(tmp_path, task, data_folder, loss="cross_entropy", formula="-(y * log(p))"):
    """Run rules choose_rate and retrain on a loss, and return the final trainings."""
    flags = {
        "study": "test",
        "loss": loss,
        "formula": formula,
        "champion": None,
        "task": task,
        "data": data_folder,
        "device": "cpu",
    }
    rates, output = tmp_path / "rates.parquet", tmp_path / "retrained.parquet"
    choose_rate.main(argparse.Namespace(**flags, output=rates))
    retrain.main(
        argparse.Namespace(**flags, learning_rate=rates, training_seeds=[0, 1], output=output)
    )
    return read(output, RETRAININGS)


def test_a_training_seed_draws_label_noise_and_sample_and_leaves_the_test_images(
    tmp_path, data_folder, loaded
):
    values = {"dataset": "digits", "label_noise": 0.4, "training_images": 300, "epochs": 1}
    task = resolve("noisy", values, data_folder, tmp_path)
    del loaded[:]
    rows = retrained(tmp_path, task, data_folder)
    tuning, *_, first, second = loaded
    assert not same_images(first, second)
    assert not same_noise(first, second)
    assert torch.equal(first.validation.images, second.validation.images)
    assert not torch.equal(tuning.validation.images, first.validation.images)
    assert [row["training_seed"] for row in rows] == [0, 1]
    # All losses meet the same draws.
    del loaded[:]
    retrained(tmp_path, task, data_folder, "mse", "square(p - y)")
    assert same_images(loaded[-2], first)
    assert same_noise(loaded[-2], first)
    test = load_test_split(data_folder / "digits")
    parts = [one.part(test) for one in (first, second)]
    assert torch.equal(parts[0].images, parts[1].images)


def test_without_sample_and_noise_a_training_seed_changes_no_image(tmp_path, data_folder, loaded):
    task = resolve("clean", {"dataset": "digits", "epochs": 1}, data_folder, tmp_path)
    del loaded[:]
    retrained(tmp_path, task, data_folder)
    *_, first, second = loaded
    assert same_images(first, second)
    assert same_noise(first, second)
