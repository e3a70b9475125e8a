import argparse

import pytest

from evoloss.learning.settings import TaskSettings
from evoloss.steps import tune


@pytest.fixture(scope="session")
def resolved(data_folder, tmp_path_factory):
    """Two tasks on the digits as rule tune resolves them: `one`, and `two`, which is shorter."""
    folder = tmp_path_factory.mktemp("tasks")
    values = {
        "dataset": "digits",
        "training_images": 288,
        "batch_size": 32,
        "learning_rates": [0.2],
        "extend_learning_rates": False,
        "tuning_seeds": 1,
    }
    for name, epochs in (("one", 3), ("two", 2)):
        settings = TaskSettings.model_validate(values | {"epochs": epochs})
        tune.main(
            argparse.Namespace(
                study="test",
                task=name,
                settings=settings.model_dump_json(),
                data=str(data_folder),
                device="cpu",
                sweep=folder / f"{name}.parquet",
                output=folder / f"{name}.json",
            )
        )
    return {name: folder / f"{name}.json" for name in ("one", "two")}
