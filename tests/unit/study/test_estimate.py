"""How large a study is: its images, its trainings, and the hours that it takes."""

import sys

import pytest
from image_files import write_folder

from evoloss.learning.dataset_size import dataset_size
from evoloss.learning.schedule import samples
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.study import estimate
from evoloss.study.configuration import load_files
from evoloss.study.workload import workload


def test_the_hours_of_the_default_study_are_measured_and_printed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(estimate, "SECONDS", 0.05)
    # Measure in this process: one of its own would load torch anew.
    monkeypatch.setattr(estimate, "apart", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(sys, "argv", ["estimate", "--cores", "2"])
    estimate.main()
    text = capsys.readouterr().out
    assert "digits_noisy (convnet): training" in text
    for stage in ("tuning", "search", "re-scoring", "rates of losses", "final trainings", "all"):
        assert stage in text
    assert "hours on 2 cores" in text


def test_sizes_are_those_of_the_prepared_copy(tmp_path):
    digits = dataset_size(DatasetSettings(source="digits"))
    assert (digits.train, digits.validation, digits.test) == (898, 300, 599)
    fashion = dataset_size(DatasetSettings(source="fashion_mnist", validation_fraction=0.1))
    assert (fashion.train, fashion.validation, fashion.test) == (54_000, 6_000, 10_000)
    write_folder(tmp_path)
    folder = DatasetSettings(source="image_folder", path=str(tmp_path), image_size=16)
    size = dataset_size(folder)
    assert (size.shape, size.classes) == ((3, 16, 16), 3)
    assert (size.train, size.validation, size.test) == (45, 15, 12)
    two = dataset_size(folder.model_copy(update={"classes": [0, 2]}))
    assert (two.classes, two.train, two.validation, two.test) == (2, 38, 12, 9)
    half = dataset_size(DatasetSettings(source="fashion_mnist", classes=[0, 1, 2, 3, 4]))
    assert (half.classes, half.train, half.test) == (5, 22_500, 5_000)
    one_of_all = dataset_size(DatasetSettings(source="digits", classes=[3, "rest"]))
    assert (one_of_all.classes, one_of_all.train) == (2, 898)


def test_samples_are_whole_batches():
    size = dataset_size(DatasetSettings(source="digits"))

    def of(**changes):
        """The samples that a training on the digits takes with these settings."""
        return samples(TaskSettings.model_validate({"dataset": "digits", **changes}), size.train)

    # 898 training images are 14 whole batches of 64; half of them are eight of 50.
    assert of(epochs=3, batch_size=64) == 3 * 14 * 64
    assert of(epochs=2, batch_size=50, training_images=120) == 2 * 100
    assert of(epochs=1, batch_size=50, training_images=0.5) == 400


def test_the_default_study_is_counted():
    config = load_files([])
    trainings = {(work.rule, work.task): work.trainings for work in workload(config)}
    # Five run seeds, a pool of 6 at two rates. Each of three methods spends 60 trainings; all but the race have 12
    # of them from the pool.
    assert trainings["evaluate", "digits_noisy"] == 5 * (2 * 6 + 2 * (60 - 12) + 60)
    assert trainings["audit", "digits_noisy"] == 5 * 3 * 2 * 2
    losses = len(config.retrained())
    assert trainings["retrain", "digits_clean"] == losses * 5
    assert trainings["choose_rate", "digits_clean"] == losses * 2 * (3 + 1)


def test_without_a_budget_generations_are_counted():
    config = load_files([])
    search = config.search.model_copy(update={"budget_samples": None})
    counted = workload(config.model_copy(update={"search": search}))
    (trained,) = [work.trainings for work in counted if work.rule == "evaluate"]
    # The race: 6 start at two rates, 4 of 12 entrants go on after a sixth and 2 after a third; of 5 children 4 of
    # 10 and 2; and it trains its best once more.
    race = (12 + 4) / 6 + 2 * 2 / 3 + 20 * ((10 + 4) / 6 + 2 * 2 / 3 + 1)
    expected = 5 * (2 * 6 + 2 * 8 * 3 * 2 + race)
    assert trained == pytest.approx(expected, abs=1)


def test_every_network_and_an_image_folder_can_be_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(estimate, "SECONDS", 0.01)
    write_folder(tmp_path)
    folder = {"source": "image_folder", "path": str(tmp_path), "image_size": 16}
    small = {"source": "digits", "validation_fraction": 0.01}
    for dataset, network, batch in (
        ("digits", "resnet9", 16),
        (folder, "convnet", 128),
        (small, "convnet", 100),
    ):
        values = {"dataset": dataset, "network": network, "batch_size": batch}
        task = TaskSettings.model_validate(values)
        speed = estimate.measure(task, dataset_size(task.dataset), "cpu")
        assert speed.training > 0
        assert speed.validation > 0
        assert speed.memory > 2**20


def test_a_mistake_in_the_configuration_gets_a_sentence(monkeypatch, capsys, tmp_path):
    (tmp_path / "x.yaml").write_text("study: x\ntasks: {digits_noisy: {network: my_missing:net}}\n")
    monkeypatch.setattr(sys, "argv", ["estimate", "--configfile", str(tmp_path / "x.yaml")])
    with pytest.raises(SystemExit):
        estimate.main()
    assert "Python finds no module 'my_missing'" in capsys.readouterr().out
