"""Estimates what a study costs on this machine: it times a few short trainings and counts the rest.

    make estimate CONFIG=config/mine.yaml
    python -m evoloss.study.estimate --configfile config/mine.yaml

Nothing is downloaded: the timed trainings see random pixels in the shape of the real ones. The
functional check (milliseconds per proposal) and the drawing of figures are not counted.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from evoloss.errors import UserError
from evoloss.learning.dataset_size import DatasetSize, dataset_size
from evoloss.learning.datasets import Images
from evoloss.learning.device import choose_device, device_name
from evoloss.learning.evaluation import validation_accuracy
from evoloss.learning.label_noise import LabelNoise
from evoloss.learning.preparation import store
from evoloss.learning.reading import Delivery
from evoloss.learning.schedule import samples
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part, Task, load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss
from evoloss.study.configuration import load_files
from evoloss.study.settings import Config
from evoloss.study.workload import Work, workload

SECONDS = 2.0
"""The least time that each measurement takes, after a warm-up."""
LARGEST_CPU_BATCH = 128
"""The speed of a CPU hardly depends on the batch size, and one step of 512 images takes a large network 30 s."""
BYTES_A_PIXEL = {"cpu": 10, "cuda": 5}
"""Memory of a data set in a job: its pixels as float32, and as bytes (on a CPU several copies) during loading."""
BATCHES = 4
"""Number of batches of random images that are made."""
LIGHT = "import evoloss.steps.select"
HEAVY = "import evoloss.steps.rescore, evoloss.functional_check.funnel"
SERVED = {"cpu": 0.3, "cuda": 2.0}
"""Seconds that a job takes beside its work if the job server forks it. For a CPU `tests/benchmarks/orchestration.py`
measured it; for a GPU, which every job has to set up, it is the expected value, not measured."""


@dataclass(frozen=True)
class Speed:
    """Measurements of a task: training and validation in images per second, seconds to load the data set in a
    job, and bytes of memory of a job (on the GPU, if it runs there)."""

    training: float
    validation: float
    loading: float
    memory: int


def measure(task: TaskSettings, size: DatasetSize, device_name: str) -> Speed:
    """Time a task's network, loss and data handling on random images.

    Call this in a separate process, so that the peak memory of the process is the task's.
    """
    device = choose_device(device_name)
    batch = task.batch_size if device.type == "cuda" else min(task.batch_size, LARGEST_CPU_BATCH)
    count = max(BATCHES * batch, 8 * size.classes)
    rng = np.random.default_rng(0)
    images = Images(
        rng.integers(0, 256, (count, *size.shape), dtype=np.uint8), np.arange(count) % size.classes
    )
    names = [str(c) for c in range(size.classes)]
    dataset = task.dataset.model_copy(update={"validation_fraction": 0.25})
    settings = task.model_copy(
        update={
            "dataset": dataset,
            "training_images": None,
            "epochs": 1,
            "batch_size": batch,
            "label_noise": LabelNoise(share=0.0),
            "input_noise": 0.0,
            "early_stopping": None,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        store(Delivery(images, images, names), dataset, Path(folder) / dataset.name, {}, {})
        start = time.perf_counter()
        ready = load_task("estimate", settings, Path(folder), device)
        seconds_an_image = (time.perf_counter() - start) / count
    network, training, memory = _training_speed(ready)
    held = size.train + size.validation
    pixels = int(np.prod(size.shape)) * (held + size.test)
    return Speed(
        training,
        _validation_speed(network, ready),
        held * seconds_an_image,
        memory + BYTES_A_PIXEL[device.type] * pixels,
    )


def _training_speed(task: Task) -> tuple[torch.nn.Module, float, int]:
    """A trained network, training samples per second, and the peak memory in bytes."""
    loss = task_loss(CROSS_ENTROPY, task.classes, match_gradient_scale=True)
    few = Part(task.validation.images[:1], task.validation.labels[:1])
    batch = task.settings.batch_size
    one_step = replace(
        task.train, images=task.train.images[:batch], labels=task.train.labels[:batch]
    )
    epochs = 1
    while True:
        # First an epoch of one step: a warm-up, and all that is needed for a network whose step takes seconds.
        settings = task.settings.model_copy(update={"epochs": max(1, epochs // 2)})
        part = one_step if epochs == 1 else task.train
        timed = replace(task, settings=settings, train=part, validation=few)
        (result,) = train([loss], timed, [1e-3], 0)
        if result.network is None:
            raise UserError(f"network {task.settings.network!r}: {result.reason}")
        if result.seconds >= SECONDS:
            speed = result.training_samples / result.seconds
            return result.network, speed, result.peak_memory_bytes or 0
        epochs *= 2


def _validation_speed(network: torch.nn.Module, task: Task) -> float:
    """Images per second in validation."""
    seen, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS / 2:
        validation_accuracy(network, task, task.validation)
        seen += len(task.validation)
    return seen / (time.perf_counter() - start)


def apart(function: Callable[..., Speed], *arguments: object) -> Speed:
    """The result of `function` in a fresh process, so that the peak memory is its own."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(function, *arguments).result()


