"""How the main process of a run starts and ends the run's job server."""

import atexit
import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import snakemake.benchmark
from snakemake.shell import shell

from evoloss.job_server.client import ADDRESS

CLIENT = Path(__file__).with_name("client.py")


def start_job_server() -> None:
    """Start a job server, and make `python` in the rules' commands its client.

    The server ends with this process, even if that is killed. If standard output or error is missing, which jobs
    would inherit, no server is started, and each job starts Python.
    """
    if sys.stdout is None or sys.stderr is None:
        return
    # Not in TMPDIR: a socket's address has to be short.
    folder = Path(tempfile.mkdtemp(prefix="evoloss-", dir="/tmp"))
    address = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(128)  # Jobs may ask while the server still imports.
        own = [str(listener.fileno()), str(folder)]
        server = subprocess.Popen(
            [sys.executable, "-m", "evoloss.job_server.server", *own],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
    os.environ[ADDRESS] = json.dumps([address, sys.executable, os.getpid()])
    # After Snakemake's own prefix; doubled braces, since Snakemake formats it.
    client = f"command python -I -S {shlex.quote(str(CLIENT))}"
    shell.prefix(f'set -euo pipefail; python() {{{{ {client} "$@"; }}}}; ')
    _count_served_jobs(folder)
    atexit.register(_stop, server, folder)


def _stop(server: subprocess.Popen, folder: Path) -> None:
    """End the server, and the jobs that it still runs."""
    server.stdin.close()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _count_served_jobs(folder: Path) -> None:
    """Let Snakemake's benchmarks measure the process that does a job, which is a child of the server."""

    def told(shell: int) -> dict[str, float]:
        try:
            return json.loads((folder / str(shell)).read_text())
        except (OSError, ValueError):  # Not there yet, or half written.
            return {}

    class Shell(psutil.Process):
        """The shell of a job; the server's child that does the work counts as its descendant."""

        def children(self, recursive: bool = False) -> list[psutil.Process]:
            own = super().children(recursive)
            with contextlib.suppress(psutil.Error, KeyError):
                child = psutil.Process(told(self.pid)["child"])
                return [*own, child, *child.children(recursive=True)]
            return own

    class Timer(snakemake.benchmark.BenchmarkTimer):
        def __init__(self, pid: int, *arguments, **named) -> None:
            super().__init__(pid, *arguments, **named)
            self.main = Shell(pid)

        def cancel(self) -> None:
            """Add the server's measurements, which are complete even for a short job."""
            super().cancel()
            facts, record = told(self.pid), self.bench_record
            if "cpu_seconds" in facts:
                record.max_rss = max(record.max_rss or 0, facts["peak_memory_mb"])
                record.cpu_time = max(record.cpu_time or 0, facts["cpu_seconds"])
                record.data_collected = True
            (folder / str(self.pid)).unlink(missing_ok=True)

    snakemake.benchmark.BenchmarkTimer = Timer
