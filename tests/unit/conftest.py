import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

torch.set_num_threads(1)
settings.register_profile("evoloss", deadline=None, max_examples=200, derandomize=True)
settings.load_profile("evoloss")


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    """A folder of prepared data sets, with the digits in it."""
    from evoloss.learning.preparation import prepare
    from evoloss.learning.settings import TaskSettings

    folder = tmp_path_factory.mktemp("data")
    settings = TaskSettings.model_validate({"dataset": "digits"})
    prepare(settings.dataset, folder / "digits", {"study": "test"})
    return folder
