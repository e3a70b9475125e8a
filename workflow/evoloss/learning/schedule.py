"""The length of a training, and the points where it can be looked at; no data set needs to be read for this."""

import math

from evoloss.learning.settings import TaskSettings

SEGMENTS = 18
"""Equal segments of a training; it can be looked at after each of them, for example at thirds or ninths."""


def wanted_images(setting: int | float | None, there: int) -> int:
    """How many of `there` training images a task's `training_images` asks for (may be more than there are)."""
    if setting is None:
        return there
    return setting if isinstance(setting, int) else round(setting * there)


def total_steps(task: TaskSettings, images: int) -> int:
    """Steps of a whole training on `images` images; an epoch's incomplete last batch is left out."""
    return images // task.batch_size * task.epochs


def samples(task: TaskSettings, there: int) -> int:
    """Training samples that a whole training processes if the data set has `there` training images."""
    return total_steps(task, wanted_images(task.training_images, there)) * task.batch_size


def segment_ends(total_steps: int) -> list[int]:
    """Steps done at the end of each segment; with fewer steps than segments, several segments end together."""
    return [math.ceil(total_steps * k / SEGMENTS) for k in range(1, SEGMENTS + 1)]
