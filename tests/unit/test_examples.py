"""The examples that need nothing but the package; the others are run by hand (examples/README.md)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("command", "least"),
    # The least accuracy in percent: a little below what examples/README.md says.
    [
        (["plain.py"], 95),
        (["multi_label.py"], 95),
        (["-m", "torch.distributed.run", "--nproc-per-node", "2", "distributed.py"], 95),
    ],
)
def test_an_example_trains(command, least):
    """Slow (12 s or more), since a user's first program must run as a whole: it starts Python and trains to the end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT / "examples",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"training accuracy ([\d.]+)%", done.stdout)
    assert accuracy, done.stdout
    assert float(accuracy[1]) >= least
