"""The process that imports once what the steps import, and forks a child for each job.

`python -m evoloss.job_server.server FD FOLDER`: FD is a listening Unix socket. In FOLDER the server writes, for the
benchmarks, which child does which job and what the job took. The server lives as long as its standard input is open.
The main process of the run holds the other end: however that process dies, the server ends, and the jobs too.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from evoloss.provenance import provenance

AT_ONCE = (
    "torch.optim",
    "pyarrow.parquet",
    *(
        f"evoloss.steps.{step}"
        for step in (
            *("prepare_dataset", "tune", "initialise", "breed", "evaluate", "select"),
            *("summarise", "rescore", "audit", "choose_rate", "retrain"),
        )
    ),
    "evoloss.learning.networks.convnet",
    "evoloss.functional_check.funnel",
)
"""Modules that jobs need, imported before the first job is served."""
LATER = (
    *("evoloss.steps.tabulate", "evoloss.steps.plot", "evoloss.steps.export_loss"),
    *("sympy", "jinja2", "matplotlib.backends.backend_pdf", "fontTools.subset"),
)
"""Modules that jobs need, imported one after another while no client waits."""
SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)


@dataclass
class Job:
    """A job and the connection of the client that waits for it."""

    connection: socket.socket
    shell: int
    """The process for which Snakemake measures this job."""
    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    descriptors: dict[int, int]
    """Number of a file descriptor in the child -> its number here, as received."""


class JobServer:
    """Forks a child for each job, and ends it when its client or the run is gone."""

    def __init__(self, listener: socket.socket, folder: Path) -> None:
        self._listener = listener
        self._folder = folder
        self._running: dict[int, Job] = {}
        self._events = selectors.DefaultSelector()
        self._later = list(LATER)

    def serve(self) -> Job | None:
        """Serve until the run ends, then return None. In a child, return the job that the child has to do."""
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(ended, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        for source in (self._listener, ended, 0):
            self._events.register(source, selectors.EVENT_READ)
        try:
            while True:
                events = self._events.select(0 if self._later else None)
                if not events:
                    with contextlib.suppress(Exception):  # The job that needs it reports this.
                        load(self._later.pop(0))
                for key, _ in events:
                    if key.fileobj == 0:
                        if not os.read(0, 1):
                            return None
                    elif key.fileobj == ended:
                        os.read(ended, 4096)
                        self._reap()
                    elif key.fileobj is self._listener:
                        job = self._take()
                        if job:
                            os.close(ended)
                            os.close(wake)
                            return job
                    elif key.data in self._running:
                        # A client sends nothing after its request, so it is gone.
                        self._events.unregister(key.fileobj)
                        self._kill(key.data)
        finally:
            for child in self._running:
                self._kill(child)

    def _take(self) -> Job | None:
        """Accept a client and fork. Returns the job in the child, None in the server."""
        connection, _ = self._listener.accept()
        try:
            job = _read(connection)
        except (OSError, ValueError):  # The client died before its request was complete.
            connection.close()
            return None
        parent = os.getpid()
        try:
            connection.sendall(b"\x00")
            with warnings.catch_warnings():
                # The only other thread is that of pyarrow's jemalloc, which can be forked.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
        except OSError:  # The client is gone, or there is no memory for a process.
            self._answer(job, 1)
            _close(job.descriptors.values())
            return None
        if child == 0:
            self._become_child(job, parent)
            return job
        _close(job.descriptors.values())
        self._tell(job, {"child": child})
        self._running[child] = job
        self._events.register(connection, selectors.EVENT_READ, child)
        return None

    def _become_child(self, job: Job, parent: int) -> None:
        """Release what belongs to the server, and make this child die with the server."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        for other in self._running.values():
            other.connection.close()
        self._running = {}
        # Processes that the job forks must not hold the connection: when the server ends, it has to close.
        job.connection.close()
        self._events.close()
        self._listener.close()

    def _reap(self) -> None:
        """Send the exit status of each child that has ended to its client."""
        while self._running:
            child, status, used = os.wait4(-1, os.WNOHANG)
            if child == 0:
                return
            job = self._running.pop(child)
            with contextlib.suppress(KeyError):
                self._events.unregister(job.connection)
            code = os.waitstatus_to_exitcode(status)
            kibibytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
            seconds = used.ru_utime + used.ru_stime
            self._tell(job, {"peak_memory_mb": kibibytes / 1024, "cpu_seconds": seconds})
            self._answer(job, code if code >= 0 else 128 - code)

    def _tell(self, job: Job, facts: dict[str, float]) -> None:
        """Write facts about a job for its benchmark."""
        with contextlib.suppress(OSError):
            (self._folder / str(job.shell)).write_text(json.dumps(facts))

    @staticmethod
    def _answer(job: Job, code: int) -> None:
        with contextlib.suppress(OSError):
            job.connection.sendall(bytes([code]))
        job.connection.close()

    @staticmethod
    def _kill(child: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _read(connection: socket.socket) -> Job:
    """The job that a client asks for; raises OSError or ValueError if the request is incomplete."""
    connection.settimeout(10)
    head, received, *_ = socket.recv_fds(connection, 8, 8)
    try:
        length = int.from_bytes(head, "big")
        with connection.makefile("rb") as stream:
            request = json.loads(stream.read(length))
        numbers = dict(zip(request.pop("descriptors"), received, strict=True))
        return Job(connection, descriptors=numbers, **request)
    except BaseException:
        _close(received)
        raise


def _close(descriptors) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def run(job: Job) -> int:
    """Do a job in this process, as `python -m` would; returns its exit status."""
    os.environ.clear()
    os.environ.update(job.environment)
    os.chdir(job.folder)
    # A received number may equal a wanted one, so first move all received ones out of the way.
    held = {number: fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for number, fd in job.descriptors.items()}
    _close(set(job.descriptors.values()))
    for number, fd in held.items():
        os.dup2(fd, number)
        os.close(fd)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.argv = ["", *job.arguments]
    # The module is executed again, as the main module; its imports are already loaded.
    sys.modules.pop(job.module, None)
    try:
        runpy.run_module(job.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def load(*modules: str) -> None:
    """Import modules. A child's garbage collection skips their objects, which so stay in shared memory."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def main(descriptor: int, folder: str) -> None:
    """Import the modules, then serve; a child does its job and ends."""
    listener = socket.socket(fileno=descriptor)
    load(*AT_ONCE)
    provenance()  # Every record names the machine; look it up once.
    job = JobServer(listener, Path(folder)).serve()
    if job is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    status = run(job)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # A regular shutdown of an interpreter with torch takes 0.1 s.


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
