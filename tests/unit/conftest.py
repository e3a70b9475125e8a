"""What all unit tests share: the import path, one thread, and one profile of hypothesis."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# So that the tests in the folders below can import strategies.py and toy.py, which lie beside this file.
sys.path.insert(0, str(Path(__file__).parent))

# Several test processes share the cores, and tiny tensors gain nothing from more threads.
torch.set_num_threads(1)
# No deadline, since a busy machine is slow; the same examples in every run.
settings.register_profile("evoloss", deadline=None, max_examples=200, derandomize=True)
settings.load_profile("evoloss")


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    """A folder of prepared data sets, with the digits in it; it is made once, since preparing takes seconds."""
    from evoloss.learning.preparation import prepare
    from evoloss.learning.settings import TaskSettings

    folder = tmp_path_factory.mktemp("data")
    settings = TaskSettings.model_validate({"dataset": "digits"})
    prepare(settings.dataset, folder / "digits", {"study": "test"})
    return folder
