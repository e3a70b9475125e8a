"""What tests of trainings share: a small task on the digits."""

import pytest
import torch

from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import load_task


@pytest.fixture(scope="session")
def make_task(data_folder):
    """A function that loads a small task on the digits, with the settings that a test changes.

    Its training has 8 steps: two epochs of 256 images in batches of 64.
    """

    def make(resplit_seed=None, **changes):
        """The task, on the split of `resplit_seed` or the usual one."""
        values = {"dataset": "digits", "training_images": 256, "epochs": 2, "batch_size": 64}
        settings = TaskSettings.model_validate(values | changes)
        return load_task("small", settings, data_folder, torch.device("cpu"), resplit_seed)

    return make
