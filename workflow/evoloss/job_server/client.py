"""Jobs run this instead of `python`: it passes the command to the job server and waits for the job to end.

`python -I -S client.py -m evoloss.steps.breed --flags` behaves as `python -m evoloss.steps.breed --flags`. Without
a job server, or if the server runs another Python, it becomes exactly that command. It imports only the standard
library, because its start adds to the time of every job.
"""

import json
import os
import socket
import sys

ADDRESS = "EVOLOSS_JOB_SERVER"
"""Environment variable of a run, a JSON list: its job server's socket and Python, and the run's process id."""
KILLED = 128 + 9
"""Exit status of a job that got SIGKILL."""
GONE = 1
"""Exit status of a job whose server ended before the job did."""


def main() -> int:
    """Run the command line's module in a fork of the job server; returns the exit status."""
    try:
        address, python, run = json.loads(os.environ[ADDRESS])
    except KeyError:
        return plain_start()
    # A virtual environment has several names for its Python, all in one folder.
    if os.path.dirname(python) != os.path.dirname(sys.executable) or sys.argv[1] != "-m":  # noqa: PTH120
        return plain_start()
    descriptors = [fd for fd in (1, 2, 3) if _is_open(fd)]
    request = {
        # The process that Snakemake's benchmark watches: bash, or this one if bash was replaced by it.
        "shell": os.getpid() if os.getppid() == run else os.getppid(),
        "module": sys.argv[2],
        "arguments": sys.argv[3:],
        "folder": os.getcwd(),  # noqa: PTH109 (importing pathlib takes longer than the rest)
        "environment": dict(os.environ),
        "descriptors": descriptors,
    }
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(address)
            message = json.dumps(request).encode()
            socket.send_fds(server, [len(message).to_bytes(8, "big")], descriptors)
            server.sendall(message)
            started = server.recv(1)
            if started:
                answer = server.recv(1)
                return told(answer[0]) if answer else GONE
    except OSError:
        pass
    # No server took the job. If its run has ended, so must the job.
    return plain_start() if os.path.exists(address) and is_alive(run) else GONE  # noqa: PTH110


def told(status: int) -> int:
    """The exit status of a job. If the job was killed, an explanation is printed, since the job could not."""
    if status == KILLED:
        print(
            "error: the job was killed (SIGKILL). If you did not do it, memory ran out: run fewer jobs at once (--cores), or "
            "fewer trainings in each (machine.side_by_side)",
            file=sys.stderr,
        )
    return status


def plain_start() -> int:
    """Become `python` with the same arguments."""
    os.environ.pop(ADDRESS, None)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def is_alive(process: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except ProcessLookupError:
        return False
    except OSError:  # no /proc
        return True


if __name__ == "__main__":
    sys.exit(main())
