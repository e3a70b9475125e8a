"""A user's own images, network, loss and method: the examples of docs/own-parts.md as they stand there.

Each test runs Snakemake on what a reader of the page would paste, for up to a minute: a page that does not run is worse
than none.
"""

import csv
import re
import subprocess
import sys

import pytest
from image_files import write_folder
from study_copy import ROOT, environment

SHRINK = """
device: cpu
search:
  run_seeds: [0]
  generations: 1
  budget_samples: null
  pools: {default: {size: 2}}
  rescore: {finalists: 1, repeats: 1}
  leave_out: []
  methods:
    egp: {pool: default, population: 2, generations: null, parents: 1, tournament: 2, attempts: 50}
    egp_checked: null
    egp_racing: null
    ngl_gp: null
    regularised_evolution: null
    glo: null
    taylor_glo: null
    robust_taylor: null
    gp_lfl: null
    random_search: null
retrain: {training_seeds: [0, 1]}
"""


def example() -> dict[str, str]:
    """The files of the page's example, by name: every block of code in its section."""
    text = (ROOT / "docs" / "own-parts.md").read_text()
    section = text.split("## Your own images, network and loss")[1].split("\n## ")[0]
    return dict(re.findall(r"```\w+\n# (\w+\.\w+)[^\n]*\n(.*?)```", section, re.DOTALL))


@pytest.fixture
def pets(scratch):
    """A copy of the study with the example's files in it, a folder of images, and a small search."""
    for name, content in example().items():
        (scratch.folder / name).write_text(content)
    write_folder(
        scratch.folder / "pets", {"train": {"cat": 40, "dog": 20, "newt": 12}}, size=(40, 30)
    )
    (scratch.folder / "shrink.yaml").write_text(SHRINK)
    return scratch


def run(copy, *targets, **options):
    """Run Snakemake on the example, shrunken."""
    return copy.run(*targets, config=["pets.yaml", "shrink.yaml"], **options)


def test_the_pages_example_is_short_and_runs(pets):
    files = example()
    assert set(files) == {"pets.yaml", "my_network.py", "my_loss.py"}
    lines = [line for text in files.values() for line in text.splitlines() if line.strip()]
    assert len(lines) < 40
    run(pets, "results/pets/tables/accuracy.csv", "results/pets/losses/egp_seed0.py")
    with (pets.folder / "results/pets/tables/accuracy.csv").open() as file:
        rows = {row["loss"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"cross_entropy", "ngl", "margin", "egp_seed0"}
    assert float(rows["cross_entropy"]["test_accuracy"]) > 1 / 3

    # A change of the images under their prepared copy is noticed, and a move of their folder is none.
    plan = {"config": ["pets.yaml", "shrink.yaml"]}
    target = "results/pets/tables/accuracy.csv"
    assert pets.planned(target, **plan) == {}
    (pets.folder / "pets").rename(pets.folder / "elsewhere")
    pets.edit("pets.yaml", "path: pets", "path: elsewhere")
    assert pets.planned(target, **plan) == {}
    pets.edit("my_loss.py", "margin=1.0", "margin=2.0")
    jobs = pets.planned_files(target, **plan)
    assert {part for path in jobs for part in path.split("/") if part in rows} == {"margin"}
    images = pets.folder / "elsewhere" / "train"
    (images / "cat" / "000.png").rename(images / "dog" / "cat.png")
    jobs = pets.planned(target, **plan)
    assert jobs["prepare_dataset"] == 1
    assert jobs["tune"] == 1


def test_an_unusable_folder_stops_before_any_job(pets):
    (pets.folder / "pets/train/cat").rename(pets.folder / "cats")
    (pets.folder / "pets/train/dog").rename(pets.folder / "dogs")
    answer = run(pets, check=False)
    assert answer.returncode != 0
    assert "train has the one class 'newt'; a classifier needs at least two" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "Job stats" not in answer.stdout


def test_a_damaged_image_is_named_by_its_job(pets):
    (pets.folder / "pets/train/cat/007.png").write_text("no image")
    target = "results/pets/data/image_folder/manifest.json"
    answer = run(pets, target, check=False)
    assert answer.returncode != 0
    assert "1 of 72 files cannot be read as images: pets/train/cat/007.png" in answer.stdout


def test_the_pages_method_is_short_and_runs(scratch):
    text = (
        (ROOT / "docs" / "own-parts.md")
        .read_text()
        .split("## A method of your own")[1]
        .split("\n## ")[0]
    )
    files = dict(re.findall(r"```\w+\n# (\S+\.\w+)[^\n]*\n(.*?)```", text, re.DOTALL))
    assert set(files) == {"workflow/evoloss/search/hill_climbing.py", "config/climb.yaml"}
    lines = [line for text in files.values() for line in text.splitlines() if line.strip()]
    assert len(lines) < 40
    for path, content in files.items():
        (scratch.folder / path).write_text(content)
    config = ["tests/workflow/tiny.yaml", "config/climb.yaml"]
    run = "results/climb/search/hill_climbing/seed0"
    scratch.run(f"{run}/champion.json", config=config)
    records = scratch.records("climb")
    first = {
        row["candidate_id"]
        for row in records["search/hill_climbing/seed0/generation0/population.parquet"]
    }
    children = records["search/hill_climbing/seed0/generation1/candidates.parquet"]
    assert 1 <= len(children) <= 4  # a slot stays empty where no mutant passes the check
    assert all(set(child["parents"]) <= first for child in children)


def test_files_beside_the_snakefile_take_no_librarys_place(scratch):
    for name in ("random", "json", "statistics", "types", "torch", "numpy", "evoloss"):
        (scratch.folder / f"{name}.py").write_text(f"raise RuntimeError('this is not {name}')\n")
    script = "import sys; from snakemake.cli import main; main(sys.argv[1:])"
    arguments = ["--cores", "1", "--configfile", "tests/workflow/tiny.yaml", "--forcerun", "tune"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments, "results/tiny/tasks/digits_noisy.json"],
        cwd=scratch.folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is not" not in done.stdout + done.stderr


def test_a_package_is_not_executed_while_planning(scratch):
    package = scratch.folder / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(0)\n")
    (package / "losses.py").write_text("def own(logits, targets):\n    return logits.sum(1)\n")
    config = scratch.overlay('retrain: {losses: [cross_entropy, ngl, "my_package.losses:own"]}')
    assert scratch.planned(config=config)["retrain"] > 0


def test_a_study_can_be_planned_from_any_folder(scratch, tmp_path):
    command = [sys.executable, "-P", "-m", "snakemake", "-n", "-s", f"{scratch.folder}/Snakefile"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
