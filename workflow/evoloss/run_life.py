"""Whether the run that a job belongs to is still alive. A job whose run is gone ends and writes nothing.

A restarted run may have other settings, and would take what an orphaned job writes late for its own records.
"""

import os
import sys
import threading
import time
from pathlib import Path

RUN = "EVOLOSS_RUN"
"""Environment variable of a run's jobs: the id of the run's main process, and when that began."""
LOOK_SECONDS = 0.5


def name_run() -> None:
    """Set RUN, which tells the jobs of this process that they belong to it."""
    os.environ[RUN] = f"{os.getpid()} {_beginning(os.getpid())}"


def run_is_gone() -> bool:
    """Whether this process is a job whose run has ended; False for a command that was typed by hand."""
    run = os.environ.get(RUN)
    if not run:
        return False
    process, _, beginning = run.partition(" ")
    return _beginning(int(process)) != beginning or not _exists(int(process))


def end_without_run() -> None:
    """End this process at once if its run is gone."""
    if run_is_gone():
        print("error: the run of this job is gone, so it ends without a result", flush=True)
        sys.stderr.flush()
        os._exit(1)


def watch_run() -> None:
    """Start a thread that ends this process when the run of this job is gone."""

    def look() -> None:
        while True:
            end_without_run()
            time.sleep(LOOK_SECONDS)

    if RUN in os.environ:
        threading.Thread(target=look, daemon=True).start()


def _beginning(process: int) -> str:
    """When a process began, in Linux's units (process ids are reused); empty for a dead process, and without /proc."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state == "Z" else fields[18]


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # the process is another user's
        return True
    return True
