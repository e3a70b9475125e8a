"""Workflow tests run Snakemake itself, on tiny configurations, in copies of the repository."""

import fcntl
import os
import shutil

import pytest
from study_copy import Copy


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Copy:
    """A copy in which the tiny study has run to its end on two cores. Do not edit it.

    Made once, by whichever worker of pytest-xdist needs it first.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder = root / "finished"
    with (root / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            Copy(folder).run(cores=2)
            (folder / ".complete").touch()
    return Copy(folder, fresh=False)


@pytest.fixture
def scratch(finished, tmp_path) -> Copy:
    """A finished copy of one's own, times and metadata included, to edit and plan in."""
    target = tmp_path / "scratch"
    shutil.copytree(finished.folder, target, copy_function=shutil.copy2)
    return Copy(target, fresh=False)
