"""Tasks as rule tune resolves them, and the flags of steps that train on them."""

import argparse

from evoloss.learning.settings import TaskSettings
from evoloss.steps import tune

SHORT = {"batch_size": 32, "learning_rates": [0.2], "tuning_seeds": 1}
"""Settings that make a task quick to resolve."""


def training_flags(**others):
    """The flags that all steps share which train for a search, and the step's others."""
    shared = {
        "study": "test",
        "run_seed": 0,
        "rates": "[1.0]",
        "as_written": False,
        "side_by_side": None,
        "device": "cpu",
    }
    return argparse.Namespace(**shared | others)


def resolve(name, settings, data, folder):
    """Run rule tune on a task's settings, and return the path of the file that it writes."""
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
