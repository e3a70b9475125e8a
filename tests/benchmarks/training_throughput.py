"""How fast a network trains on one core: beside the usual loop, the tightest loop, and no data at all.

The same network, loss and optimiser on the same images, in turn within one run. `vs_dataloader` is against
the loop of the tutorials (a data set of PIL images as torchvision's are, its transforms, a DataLoader in
the same process, SGD and memory order as they come, loss and hits counted), `vs_tight_loop` against the shortest loop over
tensors that learns the same (nothing recorded, nothing looked at), `of_ceiling` against steps on one
batch again and again, which no data handling can beat.
"""

import argparse
import time
from statistics import median

import torch
from PIL import Image
from reporting import show, tell
from torch.utils.data import DataLoader, Dataset

from evoloss.learning.network import build
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part, Task
from evoloss.learning.training import train
from evoloss.learning.vision import torchvision
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss

RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4


class Pictures(Dataset):
    """Images as a data set has them, prepared one by one."""

    def __init__(self, pixels: torch.Tensor, labels: torch.Tensor) -> None:
        self.pixels, self.labels = pixels[..., 0].numpy(), labels.tolist()
        self.transform = torchvision.transforms.Compose(
            [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize((0.5,), (0.25,))]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def a_network_and_optimizer(
    side: int, tuned: bool = True
) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = build("convnet", (1, side, side), 10)
    options = {"momentum": MOMENTUM, "nesterov": True, "weight_decay": DECAY}
    if tuned:
        network, options = network.to(memory_format=torch.channels_last), options | {"fused": True}
    return network, torch.optim.SGD(network.parameters(), lr=RATE, **options)


def tutorial(loader: DataLoader, side: int, epochs: int) -> tuple[int, float]:
    """The usual loop; images, and seconds."""
    network, optimizer = a_network_and_optimizer(side, tuned=False)
    loss = task_loss(CROSS_ENTROPY, 10, match_gradient_scale=True)
    seen, start = 0, time.perf_counter()
    for _ in range(epochs):
        total = hits = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            logits = network(images)
            value = loss(logits, labels)
            value.backward()
            optimizer.step()
            total += value.item()
            hits += (logits.argmax(1) == labels).sum().item()
            seen += len(labels)
    return seen, time.perf_counter() - start


def loop(batches, side: int) -> tuple[int, float]:
    """Train on batches; images, and seconds without the set-up."""
    network, optimizer = a_network_and_optimizer(side)
    loss = task_loss(CROSS_ENTROPY, 10, match_gradient_scale=True)
    seen, start = 0, time.perf_counter()
    for images, labels in batches:
        value = loss(network(images), labels)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        seen += len(labels)
    return seen, time.perf_counter() - start


def of_tensors(part: Part, size: int, epochs: int):
    for _ in range(epochs):
        order = torch.randperm(len(part))
        for start in range(0, len(part) - size + 1, size):
            index = order[start : start + size]
            yield part.images[index].permute(0, 3, 1, 2), part.labels[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    side, epochs = flags.side, flags.epochs
    pixels = torch.randint(0, 256, (flags.images, side, side, 1), dtype=torch.uint8)
    labels = torch.arange(flags.images) % 10
    part = Part((pixels.float() / 255 - 0.5) / 0.25, labels)
    few = Part(part.images[:64], labels[:64])
    rows, figures = [], {}
    for size in (64, 128, 256):
        settings = TaskSettings.model_validate(
            {"dataset": "fashion_mnist", "batch_size": size, "epochs": epochs, "augmentation": []}
        )
        shape = (1, side, side)
        task = Task("t", settings, part, few, 10, shape, [0.5], [0.25], torch.device("cpu"))
        loss = task_loss(CROSS_ENTROPY, 10, match_gradient_scale=True)
        loader = DataLoader(Pictures(pixels, labels), size, shuffle=True, drop_last=True)
        one = (part.images[:size].permute(0, 3, 1, 2), labels[:size])

        def ours(task=task, loss=loss) -> float:
            (result,) = train([loss], task, [RATE], 0)
            return result.training_samples / result.seconds

        cases = {
            "evoloss": ours,
            "tight loop": lambda size=size: divided(loop(of_tensors(part, size, epochs), side)),
            "one batch": lambda size=size, one=one: divided(
                loop([one] * (epochs * (flags.images // size)), side)
            ),
            "DataLoader": lambda loader=loader: divided(tutorial(loader, side, epochs)),
        }
        speeds: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(flags.repeats):  # in turn, so that a slow minute hits all alike
            for name, case in cases.items():
                speeds[name].append(case())

        def ratio(other: str, speeds=speeds) -> float:
            pairs = zip(speeds["evoloss"], speeds[other], strict=True)
            return median(ours / theirs for ours, theirs in pairs)

        ratios = [ratio("DataLoader"), ratio("tight loop"), ratio("one batch")]
        names = ("vs_dataloader", "vs_tight_loop", "of_ceiling")
        figures[str(size)] = dict(zip(names, ratios, strict=True))
        rows.append([size, *(median(values) for values in speeds.values()), *ratios])
    show(["batch", *(f"{name}, images/s" for name in cases), *names], rows)
    tell("training_throughput", figures)


def divided(pair: tuple[int, float]) -> float:
    return pair[0] / pair[1]


if __name__ == "__main__":
    main()
