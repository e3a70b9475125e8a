"""How fast a training goes, and what an expression costs beside torch's own cross entropy."""

import time
from statistics import median

import torch
from torch import nn

from evoloss.expressions.parsing import parse
from evoloss.learning.network import build
from evoloss.learning.optimizers import Optimizer
from evoloss.learning.settings import TaskSettings
from evoloss.losses.catalogue import formula_of
from evoloss.losses.expression_loss import ExpressionLoss

STEPS, REPEATS, BATCH = 30, 5, 128


def steps_per_second(loss: nn.Module, shape: tuple[int, int, int], channels_last: bool) -> float:
    settings = TaskSettings.model_validate({"dataset": "digits"})
    torch.manual_seed(0)
    network = build("convnet", shape, 10)
    images, targets = torch.randn(BATCH, *shape), torch.arange(BATCH) % 10
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = Optimizer(network.parameters(), settings, 0.1, STEPS + 5)
    for step in range(STEPS + 5):
        if step == 5:  # warmed up
            start = time.perf_counter()
        value = loss(network(images), targets)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return STEPS / (time.perf_counter() - start)


def main() -> None:
    torch.set_num_threads(1)
    losses = {
        "torch's cross entropy": nn.CrossEntropyLoss(),
        **{
            name: ExpressionLoss(parse(formula_of(name), 10))
            for name in ("cross_entropy", "ngl", "baikal")
        },
    }
    for shape in ((1, 8, 8), (1, 28, 28)):
        cases = {(name, True): loss for name, loss in losses.items()}
        cases[("torch's cross entropy", False)] = losses["torch's cross entropy"]
        rates: dict[tuple[str, bool], list[float]] = {case: [] for case in cases}
        for _ in range(REPEATS):
            for case, loss in cases.items():
                rates[case].append(steps_per_second(loss, shape, channels_last=case[1]))
        base = median(rates[("torch's cross entropy", True)])
        for (name, channels_last), values in rates.items():
            label = name + ("" if channels_last else ", not channels-last")
            rate = median(values)
            print(
                f"{shape[1]:2} x {shape[2]:2}  {label:42}{rate * BATCH:9,.0f} images/s{rate / base:7.2f}"
            )


if __name__ == "__main__":
    main()
