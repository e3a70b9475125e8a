"""What the main process does on the machine itself: keep two live runs apart, count GPUs."""

import fcntl
import os
from pathlib import Path

from evoloss.errors import UserError


class StudyLock:
    """An operating-system lock on a study's folder; it vanishes with the process that holds it.

    Snakemake's own lock survives a SIGKILL and has to be removed by hand; this one does not.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / ".lock"
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises UserError when another live process holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 100).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise UserError(
                f"Another run of this study is alive (process {owner}, lock {self._path}); wait for "
                "it to end, or stop it, and type the same command again."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        self._handle = handle


def gpu_count(device: str) -> int:
    """GPUs that a training job asks Snakemake for: 1 when trainings will run on one, else 0."""
    if device == "cpu":
        return 0
    return int(device.startswith("cuda") or Path("/dev/nvidia0").exists())
