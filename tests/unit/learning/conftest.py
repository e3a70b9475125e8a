import pytest
import torch

from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import load_task


@pytest.fixture(scope="session")
def make_task(data_folder):
    def make(resplit_seed=None, **changes):
        values = {"dataset": "digits", "training_images": 256, "epochs": 2, "batch_size": 64}
        settings = TaskSettings.model_validate(values | changes)
        return load_task("small", settings, data_folder, torch.device("cpu"), resplit_seed)

    return make
