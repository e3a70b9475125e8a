"""How long a training is, and where it can be looked at: what is known before anything is read."""

import math

from evoloss.learning.settings import TaskSettings

SEGMENTS = 18
"""A training can be looked at after each of so many equal parts of its steps: ninths and thirds among them."""


def wanted_images(setting: int | float | None, there: int) -> int:
    """How many training images a task's `training_images` asks for, of those that are there."""
    if setting is None:
        return there
    return setting if isinstance(setting, int) else round(setting * there)


def total_steps(task: TaskSettings, images: int) -> int:
    """Steps of a whole training on so many images; an epoch's incomplete last batch is left out."""
    return images // task.batch_size * task.epochs


def samples(task: TaskSettings, there: int) -> int:
    """Training samples that a training processes, of so many training images that are there."""
    return total_steps(task, wanted_images(task.training_images, there)) * task.batch_size


def segment_ends(total_steps: int) -> list[int]:
    """How many steps are done at the end of each segment; of few steps several segments share one."""
    return [math.ceil(total_steps * k / SEGMENTS) for k in range(1, SEGMENTS + 1)]
