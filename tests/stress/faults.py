"""What a machine may do to a study, one after the other: a sentence each, and a rerun finishes.

    python tests/stress/faults.py            (as root, for the mounts)

A full disk that is enlarged later, results that are read-only for a while, prepared images and records deleted between
and during runs, a clock that was set back, a job that gets SIGKILL as from a machine without memory, a second user.
Every time the study's records must in the end be those of an undisturbed run. Ends with status 1 where they are not.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from study_copy import TINY, Copy, environment

DAY = 86_400
LEDGER = "results/tiny/search/egp/seed0/ledger.parquet"


def said(copy: Copy, *sentences: str) -> None:
    """Run; it must fail and say these, without a traceback of ours."""
    answer = copy.run(check=False)
    assert answer.returncode != 0, "it did not fail"
    for sentence in sentences:
        assert sentence in answer.stdout, answer.stdout[-4000:]


def mount(*arguments: str) -> None:
    """Mount something, or change a mount."""
    subprocess.run(["mount", *arguments], check=True)


def full_disk(copy: Copy) -> None:
    """Results on a file system of three megabytes, which is enlarged after the run has failed."""
    results = copy.folder / "results"
    results.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(results))
    try:
        said(copy, "is full. Free some space and type the same command again")
        mount("-o", "remount,size=300m", str(results))
        copy.run()
        kept = copy.records()
    finally:
        subprocess.run(["umount", str(results)], check=True)
    shutil.rmtree(results)
    copy.kept = kept


def read_only(copy: Copy) -> None:
    """Results that nobody may write to, before and in the middle of a study."""
    results = copy.folder / "results"
    results.mkdir()
    mount("-t", "tmpfs", "-o", "size=300m", "tmpfs", str(results))
    try:
        for target in ([], [LEDGER]):
            if target:
                copy.run(*target)
            mount("-o", "remount,ro", str(results))
            said(copy, "cannot be written: Read-only file system")
            mount("-o", "remount,rw", str(results))
        copy.run()
        copy.kept = copy.records()
    finally:
        subprocess.run(["umount", str(results)], check=True)


def deleted(copy: Copy) -> None:
    """Prepared images and records deleted between two runs, and images while a run is alive."""
    copy.run(LEDGER)
    shutil.rmtree(copy.folder / "results/tiny/data")
    (copy.folder / "results/tiny/search/egp/seed0/generation1/population.parquet").unlink()
    process = subprocess.Popen(
        copy.command(),
        cwd=copy.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    images = copy.folder / "results/tiny/data/digits"
    while process.poll() is None and not (copy.folder / "results/tiny/retrain").exists():
        time.sleep(0.1)
    shutil.rmtree(images)
    process.wait()
    copy.run()


def clock_set_back(copy: Copy) -> None:
    """All files are of tomorrow when a run goes on, as after a clock that was wrong was put right."""
    copy.run(LEDGER)
    for path in (copy.folder / "results").rglob("*"):
        os.utime(path, (time.time() + DAY,) * 2)
    files = copy.planned_files()
    assert LEDGER not in files
    assert not any("/generation" in path and "/egp/" in path for path in files), files
    copy.run()
    assert copy.planned() == {}


def forked_jobs(main_process: int) -> list[psutil.Process]:
    """The processes that the job server of a run has forked."""
    found = []
    for process in psutil.Process(main_process).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if (
                "job_server.server" in " ".join(process.cmdline())
                and process.ppid() != main_process
            ):
                found.append(process)
    return found


def killed_job(copy: Copy) -> None:
    """A training job gets SIGKILL, as from the kernel when memory is short."""
    with (copy.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            copy.command(), cwd=copy.folder, env=environment(), stdout=output, stderr=output
        )
    while (
        not (jobs := forked_jobs(process.pid)) or not (copy.folder / "results/tiny/tasks").exists()
    ):
        time.sleep(0.05)
    jobs[0].send_signal(signal.SIGKILL)
    assert process.wait() != 0
    text = (copy.folder / "output.txt").read_text()
    assert "killed (SIGKILL). If you did not do it, memory ran out" in text, text[-4000:]
    copy.run()


def second_user(copy: Copy) -> None:
    """A run on another machine, whose lock does not reach this one, and later its remains."""
    lock = copy.folder / "results/tiny/.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("elsewhere 4711\n")
    said(copy, "Another run of this study is alive (process 4711 on elsewhere")
    os.utime(lock, (time.time() - DAY,) * 2)
    copy.run()


FAULTS: tuple[Callable[[Copy], None], ...] = (
    full_disk,
    read_only,
    deleted,
    clock_set_back,
    killed_job,
    second_user,
)


def main() -> None:
    """One fault after the other, each in a copy of its own; or those named on the command line."""
    chosen = [fault for fault in FAULTS if fault.__name__ in sys.argv[1:]] or FAULTS
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        root = Path(name).resolve()
        undisturbed = Copy(root / "undisturbed")
        undisturbed.run(config=TINY)
        wanted = undisturbed.records()
        for fault in chosen:
            start = time.monotonic()
            copy = Copy(root / fault.__name__)
            fault(copy)
            found = getattr(copy, "kept", None) or copy.records()
            assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
            for record, rows in wanted.items():
                assert found[record] == rows, record
            print(
                f"{fault.__name__}: told, and the rerun's records are right ({time.monotonic() - start:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
