"""A job whose run is gone writes nothing."""

import os
import subprocess
import sys

import pytest

from evoloss.run_life import RUN, name_run, run_is_gone

WRITE = "from evoloss.files import write_text; write_text('record.txt', 'late')"
"""What an orphaned job does last."""
DEAD_RUN = "4194303 1"
"""The largest process number that Linux gives, and the moment at which the machine started: no run has both."""


def test_a_run_is_this_process_until_it_ends(monkeypatch):
    monkeypatch.delenv(RUN, raising=False)
    assert not run_is_gone()  # typed into a shell
    name_run()
    assert not run_is_gone()
    process, _, beginning = os.environ[RUN].partition(" ")
    if beginning:  # another process that got its number later is another run
        monkeypatch.setenv(RUN, f"{process} {int(beginning) - 1}")
        assert run_is_gone()
    monkeypatch.setenv(RUN, DEAD_RUN)
    assert run_is_gone()


@pytest.mark.parametrize("alive", [True, False])
def test_a_job_writes_its_record_only_while_its_run_is_alive(tmp_path, monkeypatch, alive):
    name_run()
    run = os.environ[RUN] if alive else DEAD_RUN
    monkeypatch.delenv(RUN)
    answer = subprocess.run(
        [sys.executable, "-c", WRITE],
        cwd=tmp_path,
        env=os.environ | {RUN: run},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == (0 if alive else 1)
    assert ("the run of this job is gone" in answer.stdout) is not alive
    assert (tmp_path / "record.txt").exists() is alive