def start_up(code: str) -> float:
    """Seconds that a Python process takes to start and run `code`, measured on the second of two starts."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - start


def seconds_of(
    work: Work, config: Config, speeds: dict[str, Speed], starts: dict[str, float]
) -> float:
    """Seconds that some work takes on one core, or on the GPU."""
    heavy = work.rule in ("initialise", "breed") or work.task is not None
    total = work.jobs * starts["heavy" if heavy else "light"]
    if work.task is None:
        return total
    task, speed = config.tasks[work.task], speeds[work.task]
    size = dataset_size(task.dataset)
    validated = size.validation * (task.epochs if work.every_epoch or task.early_stopping else 1)
    tested = size.validation + size.test if work.every_epoch else 0
    training = samples(task, size.train) / speed.training + (validated + tested) / speed.validation
    return total + max(work.jobs, 1) * speed.loading + work.trainings * training


def table(works: Sequence[Work], seconds: Sequence[float], config: Config) -> pd.DataFrame:
    """One row per stage: jobs, trainings, samples in millions, hours of one core or of the GPU."""
    rows = [
        {
            "stage": work.stage,
            "jobs": work.jobs,
            "trainings": work.trainings,
            "million samples": work.trainings * _samples(work, config) / 1e6,
            "hours": spent / 3600,
        }
        for work, spent in zip(works, seconds, strict=True)
    ]
    frame = pd.DataFrame(rows).groupby("stage", sort=False).sum()
    frame.loc["all"] = frame.sum()
    return frame.reset_index().astype({"jobs": int, "trainings": int})


def _samples(work: Work, config: Config) -> int:
    if work.task is None:
        return 0
    task = config.tasks[work.task]
    return samples(task, dataset_size(task.dataset).train)


def main() -> None:
    """Measure, count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", nargs="+", default=[], help="YAML files over the default")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="cores that will be used")
    flags = parser.parse_args()
    try:
        config = load_files(flags.configfile)
        device = choose_device(config.device)
        works = workload(config)
        speeds: dict[str, Speed] = {}
        print(f"Study {config.study} on {device_name(device)}, {flags.cores} cores")
        for name in dict.fromkeys(work.task for work in works if work.task):
            task = config.tasks[name]
            speeds[name] = speed = apart(measure, task, dataset_size(task.dataset), config.device)
            print(
                f"  {name} ({task.network}): training {speed.training:,.0f} images/s, validating "
                f"{speed.validation:,.0f} images/s, a job holds {speed.memory / 2**30:.1f} GiB",
                flush=True,
            )
    except UserError as error:
        print(f"error: {error}")
        sys.exit(1)
    if config.machine.job_server:
        starts = {"heavy": SERVED[device.type], "light": SERVED["cpu"]}
    else:
        starts = {"heavy": start_up(HEAVY), "light": start_up(LIGHT)}
    seconds = [seconds_of(work, config, speeds, starts) for work in works]
    on_gpu = device.type == "cuda"
    serial = sum(s for work, s in zip(works, seconds, strict=True) if on_gpu and work.task)
    hours = max(serial, sum(seconds) / flags.cores) / 3600
    print(table(works, seconds, config).to_string(index=False, float_format="{:,.2f}".format))
    memory = max(speed.memory for speed in speeds.values()) / 2**30
    if on_gpu:
        print(
            f"About {hours:.1f} hours, one job at a time on the GPU; a job holds up to {memory:.1f} GiB there."
        )
    else:
        print(
            f"About {hours:.1f} hours on {flags.cores} cores, which need {memory * flags.cores:.1f} GiB "
            f"of memory ({memory:.1f} GiB a job). A job starts in {starts['heavy']:.1f} s."
        )
    print(
        "This counts the whole study, including what is already done; `snakemake -n` lists what is left."
    )


if __name__ == "__main__":
    main()
