"""The smoke study through a real Slurm of two nodes, one of which is lost midway, against a local run.

    make test-cluster            (as root; apt-get install slurm-wlm munge)

The records of both runs must be equal but for times and memory. Ends with status 1 where they are not.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow"))
from study_copy import ROOT, Copy, environment  # noqa: E402

SLURM = str(HERE / "slurm.sh")
LOST = "two"
LOSE_AFTER = 10
"""Batches of evaluation after which the node is lost, with what runs on it."""
POLLING = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1")
# One GPU a node, which is none: two trainings at a time, as where each needs one.
GPUS = ("--set-resources", *(f"{rule}:gpu=1" for rule in ("evaluate", "retrain", "rescore")))


def on_slurm(copy: Copy, config: str) -> subprocess.Popen:
    """Start the study with `profiles/slurm`."""
    plugin = os.environ["EVOLOSS_SLURM_PLUGIN"]
    command = [
        *(sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", "--jobs", "8"),
        *(*POLLING, "--seconds-between-status-checks", "1", *GPUS, "--configfile", config),
    ]
    with (copy.folder / "output.txt").open("w") as output:
        return subprocess.Popen(
            command,
            cwd=copy.folder,
            env=environment() | {"PYTHONPATH": plugin},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def lose_a_node(copy: Copy, run: subprocess.Popen) -> dict[str, Counter]:
    """Kill a node once some batches are evaluated; what ran where, and with which GPUs, by what was seen."""
    seen: dict[str, Counter] = {"node": Counter(), "gpus": Counter()}
    known, lost = set(), False
    while run.poll() is None:
        queue = subprocess.run(
            [
                "squeue",
                "--noheader",
                "--states=running",
                "--Format=JobID:20,NodeList:20,tres-per-job:40",
            ],
            capture_output=True,
            text=True,
        )
        for job, node, gpus in (line.split() for line in queue.stdout.splitlines()):
            if job not in known:
                known.add(job)
                seen["node"][node] += 1
                seen["gpus"][gpus] += 1
        done = len(list(copy.folder.glob("results/*/search/**/evaluations/*.parquet")))
        busy = any(line.split()[1] == LOST for line in queue.stdout.splitlines())
        if not lost and done >= LOSE_AFTER and busy:
            subprocess.run([SLURM, "kill", LOST], check=True)
            print(f"node {LOST} is lost after {done} batches, with jobs on it", flush=True)
            lost = True
        time.sleep(0.3)
    assert lost, "the node was never busy"
    return seen


def main() -> None:
    """Run locally and on the cluster, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config/smoke.yaml")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        root = Path(name).resolve()
        (root / "local").mkdir()
        local, slurm = Copy(root / "local"), Copy(root / "slurm")
        study = re.search(r"^study: (\w+)", (ROOT / flags.config).read_text(), re.M)[1]
        start = time.monotonic()
        local.run(config=flags.config)
        here = time.monotonic() - start
        subprocess.run([SLURM, "start"], check=True)
        try:
            start = time.monotonic()
            run = on_slurm(slurm, flags.config)
            seen = lose_a_node(slurm, run)
            there = time.monotonic() - start
        finally:
            subprocess.run([SLURM, "stop"], check=True)
        output = (slurm.folder / "output.txt").read_text()
        assert run.returncode == 0, output[-6000:]
        ours, theirs = slurm.records(study), local.records(study)
        assert ours.keys() == theirs.keys()
        for record, rows in theirs.items():
            assert ours[record] == rows, record
        assert slurm.planned(config=flags.config) == {}
        tried_again = len(re.findall(r"Trying to restart job", output))
        print(
            f"{len(theirs)} records are equal. {sum(seen['node'].values())} jobs seen on {dict(seen['node'])}, with GPUs "
            f"{dict(seen['gpus'])}; {tried_again} tried again after the node was lost. {here:.0f} s here, {there:.0f} s there"
        )


if __name__ == "__main__":
    main()
