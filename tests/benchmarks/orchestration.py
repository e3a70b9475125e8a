"""What Snakemake and the jobs around trainings cost, on a search of Fashion-MNIST whose candidates train 3 s.

`efficiency`: seconds in trainings / (cores x wall time) of the search, data and tuning done before.
`vs_bare_loop`: how fast the search trains beside processes, one a core, that do nothing but train in a
loop. `overhead_s`: core-seconds a job beyond its trainings in the test study, whose 91 jobs train next to
nothing. Six minutes on two cores. Fashion-MNIST has to be where `--root` says (config/README.md).
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
import yaml
from reporting import show, tell

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "workflow"), str(ROOT / "workflow")]

from study_copy import Copy  # noqa: E402

from evoloss.learning.device import choose_device  # noqa: E402
from evoloss.learning.resolved_task import read_resolved_tasks  # noqa: E402
from evoloss.learning.task import load_task  # noqa: E402
from evoloss.learning.training import train  # noqa: E402
from evoloss.losses.expression_loss import CROSS_ENTROPY  # noqa: E402
from evoloss.losses.gradient_scale import task_loss  # noqa: E402

SEEDS, GENERATIONS = range(4), 2
BARE_TRAININGS = 4  # a process


def overlay(root: str) -> dict:
    """The search, as differences from the default configuration."""
    task = {
        "dataset": {"source": "fashion_mnist", "root": root, "validation_fraction": 0.1},
        "training_images": 16384,
        "network": "convnet",
        "epochs": 2,
        "batch_size": 64,
        "augmentation": ["crop", "flip"],
        "learning_rates": [0.2],
        "tuning_seeds": 1,
    }
    method = {"population": 16, "parents": 8, "tournament": 8}
    return {
        "study": "orchestration",
        "device": "cpu",
        "tasks": {"digits_noisy": None, "digits_clean": None, "fashion": task},
        "search": {
            "tasks": ["fashion"],
            "run_seeds": list(SEEDS),
            "generations": GENERATIONS,
            "budget_samples": None,
            "batch_size": 4,
            "pools": {"default": {"size": 16}},
            "methods": {
                "egp": method | {"pool": "default", "generations": None},
                **dict.fromkeys(("egp_checked", "egp_racing", "ngl_gp", "random_search")),
            },
        },
        "retrain": {"tasks": ["fashion"]},
        "report": {"reference_method": "egp", "ablation_base": None},
    }


def seconds_in_trainings(results: Path) -> tuple[float, int]:
    """Of all records of trainings below a folder: seconds, validation included, and their number."""
    seconds, count = 0.0, 0
    for path in results.rglob("*.parquet"):
        table = pq.read_table(path)
        if {"seconds", "validation_seconds"} <= set(table.column_names):
            for name in ("seconds", "validation_seconds"):
                seconds += sum(value or 0.0 for value in table.column(name).to_pylist())
            count += table.num_rows
    return seconds, count


def jobs_run(output: str) -> int:
    return sum(line.startswith("Finished jobid") for line in output.splitlines())


def bare(folder: str) -> float:
    """Seconds for BARE_TRAININGS trainings in a loop, in this process."""
    (resolved,) = read_resolved_tasks([f"{folder}/tasks/fashion.json"])
    task = load_task("fashion", resolved.settings, Path(folder) / "data", choose_device("cpu"))
    loss = task_loss(CROSS_ENTROPY, task.classes, match_gradient_scale=True)
    train([loss], task, [resolved.learning_rate], 0)
    start = time.perf_counter()
    for seed in range(BARE_TRAININGS):
        train([loss], task, [resolved.learning_rate], seed)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=str(ROOT / "data"))
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        results = copy.folder / "results" / "orchestration"
        (copy.folder / "config/orchestration.yaml").write_text(yaml.safe_dump(overlay(flags.root)))
        study = {"config": "config/orchestration.yaml", "cores": flags.cores}
        copy.run("results/orchestration/tasks/fashion.json", **study)
        before, _ = seconds_in_trainings(results)
        ledgers = [f"results/orchestration/search/egp/seed{seed}/ledger.parquet" for seed in SEEDS]
        start = time.perf_counter()
        output = copy.run(*ledgers, **study).stdout
        wall = time.perf_counter() - start
        seconds, trainings = seconds_in_trainings(results)
        seconds -= before
        with multiprocessing.get_context("spawn").Pool(flags.cores) as pool:
            alone = max(pool.map(bare, [str(results)] * flags.cores)) / BARE_TRAININGS
        start = time.perf_counter()
        tiny_output = copy.run(cores=flags.cores).stdout
        tiny_wall = time.perf_counter() - start
        tiny_seconds, tiny_trainings = seconds_in_trainings(copy.folder / "results" / "tiny")
    jobs, tiny_jobs = jobs_run(output), jobs_run(tiny_output)
    figures = {
        "efficiency": seconds / (flags.cores * wall),
        "vs_bare_loop": trainings * alone / (flags.cores * wall),
        "overhead_s": (flags.cores * tiny_wall - tiny_seconds) / tiny_jobs,
    }
    show(
        ["study", "jobs", "trainings", "s a training", "wall, s", "in trainings, core-s"],
        [
            ["Fashion-MNIST search", jobs, trainings, seconds / trainings, wall, seconds],
            ["test study", tiny_jobs, tiny_trainings, 0.0, tiny_wall, tiny_seconds],
            ["bare loop", 0, BARE_TRAININGS * flags.cores, alone, alone * BARE_TRAININGS, 0.0],
        ],
    )
    tell("orchestration", figures | {"cores": flags.cores})


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
