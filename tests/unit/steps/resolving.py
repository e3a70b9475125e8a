"""Tasks as rule tune resolves them."""

import argparse

from evoloss.learning.settings import TaskSettings
from evoloss.steps import tune

SHORT = {
    "batch_size": 32,
    "learning_rates": [0.2],
    "tuning_seeds": 1,
}


def resolve(name, settings, data, folder):
    """The file that rule tune writes of a task."""
    tune.main(
        argparse.Namespace(
            study="test",
            task=name,
            settings=TaskSettings.model_validate(SHORT | settings).model_dump_json(),
            labels="",
            held_out_curve=True,
            data=str(data),
            device="cpu",
            sweep=folder / f"{name}.parquet",
            output=folder / f"{name}.json",
        )
    )
    return folder / f"{name}.json"
