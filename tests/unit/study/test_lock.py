"""A study has one live run, also where locks do not reach from one machine to another."""

import errno
import fcntl
import os
import time
from types import SimpleNamespace

import pytest

from evoloss.errors import UserError
from evoloss.study import lock as study_lock
from evoloss.study.lock import StudyLock, bring_to_the_present, disk_is_full


def test_a_lock_is_taken_and_names_its_process(tmp_path):
    StudyLock(str(tmp_path / "study")).acquire()
    assert str(os.getpid()) in (tmp_path / "study" / ".lock").read_text()
    with pytest.raises(
        UserError, match=f"Another run of this study is alive .process {os.getpid()}"
    ):
        StudyLock(str(tmp_path / "study")).acquire()
    assert [path.name for path in (tmp_path / "study").iterdir()] == [".lock"]


@pytest.mark.parametrize(("seconds", "alive"), [(10, True), (1000, False)])
def test_a_run_on_another_machine_is_alive_as_long_as_it_gives_signs(tmp_path, seconds, alive):
    """As on a network's file system that keeps locks on each machine."""
    lock = tmp_path / ".lock"
    lock.write_text("elsewhere 77\n")
    os.utime(lock, (time.time() - seconds,) * 2)
    if alive:
        with pytest.raises(UserError, match="process 77 on elsewhere"):
            StudyLock(str(tmp_path)).acquire()
    else:
        StudyLock(str(tmp_path)).acquire()


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def flock(handle, operation):
        """Refuse every lock, as some network file systems do."""
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    StudyLock(str(tmp_path)).acquire()
    assert str(os.getpid()) in (tmp_path / ".lock").read_text()


def test_a_live_run_gives_signs(tmp_path, monkeypatch):
    monkeypatch.setattr(study_lock, "SIGN_SECONDS", 0.05)
    StudyLock(str(tmp_path)).acquire()
    os.utime(tmp_path / ".lock", (1, 1))
    end = time.monotonic() + 10
    while (tmp_path / ".lock").stat().st_mtime < 2:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path):
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(UserError, match=r"cannot be written: .* A study needs a folder"):
        StudyLock(str(tmp_path / "results" / "study")).acquire()


def test_a_full_disk_is_recognised(tmp_path, monkeypatch):
    assert not disk_is_full(str(tmp_path))
    assert not disk_is_full(str(tmp_path / "nothing"))
    monkeypatch.setattr(study_lock.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    assert disk_is_full(str(tmp_path))


def test_files_of_the_future_are_brought_to_the_present(tmp_path):
    past, future = tmp_path / "deep" / "past", tmp_path / "deep" / "future"
    past.parent.mkdir()
    for path, seconds in ((past, -100), (future, 100_000)):
        path.touch()
        os.utime(path, (time.time() + seconds,) * 2)
    before = past.stat().st_mtime
    assert bring_to_the_present(str(tmp_path)) == 1
    assert past.stat().st_mtime == before
    assert abs(future.stat().st_mtime - time.time()) < 5
    assert bring_to_the_present(str(tmp_path / "nothing")) == 0
