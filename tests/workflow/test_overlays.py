"""Every overlay can be planned as it is, and a shrunken copy of some runs for real on a few images.

Planning an overlay takes some seconds. It is worth them, since an overlay is the first thing that a user runs.
"""

import csv
import functools
from pathlib import Path

import pytest
import yaml
from image_files import write_folder, write_idx
from snakemake.utils import update_config
from study_copy import ROOT

OVERLAYS = ["fashion_mnist_cpu", "fashion_mnist", "cifar10", "cifar100", "three_datasets"]
RUN = ["fashion_mnist", "three_datasets"]
"""The overlays that are run, shrunken. The last has the data sets of fashion_mnist_cpu, cifar10 and cifar100 in it."""
COMPARISONS = ["fashion_rivals", "fashion_racing", "as_published", "ablation", "smoke"]

SHRUNKEN = {"training_images": None, "batch_size": 32, "learning_rates": [0.2], "tuning_seeds": 1}
"""Settings that every task of a shrunken overlay has."""


@pytest.mark.parametrize("name", OVERLAYS + COMPARISONS)
def test_an_overlay_can_be_planned(scratch, name):
    jobs = scratch.planned(config=f"config/{name}.yaml")
    assert jobs["prepare_dataset"] == (3 if name == "three_datasets" else 1)
    assert jobs["retrain"] >= {"fashion_racing": 2, "ablation": 5}.get(name, 10)
    assert jobs["tabulate"] >= 9


def test_a_study_without_a_search_can_be_planned(scratch):
    jobs = scratch.planned(config="config/published_losses.yaml")
    assert (jobs["tune"], jobs["choose_rate"], jobs["retrain"]) == (12, 168, 168)
    assert (jobs["prepare_dataset"], jobs["tabulate"], jobs["plot"]) == (2, 8, 1)
    assert {"initialise", "breed", "evaluate", "export_loss"}.isdisjoint(jobs)


def few_images(folder: Path, source: str) -> dict:
    """A few images in the place of a source's, and the data set that reads them.

    CIFAR's own files are checked by their MD5 sums, so its images come as a folder.
    """
    if source == "fashion_mnist":
        if not (folder / "data").exists():
            write_idx(folder / "data", "FashionMNIST", sizes=(("train", 200), ("t10k", 40)))
        return {"source": source, "validation_fraction": 0.2}
    classes, images = (10, 16) if source == "cifar10" else (100, 4)
    counts = {f"c{index:02d}": images for index in range(classes)}
    write_folder(folder / source, {"train": counts, "test": counts}, size=(32, 32), suffix=".jpg")
    return {"source": "image_folder", "name": source, "path": source, "validation_fraction": 0.25}


def shrunken(folder: Path, name: str) -> dict:
    """The overlay, with everything that makes it slow made small."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text()))
    data = functools.cache(functools.partial(few_images, folder))
    for key, task in config["tasks"].items():
        if task is None:
            continue
        task.update(SHRUNKEN, dataset=data(task["dataset"]["source"]), epochs=4)
        # resnet9 is slow on a CPU: one task keeps it, for one epoch.
        if (name, key) == ("fashion_mnist", "fashion_full"):
            task.update(epochs=1, batch_size=16)
        else:
            task["network"] = "convnet"
    search = config["search"]
    search.update(run_seeds=[0], generations=1, budget_samples=None)
    search["pools"]["default"]["size"] = 2
    search["rescore"] = {"finalists": 1, "repeats": 1}
    search["methods"] = dict.fromkeys(search["methods"])
    search["methods"]["egp"] = {
        "algorithm": "egp",
        "pool": "default",
        "population": 2,
        "parents": 1,
        "tournament": 2,
        "attempts": 50,
    }
    config["retrain"].update(losses=["cross_entropy", "ngl"], champions=False, training_seeds=[0])
    return {**config, "study": "shrunken", "device": "cpu"}


@pytest.mark.parametrize("name", RUN)
def test_a_shrunken_overlay_runs_and_every_task_learns(scratch, name):
    """It trains on every data set and network of an overlay: planning alone would not show that they fit together."""
    config = shrunken(scratch.folder, name)
    (scratch.folder / "config" / "shrunken.yaml").write_text(yaml.safe_dump(config))
    results = scratch.folder / "results" / "shrunken"
    targets = ["search/egp/seed0/champion.json", "tables/accuracy.csv", "tables/tasks.csv"]
    scratch.run(*(f"results/shrunken/{t}" for t in targets), config="config/shrunken.yaml")
    with (results / "tables/accuracy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["task"] for row in rows} == set(config["retrain"]["tasks"])
    assert {row["loss"] for row in rows} == {"cross_entropy", "ngl"}
    with (results / "tables/tasks.csv").open() as file:
        tasks = {row["task"]: row for row in csv.DictReader(file)}
    for row in tasks.values():
        assert float(row["cross_entropy_accuracy"]) > float(row["chance"])
        assert int(row["multiply_adds"]) > 10_000
    if name == "fashion_mnist":
        assert tasks["fashion_full"]["network"] == "resnet9"
