"""Workflow tests run Snakemake itself, on tiny configurations, in copies of the repository."""

import fcntl
import os
import shutil

import pytest
from study_copy import Copy


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Copy:
    """A copy in which the tiny study has run to its end on two cores. A test may read it and must not change it.

    It is made once, by the worker of pytest-xdist that needs it first. That is a whole study, with every rule in it: most
    tests here are quick because they only read it, or copy it.
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
    """A copy of the finished study, with file times and Snakemake's metadata, which the test may edit and run."""
    target = tmp_path / "scratch"
    shutil.copytree(finished.folder, target, copy_function=shutil.copy2)
    return Copy(target, fresh=False)
