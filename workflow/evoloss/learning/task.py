"""A task ready for training: images as normalised tensors on the device."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from evoloss.errors import UserError
from evoloss.learning.datasets import Images, TrainingPart, load_training_part, split
from evoloss.learning.label_noise import LabelNoise
from evoloss.learning.precision import computes_in
from evoloss.learning.schedule import wanted_images
from evoloss.learning.settings import TaskSettings
from evoloss.seeds import derive_seed

CHUNK = 4096
"""Images normalised at a time."""
MOST_LOOKED_AT = 512
"""Most validation images that a race or hurdle evaluates: many thousands would cost as much as the training."""


@dataclass(frozen=True)
class Part:
    """Images as float tensors (n, height, width, channels), and class indices (n,).

    Training images may have a margin (rows above and below, columns left and right) of zeros, which are the mean of the
    training images. `crop` shifts the margin into view.
    """

    images: torch.Tensor
    labels: torch.Tensor
    margin: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Task:
    """What a training needs: settings, and training and validation images on the device.

    `changed_labels`: the number of training labels that the label noise changed.
    """

    name: str
    settings: TaskSettings
    train: Part
    validation: Part
    classes: int
    changed_labels: int
    shape: tuple[int, int, int]
    mean: list[float]
    std: list[float]
    device: torch.device

    @cached_property
    def looked_at(self) -> Part:
        """The validation images evaluated during a training: at most MOST_LOOKED_AT, evenly spaced."""
        validation, count = self.validation, min(MOST_LOOKED_AT, len(self.validation))
        chosen = torch.arange(count, device=self.device) * len(validation) // count
        return Part(validation.images[chosen], validation.labels[chosen])

    def part(self, images: Images) -> Part:
        """Images on the task's device, normalised by the mean and standard deviation of its training images."""
        return to_part(images, self.mean, self.std, self.device)


def to_part(
    images: Images,
    mean: list[float],
    std: list[float],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    margin: tuple[int, int] = (0, 0),
    noise: tuple[float, int] = (0.0, 0),
) -> Part:
    """Normalise uint8 pixels to floats on the device; `noise` is the standard deviation and seed of Gaussian noise."""
    n, channels, height, width = images.pixels.shape
    above, left = margin
    shape = (n, height + 2 * above, width + 2 * left, channels)
    padded = torch.zeros(shape, dtype=dtype, device=device)
    inner = padded[:, above : above + height, left : left + width]
    centre = torch.tensor(mean, device=device)
    scale = torch.tensor(std, device=device)
    deviation, seed = noise
    source = torch.Generator().manual_seed(seed)  # on the CPU: the same noise on any device
    for first in range(0, n, CHUNK):  # in chunks: never two copies of all images
        some = torch.from_numpy(images.pixels[first : first + CHUNK].copy()).to(device)
        some = some.permute(0, 2, 3, 1).float().div_(255).sub_(centre).div_(scale)
        if deviation:
            some += deviation * torch.randn(some.shape, generator=source).to(device)
        inner[first : first + CHUNK] = some
    return Part(padded, torch.from_numpy(images.labels).to(device), margin)


def load_task(
    name: str,
    settings: TaskSettings,
    data_folder: Path,
    device: torch.device,
    resplit_seed: int | None = None,
    draw_seed: int | None = None,
) -> Task:
    """Load a task's training and validation images from `data_folder/<dataset>`.

    `resplit_seed` draws a new training / validation split; None takes the stored split. `draw_seed` draws the sample
    of training images and the noise; None takes `resplit_seed` (0 if that is None too). Raises UserError when
    the images are too few for the task's sample or batch, or the label noise does not fit the classes.
    """
    draw = (resplit_seed or 0) if draw_seed is None else draw_seed
    part: TrainingPart = load_training_part(data_folder / settings.dataset.name, resplit_seed)
    train = _sample(name, part.train, settings, draw)
    if problem := settings.label_noise.problem(part.classes):
        raise UserError(f"tasks.{name}.label_noise: {problem}")
    train, changed = _labelled(train, settings.label_noise, part.classes, name, draw)
    validation = part.validation
    if settings.validation == "noisy":
        noise = (settings.label_noise, part.classes, name, draw, "validation")
        validation, _ = _labelled(validation, *noise)
    return Task(
        name=name,
        settings=settings,
        train=to_part(
            *(train, part.mean, part.std, device),
            # Mixed precision rounds the pixels anyway; crop and flip only move them.
            dtype=computes_in(settings, device),
            margin=margin_of(part.shape) if "crop" in settings.augmentation else (0, 0),
            noise=(settings.input_noise, derive_seed("input noise", name, draw)),
        ),
        validation=to_part(validation, part.mean, part.std, device),
        classes=part.classes,
        changed_labels=changed,
        shape=part.shape,
        mean=part.mean,
        std=part.std,
        device=device,
    )


def margin_of(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Largest shift (rows, columns) by `crop` of images (channels, height, width): side // 8, at least 1."""
    return max(1, shape[1] // 8), max(1, shape[2] // 8)


def _labelled(
    images: Images, noise: LabelNoise, classes: int, name: str, draw: int, *part: str
) -> tuple[Images, int]:
    """The images with noisy labels, and the number of labels changed."""
    if not noise.active:
        return images, 0
    seed = derive_seed("label noise", name, draw, *part)
    try:
        labels = noise.applied(images.labels, images.places, classes, seed)
    except UserError as error:
        raise UserError(f"tasks.{name}.{error}") from None
    changed = int((labels != images.labels).sum())
    return Images(images.pixels, labels, images.places), changed


def _sample(name: str, images: Images, settings: TaskSettings, seed: int) -> Images:
    """The training images that a task asks for; raises UserError when there are too few."""
    wanted = wanted_images(settings.training_images, len(images))
    if wanted > len(images):
        raise UserError(
            f"tasks.{name}.training_images: {wanted} is more than the {len(images)} there are"
        )
    if wanted != len(images):
        images = _drawn(name, images, wanted, seed)
    if settings.batch_size > len(images):
        raise UserError(
            f"tasks.{name}.batch_size: {settings.batch_size} is more than the {len(images)} training images"
        )
    return images


def _drawn(name: str, images: Images, wanted: int, seed: int) -> Images:
    try:
        share, own_seed = wanted / len(images), derive_seed("sample", name, seed)
        _, sample = split(images, share, own_seed, rest_is_used=False)
    except UserError:
        raise UserError(
            f"tasks.{name}.training_images: {wanted} of {len(images)} leave a class without images; "
            "write null for all, or a larger number"
        ) from None
    return sample
