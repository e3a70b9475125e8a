"""Determinism and kills: the same records whatever the cores, the directory or the accidents."""

import json
import os
import signal
import subprocess
import time

import pytest
from study_copy import Copy, environment

pytestmark = pytest.mark.timeout(900)


OUTPUT = "output.txt"


def start(copy, *arguments, cores=2):
    """Start Snakemake in a process group of its own.

    It writes to a file: a pipe that nobody reads is full after half a study, and the run then waits for ever.
    """
    with (copy.folder / OUTPUT).open("w") as output:
        return subprocess.Popen(
            copy.command(*arguments, cores=cores),
            cwd=copy.folder,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for(condition, process, copy, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, (copy.folder / OUTPUT).read_text()
        assert time.monotonic() < end, "the run did not get that far"
        time.sleep(0.05)


def test_one_core_elsewhere_and_kills_on_the_way_give_the_same_records(request, tmp_path):
    """On one core, in another directory, killed in a race, in another search and in a retraining job."""
    copy = Copy(tmp_path / "elsewhere")
    results = copy.folder / "results" / "tiny"
    stages = [
        results / "logs/evaluate/egp_racing/seed0/generation0/0.log",
        results / "search/taylor_glo/seed0/generation1/candidates.parquet",
        results / "retrain/digits_full/ngl/learning_rate.parquet",
    ]
    for stage in stages:
        process = start(copy, cores=1)
        wait_for(stage.exists, process, copy)
        time.sleep(1.0)  # into the job
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (results / "tables/accuracy.csv").exists()
    copy.run(cores=1)
    assert copy.planned() == {}
    # Asked for late: the other worker has made it in the meantime.
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
    target = "results/tiny/tasks/digits_short.json"
    first = start(copy, target)
    try:
        wait_for((copy.folder / "results/tiny/.lock").exists, first, copy)
        second = copy.run("results/tiny/tasks/digits_full.json", check=False)
        assert second.returncode != 0
        assert "Another run of this study is alive" in second.stdout
        assert "Traceback" not in second.stdout
        assert first.wait(timeout=120) == 0
    finally:
        first.kill()
        first.wait()
    assert json.loads((copy.folder / target).read_text())["name"] == "digits_short"
    copy.run("results/tiny/tasks/digits_full.json")
