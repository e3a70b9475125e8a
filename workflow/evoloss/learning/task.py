"""A task made ready: images as normalised tensors on the device."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from evoloss.errors import UserError
from evoloss.learning.datasets import Images, TrainingPart, load_training_part, split
from evoloss.learning.schedule import wanted_images
from evoloss.learning.settings import TaskSettings
from evoloss.seeds import derive_seed

EVALUATION_BATCH = 2048


@dataclass(frozen=True)
class Part:
    """Images as float tensors (n, height, width, channels), and class indices (n,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (n, channels, height, width), in channels-last memory order, and labels."""
        return self.images[index].permute(0, 3, 1, 2), self.labels[index]


@dataclass(frozen=True)
class Task:
    """What a training needs: settings, training and validation images on the device."""

    name: str
    settings: TaskSettings
    train: Part
    validation: Part
    classes: int
    shape: tuple[int, int, int]
    mean: list[float]
    std: list[float]
    device: torch.device

    def part(self, images: Images) -> Part:
        """Images normalised by this task's training moments, on its device."""
        return to_part(images, self.mean, self.std, self.device)


def to_part(images: Images, mean: list[float], std: list[float], device: torch.device) -> Part:
    """uint8 pixels to normalised floats on the device."""
    pixels = torch.from_numpy(images.pixels.transpose(0, 2, 3, 1).copy()).to(device)
    centre = torch.tensor(mean, device=device)
    scale = torch.tensor(std, device=device)
    return Part(
        pixels.float().div_(255).sub_(centre).div_(scale),
        torch.from_numpy(images.labels).to(device),
    )


def load_task(
    name: str,
    settings: TaskSettings,
    data_folder: Path,
    device: torch.device,
    resplit_seed: int | None = None,
) -> Task:
    """Load a task's training and validation images from `data_folder/<dataset>`.

    `resplit_seed` draws a fresh training / validation split (`rescore`). Raises UserError when the
    task asks for more images than there are.
    """
    part: TrainingPart = load_training_part(data_folder / settings.dataset.name, resplit_seed)
    train = part.train
    wanted = wanted_images(settings.training_images, len(train))
    if wanted != len(train):
        train = _sample(name, train, wanted, resplit_seed or 0)
    if settings.batch_size > len(train):
        raise UserError(
            f"tasks.{name}.batch_size: {settings.batch_size} is more than the {len(train)} training images"
        )
    if settings.label_noise:
        seed = derive_seed("label noise", name, resplit_seed or 0)
        train = with_label_noise(train, settings.label_noise, part.classes, seed)
    return Task(
        name=name,
        settings=settings,
        train=to_part(train, part.mean, part.std, device),
        validation=to_part(part.validation, part.mean, part.std, device),
        classes=part.classes,
        shape=part.shape,
        mean=part.mean,
        std=part.std,
        device=device,
    )


def with_label_noise(images: Images, share: float, classes: int, seed: int) -> Images:
    """The images with `share` of the labels replaced by another class, each equally likely
    (symmetric noise). The noise belongs to the task and the split: every training meets the same."""
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(images), size=round(share * len(images)), replace=False)
    labels = images.labels.copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, size=len(wrong))) % classes
    return Images(images.pixels, labels)


def _sample(name: str, images: Images, wanted: int, seed: int) -> Images:
    if wanted > len(images):
        raise UserError(
            f"tasks.{name}.training_images: {wanted} is more than the {len(images)} there are"
        )
    try:
        share, own_seed = wanted / len(images), derive_seed("sample", name, seed)
        _, sample = split(images, share, own_seed, rest_is_used=False)
    except UserError:
        raise UserError(
            f"tasks.{name}.training_images: {wanted} of {len(images)} leave a class without images; "
            "write null for all, or a larger number"
        ) from None
    return sample
