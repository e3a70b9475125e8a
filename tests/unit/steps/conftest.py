"""Tasks that several tests of steps train on."""

import numpy as np
import pytest
from resolving import resolve

from evoloss.learning.datasets import Images
from evoloss.learning.preparation import store
from evoloss.learning.reading import Delivery
from evoloss.learning.settings import TaskSettings


@pytest.fixture(scope="session")
def resolved(data_folder, tmp_path_factory):
    """Two tasks on the digits as rule tune resolves them: `one`, and `two`, which is shorter.

    Making them takes seven seconds, mostly for loading the part of torch that counts multiply-adds.
    """
    folder = tmp_path_factory.mktemp("tasks")
    values = {"dataset": "digits", "training_images": 288}
    return {
        name: resolve(name, values | {"epochs": epochs}, data_folder, folder)
        for name, epochs in (("one", 3), ("two", 2))
    }


@pytest.fixture(scope="session")
def lopsided(tmp_path_factory):
    """A task of two classes, one of them a tenth of the images, scored by balanced accuracy.

    Its folder also holds the data.
    """
    folder = tmp_path_factory.mktemp("lopsided")
    draws = np.random.default_rng(0)
    labels = np.arange(1600) % 10 // 9
    pixels = draws.integers(0, 200, (1600, 1, 8, 8)) + 50 * labels[:, None, None, None]
    images = Images(pixels.astype(np.uint8), labels)
    values = {"dataset": {"source": "digits", "name": "lopsided"}, "balanced": True, "epochs": 3}
    values |= {
        "learning_rates": [0.003125]
    }  # the best rate, so that the sweep takes three trainings
    dataset = TaskSettings.model_validate(values).dataset
    store(Delivery(images, images, ["common", "rare"]), dataset, folder / "lopsided", {}, {})
    return resolve("lopsided", values, folder, folder)
