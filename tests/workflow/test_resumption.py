"""Determinism and kills: a study has the same records whatever its cores, its folder or its accidents.

The tests start, kill and rerun real studies, which takes from seconds to minutes: such an accident cannot be faked.
"""

import functools
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from study_copy import ROOT, TINY, Copy, environment

pytestmark = pytest.mark.timeout(900)

OUTPUT = "output.txt"
"""Where a run that is started writes what it says."""


def start(copy, *arguments, cores=2, config=TINY):
    """Start Snakemake in a process group of its own.

    It writes to a file: a pipe that nobody reads is full after half a study, and the run then waits for ever.
    """
    with (copy.folder / OUTPUT).open("w") as output:
        return subprocess.Popen(
            copy.command(*arguments, cores=cores, config=config),
            cwd=copy.folder,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell's background jobs ignore Ctrl-C, and so would what they start.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )


def wait_for(condition, process, copy, seconds=600):
    """Wait until the condition holds, while the run is alive."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, (copy.folder / OUTPUT).read_text()
        assert time.monotonic() < end, "the run did not get that far"
        time.sleep(0.05)


KILLS = (
    # The first file of a job, the signal, whether the whole process group gets it.
    ("data/digits/manifest.json", signal.SIGINT, False),
    ("logs/evaluate/egp_racing/seed0/generation0/0.log", signal.SIGKILL, True),
    ("search/taylor_glo/seed0/generation1/candidates.parquet", signal.SIGKILL, False),
    ("search/glo/seed0/generation1/candidates.parquet", signal.SIGINT, True),
    ("search/egp/seed0/rescored.parquet", signal.SIGTERM, True),
    ("retrain/digits_clean/ngl/learning_rate.parquet", signal.SIGTERM, False),
)


def test_one_core_elsewhere_and_kills_on_the_way_give_the_same_records(request, tmp_path):
    """The run is on one core, in another folder, and killed in a race, in other searches and in a retraining job.

    Whatever the signal and whoever gets it: soon nothing of the run is alive, and the same command goes on. This is the
    longest test. It runs a whole study, since only that shows that no kill leaves a trace in any record.
    """
    copy = Copy(tmp_path / "elsewhere")
    results = copy.folder / "results" / "tiny"
    for stage, number, whole_group in KILLS:
        process = start(copy, cores=1)
        wait_for((results / stage).exists, process, copy)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        process.wait(timeout=60)
        end = time.monotonic() + 10
        while alive := copy.processes():
            assert time.monotonic() < end, [one.cmdline() for one in alive]
            time.sleep(0.05)
    assert not (results / "tables/accuracy.csv").exists()
    copy.run(cores=1)
    assert copy.planned() == {}
    # Ask for it late: the other worker of pytest-xdist has made it in the meantime.
    finished = request.getfixturevalue("finished")
    ours, theirs = copy.records(), finished.records()
    assert ours.keys() == theirs.keys()
    run = "search/egp_racing/seed0"
    assert {f"{run}/audit.parquet", f"{run}/generation1/evaluations/0.parquet"} < theirs.keys()
    for name, rows in theirs.items():
        assert ours[name] == rows, name
    leftovers = [path for path in results.rglob(".*") if path.name != ".lock"]
    assert not [path for path in leftovers if path.suffix in (".json", ".csv", ".png")]


def test_two_live_runs_of_one_study_refuse_each_other(tmp_path):
    copy = Copy(tmp_path / "copy")
    target = "results/tiny/tasks/digits_noisy.json"
    first = start(copy, target)
    try:
        wait_for((copy.folder / "results/tiny/.lock").exists, first, copy)
        # Held still, it is alive however long the second takes to look.
        first.send_signal(signal.SIGSTOP)
        second = copy.run("results/tiny/tasks/digits_clean.json", check=False)
        first.send_signal(signal.SIGCONT)
        assert second.returncode != 0
        assert "Another run of this study is alive" in second.stdout
        assert "Traceback" not in second.stdout
        assert first.wait(timeout=120) == 0
    finally:
        first.kill()
        first.wait()
    assert json.loads((copy.folder / target).read_text())["name"] == "digits_noisy"
    copy.run("results/tiny/tasks/digits_clean.json")


def test_plain_starts_give_the_records_that_the_job_server_gives(tmp_path, finished):
    """It runs one search anew, every job in a process of its own: that is slow, and is what is compared."""
    copy = Copy(tmp_path / "copy")
    config = copy.overlay("machine: {job_server: false, side_by_side: 1, cuda_graphs: false}")
    copy.run("results/tiny/search/egp/seed0/rescored.parquet", config=config)
    ours, theirs = copy.records(), finished.records()
    assert any("rescored" in name for name in ours)
    assert {name: theirs[name] for name in ours} == ours


def test_no_orphan_of_old_settings_writes_into_a_run_with_new_ones(tmp_path):
    """The main process alone is killed while a job trains that no server started."""
    copy = Copy(tmp_path / "copy")
    task = "tasks: {digits_clean: {epochs: %d}}\nmachine: {job_server: false}"
    target = "results/tiny/tasks/digits_clean.json"
    long = copy.overlay(task % 2000, "long")
    process = start(copy, target, config=long)
    log = copy.folder / "results/tiny/logs/tune/digits_clean.log"
    wait_for(log.exists, process, copy)
    time.sleep(3)  # until torch is imported and the job trains
    process.kill()
    process.wait(timeout=10)
    end = time.monotonic() + 5
    while alive := copy.processes():
        assert time.monotonic() < end, [one.cmdline() for one in alive]
        time.sleep(0.05)
    assert "the run of this job is gone" in log.read_text()
    short = copy.overlay(task % 2, "short")
    copy.run(target, config=short)
    assert json.loads((copy.folder / target).read_text())["settings"]["epochs"] == 2
    assert copy.planned(target, config=short) == {}
    assert set(copy.planned(target, config=long)) == {"tune"}


def test_an_edit_of_the_library_is_seen_by_the_next_run(scratch):
    target = "results/tiny/search/egp/seed0/ledger.parquet"
    scratch.edit(
        "workflow/evoloss/steps/summarise.py", "def main(", "print('edited')\n\n\ndef main("
    )
    scratch.run(target)
    log = scratch.folder / "results/tiny/logs/summarise/egp_seed0.log"
    assert log.read_text().startswith("edited")


def test_a_benchmark_measures_the_job_and_not_the_server(finished):
    for name in ("retrain/digits_clean/ngl/0", "evaluate/egp/seed0/generation1/0"):
        path = finished.folder / f"results/tiny/benchmarks/{name}.tsv"
        header, values = (line.split("\t") for line in path.read_text().splitlines())
        row = dict(zip(header, values, strict=True))
        assert 100 < float(row["max_rss"]) < 1000
        assert 0 < float(row["cpu_time"]) <= 2 * float(row["s"]) + 0.1


def test_a_server_that_dies_fails_the_job_it_does_and_no_other(tmp_path):
    copy = Copy(tmp_path / "copy")
    target = "results/tiny/search/egp/seed0/ledger.parquet"
    process = start(copy, target, cores=1)
    wait_for((copy.folder / "results/tiny/tasks/digits_noisy.json").exists, process, copy)
    (server,) = (
        child
        for child in psutil.Process(process.pid).children()
        if "evoloss.job_server.server" in child.cmdline()
    )
    server.kill()
    process.wait(timeout=120)
    copy.run(target)
    assert (copy.folder / target).exists()


def test_a_job_whose_server_died_starts_plainly_unless_its_run_died_too(tmp_path):
    client = [sys.executable, "-I", "-S", str(ROOT / "workflow/evoloss/job_server/client.py")]
    command = [*client, "-m", "this"]

    (tmp_path / "socket").touch()
    died = subprocess.Popen([sys.executable, "-c", ""])
    time.sleep(1)  # By now it is dead, and its parent, this test, has not waited for it.

    def told(run):
        """Ask a dead server, on behalf of this run, to start a job."""
        place = [str(tmp_path / "socket"), sys.executable, run]
        return subprocess.run(
            command,
            env=environment() | {"EVOLOSS_JOB_SERVER": json.dumps(place)},
            capture_output=True,
            text=True,
        )

    alive = told(os.getpid())
    assert alive.returncode == 0
    assert "Beautiful is better than ugly" in alive.stdout
    for dead in (told(died.pid), told(2**22 + 1)):
        assert dead.returncode == 1
        assert not dead.stdout
    died.wait()
    # A server that ends with its run takes its folder along.
    (tmp_path / "socket").unlink()
    assert told(os.getpid()).returncode == 1


def test_a_job_that_is_killed_is_explained_and_its_rerun_goes_on(tmp_path):
    """As by the kernel when memory is short."""
    copy = Copy(tmp_path / "copy")
    target = "results/tiny/tasks/digits_clean.json"
    process = start(copy, target, config=copy.overlay("tasks: {digits_clean: {epochs: 2000}}"))
    log = copy.folder / "results/tiny/logs/tune/digits_clean.log"
    wait_for(log.exists, process, copy)
    (server,) = (
        child
        for child in psutil.Process(process.pid).children()
        if "evoloss.job_server.server" in child.cmdline()
    )
    wait_for(server.children, process, copy)
    server.children()[0].kill()
    assert process.wait(timeout=60) != 0
    assert "memory ran out" in (copy.folder / OUTPUT).read_text()
    copy.run(target)
