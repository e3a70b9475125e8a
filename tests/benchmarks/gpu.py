"""What a GPU makes of trainings: a captured step, networks side by side, validation, memory, a job's start.

Random images of CIFAR-10's and Fashion-MNIST's shapes. Every figure stands beside the same work done in
another way in the same run: `vs_steps` is captured steps over steps taken one by one, `vs_alone` is 64
networks side by side over one after the other. Ends at once, saying so, where there is no GPU;
`--device cpu` tries the code with next to no work.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from reporting import show, tell

from evoloss.expressions.parsing import parse
from evoloss.learning.device import choose_device, device_name, synchronise
from evoloss.learning.evaluation import validation_accuracy
from evoloss.learning.expression_training import expression_training
from evoloss.learning.models import initial_network
from evoloss.learning.precision import computes_in
from evoloss.learning.settings import TaskSettings
from evoloss.learning.stepping import CUDA_GRAPHS
from evoloss.learning.task import Part, Task, margin_of
from evoloss.learning.training import Training, side_by_side
from evoloss.losses.gradient_scale import task_loss

NGL = "exp(2.4092 - p - p * y) - cos(cos(sin(p)))"
ON_AN_H100 = {"resnet9_256": 59_000, "resnet9_512": 69_000, "convnet_128": 240_000}
"""Images a second of a prototype that replayed one captured step, on one H100 (torch 2.11); side by side: ..."""
SIDE_BY_SIDE_ON_AN_H100 = 825_000
SHAPES = {"cifar10": (3, 32, 32), "fashion_mnist": (1, 28, 28)}


def a_task(name: str, network: str, batch: int, images: int, device: torch.device) -> Task:
    """A task of random images, augmented as its data set is."""
    channels, height, width = shape = SHAPES[name]
    settings = TaskSettings.model_validate(
        {"dataset": name, "network": network, "batch_size": batch, "epochs": 2}
    )
    margin = margin_of(shape) if "crop" in settings.augmentation else (0, 0)
    sides = (height + 2 * margin[0], width + 2 * margin[1], channels)
    labels = torch.arange(images, device=device) % 10
    dtype = computes_in(settings, device)
    train = Part(torch.randn(images, *sides, device=device, dtype=dtype), labels, margin)
    seen = max(10, images // 10)
    validation = Part(torch.randn(seen, height, width, channels, device=device), labels[:seen])
    return Task(name, settings, train, validation, 10, shape, [0.5], [0.25], device)


def trained(task: Task, together: int = 1, captured: bool = True) -> tuple[float, float, int]:
    """Images a second, seconds a training with its validation, and the peak of memory."""
    os.environ[CUDA_GRAPHS] = str(int(captured))
    trainings = [expression_training(NGL, task, 0.1, 0) for _ in range(together)]
    side_by_side(trainings, together)
    start = time.perf_counter()
    results = [training.finish() for training in trainings]
    wall = time.perf_counter() - start
    assert all(result.status != "failed" for result in results), results[0].reason
    images = sum(result.training_samples for result in results)
    in_steps = sum(result.seconds for result in results)
    return images / in_steps, wall / together, results[0].peak_memory_bytes or 0


def capture_seconds(task: Task) -> float:
    """What the first replay costs beside the steps before it."""
    os.environ[CUDA_GRAPHS] = "1"
    times = []
    for _ in range(3):
        training = Training(task_loss(parse(NGL), 10, True), task, 0.1, 0)
        start = time.perf_counter()
        training.advance(1)
        times.append(time.perf_counter() - start)
        training.stop("timed")
    return min(times)


def validation_seconds(task: Task) -> float:
    """Seconds of one validation."""
    network = initial_network(task, 0)
    validation_accuracy(network, task)
    synchronise(task.device)
    start = time.perf_counter()
    validation_accuracy(network, task)
    return time.perf_counter() - start


START = """
import time; start = time.perf_counter()
{imports}
from evoloss.learning.device import choose_device
device = choose_device({device!r})
import torch
x = torch.zeros(8, 3, 32, 32, device=device)
torch.nn.functional.conv2d(x, torch.zeros(8, 3, 3, 3, device=device)); x.sum().item()
print(time.perf_counter() - start)
"""
FORKED = """
import os, evoloss.job_server.server as server
server.load(*server.AT_ONCE)
for _ in range(2):
    child = os.fork()
    if child == 0:
        exec({start!r})
        os._exit(0)
    os.waitpid(child, 0)
"""


def start_seconds(device: str) -> dict[str, float]:
    """From the start of a job to its first result: plainly, and forked from the job server."""
    plain = START.format(imports="import evoloss.steps.rescore", device=device)
    forked = FORKED.format(
        start=START.format(imports="", device=device) + "import sys; sys.stdout.flush()"
    )
    found = {}
    for name, code in (("plain", plain), ("forked", forked)):
        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        found[name] = float(answer.stdout.split()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=50_000)
    flags = parser.parse_args()
    if flags.device.startswith("cuda") and not torch.cuda.is_available():
        print("There is no CUDA GPU here: nothing was measured.")
        tell("gpu", {"measured": False})
        return
    device = choose_device(flags.device)
    small = device.type == "cpu"
    images = 512 if small else flags.images
    rows: list[list[Any]] = []
    figures: dict[str, Any] = {"device": device_name(device), "measured": True}
    for name, network, batch in (
        ("cifar10", "resnet9", 256),
        ("cifar10", "resnet9", 512),
        ("fashion_mnist", "convnet", 128),
    ):
        if small and network == "resnet9":
            continue
        task = a_task(name, network, batch, images, device)
        together_row(rows, figures, f"{network}_{batch}", task, small)
    show(["task", "way", "images/s", "s a training", "peak, MiB", "ratio"], rows)
    figures["start_s"] = start_seconds(flags.device)
    print(f"first result of a job after {figures['start_s']} s")
    tell("gpu", figures)


def together_row(rows: list, figures: dict[str, Any], name: str, task: Task, small: bool) -> None:
    """Measure a task in every way."""
    trained(task)  # libraries set themselves up
    ways: dict[str, Callable[[], tuple[float, float, int]]] = {
        "steps one by one": lambda: trained(task, captured=False),
        "captured": lambda: trained(task),
    }
    if name.startswith("convnet"):
        many = 4 if small else 64
        ways[f"{many} side by side"] = lambda: trained(task, many)
    base = None
    found: dict[str, Any] = {}
    for way, measure in ways.items():
        speed, seconds, peak = measure()
        base = base or speed
        rows.append([name, way, speed, seconds, peak / 2**20, speed / base])
        found[way.replace(" ", "_")] = {"images_per_s": speed, "candidates_a_minute": 60 / seconds}
        found["peak_bytes"] = max(peak, found.get("peak_bytes", 0))
    captured = found["captured"]["images_per_s"]
    found["vs_steps"] = captured / found["steps_one_by_one"]["images_per_s"]
    if name.startswith("convnet"):
        found["vs_alone"] = found[f"{many}_side_by_side"]["images_per_s"] / captured
        found["vs_steps_alone"] = found[f"{many}_side_by_side"]["images_per_s"] / base
        beside = found[f"{many}_side_by_side"]["images_per_s"]
        found["side_by_side_of_prototype_on_an_h100"] = beside / SIDE_BY_SIDE_ON_AN_H100
    found["of_prototype_on_an_h100"] = captured / ON_AN_H100[name]
    found["capture_s"] = capture_seconds(task)
    found["validation_s"] = validation_seconds(task)
    figures[name] = found


if __name__ == "__main__":
    main()
