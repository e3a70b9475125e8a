"""A time limit for Python code, by a signal: only for the main thread of a process."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TRAINING_SECONDS = "EVOLOSS_TRAINING_SECONDS"
"""Environment variable of a job: seconds that a training may take; 0 or unset: no limit."""
AGAIN_SECONDS = 0.5
"""The signal repeats after this time, because the stopped code may catch the first exception."""


class TimeIsUp(BaseException):
    """A training has taken too long. Not an Exception, which a loss or a network might catch."""


def training_seconds() -> float:
    """Seconds that one training may take; 0: no limit."""
    return float(os.environ.get(TRAINING_SECONDS) or 0)


def too_long() -> str:
    """The reason for the failure of a training that took longer."""
    return f"took longer than machine.training_seconds, {training_seconds():g}"


@contextmanager
def time_limit(seconds: float, error: type[BaseException] = TimeoutError) -> Iterator[None]:
    """Raise `error` in the code inside after `seconds`; there is no limit if `seconds` is not positive.

    Code that does not return to Python, such as a hanging C function, is not stopped.
    """
    if seconds <= 0:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise ValueError("a time limit needs the main thread")

    def stop(*_: object) -> None:
        raise error

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def last_resort(seconds: float, sentence: str) -> Iterator[None]:
    """Print `sentence` and end the process if the code inside runs longer; no limit if `seconds` is not positive."""

    def end() -> None:
        print(f"error: {sentence}", flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    if seconds > 0:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
