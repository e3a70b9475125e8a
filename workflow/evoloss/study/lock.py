"""One live run per study: an operating-system lock on its folder, and a sign of life for other machines."""

import atexit
import errno
import fcntl
import os
import shutil
import socket
import threading
import time
from pathlib import Path

from evoloss.errors import UserError
from evoloss.run_life import LOOK_SECONDS

SIGN_SECONDS = 20.0
"""How often a run touches its lock file."""
DEAD_SECONDS = 90.0
"""A run on another machine counts as dead after this long without a sign of life."""
FULL_BYTES = 2**20
CLOCK_SECONDS = 5.0
"""How far the clocks of two machines may differ."""


class StudyLock:
    """A lock that vanishes with the process that holds it, unlike Snakemake's own, which survives a SIGKILL.

    On a file system that several machines share, locks may hold on one machine only, or not at all. So the lock
    file names its owner, and the owner touches it every SIGN_SECONDS.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / ".lock"
        self._me = f"{socket.gethostname()} {os.getpid()}"

    def acquire(self) -> None:
        """Take the lock; raises UserError if another live process holds it, or if the folder cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o664)
        except OSError as error:
            raise UserError(
                f"{self._path} cannot be written: {error.strerror}. A study needs a folder that you may write to."
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise self._taken(self._owner(handle)) from None
            # A file system without locks: only the sign of life counts.
        owner = self._owner(handle)
        if owner and self._seconds_since_sign() < DEAD_SECONDS:
            if owner.split()[0] != self._me.split()[0]:
                raise self._taken(owner)
            # A run was killed on this machine. Its jobs check twice a second whether they have to end: wait for them.
            time.sleep(3 * LOOK_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{self._me}\n".encode(), 0)
        atexit.register(os.ftruncate, handle, 0)
        threading.Thread(target=self._give_signs, args=(handle,), daemon=True).start()

    def _taken(self, owner: str) -> UserError:
        host, _, process = owner.partition(" ")
        return UserError(
            f"Another run of this study is alive (process {process or 'unknown'} on {host or 'this machine'}, lock "
            f"{self._path}); wait for it to end, or stop it, and type the same command again. A run that was killed on "
            f"another machine counts as alive for {DEAD_SECONDS:g} seconds."
        )

    @staticmethod
    def _owner(handle: int) -> str:
        """The machine and process that the file names; empty if the last run ended by itself."""
        return os.pread(handle, 200, 0).decode(errors="replace").strip()

    def _seconds_since_sign(self) -> float:
        """Seconds since the last sign of life by the file system's clock, which may differ from this machine's."""
        probe = self._path.with_name(f".lock.{os.getpid()}")
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
        return now - self._path.stat().st_mtime

    @staticmethod
    def _give_signs(handle: int) -> None:
        while True:
            time.sleep(SIGN_SECONDS)
            os.utime(handle)


def disk_is_full(folder: str) -> bool:
    """Whether the disk of a study's results is full."""
    return Path(folder).exists() and shutil.disk_usage(folder).free < FULL_BYTES


def bring_to_the_present(folder: str) -> int:
    """Give files that are dated in the future the present time; returns how many there were.

    After a clock was set back, they would be newer than everything made from them, which Snakemake refuses.
    """
    now, count = time.time(), 0
    for path in Path(folder).rglob("*"):
        if path.is_file() and path.stat().st_mtime > now + CLOCK_SECONDS:
            os.utime(path, (now, now))
            count += 1
    return count
