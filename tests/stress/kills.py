"""Kills a small study at random moments, again and again, and compares what it comes to with an undisturbed run's.

    python tests/stress/kills.py --kills 100 --seed 0

A run gets SIGKILL, SIGTERM, SIGINT or SIGHUP after a random time: its process group, its main process alone, or one
of its jobs alone. Nothing of it may then be alive for longer than ten seconds. The same command is typed again, in
every fifth case with another setting first. When a study is complete, its records must be those of an undisturbed
run, bit for bit but for times and memory, and there must be nothing to clean by hand. Ends with status 1 where
that is not so. `tests/workflow/test_resumption.py` is the short form of this.
"""

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from study_copy import Copy, environment

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TARGETS = ("group", "main", "job")
LONGEST_WAIT_SECONDS = 7.0
"""A run is left alone for at most so long; the whole study takes about 18 s on two cores."""
ENDS_WITHIN_SECONDS = 10.0
TRAINING_RULES = {"tune", "evaluate", "rescore", "audit", "choose_rate", "retrain"}
OTHER = "search: {methods: {egp: {subtree_probability: 0.9}}}"


class Study:
    """A copy of the repository, the study in it, and what its runs have said."""

    def __init__(self, folder: Path) -> None:
        self.copy = Copy(folder)
        plain = "machine: {job_server: false}"
        texts = {
            "usual": "{}",
            "other": OTHER,
            "usual plain": plain,
            "other plain": f"{OTHER}\n{plain}",
        }
        self.configs = {
            name: self.copy.overlay(text, name.replace(" ", "_")) for name, text in texts.items()
        }
        self.output = folder / "output.txt"

    def start(self, config: str, cores: int, job_server: bool) -> subprocess.Popen:
        """Start a run in a process group of its own."""
        name = self.configs[config if job_server else f"{config} plain"]
        with self.output.open("w") as output:
            return subprocess.Popen(
                self.copy.command(cores=cores, config=name),
                cwd=self.copy.folder,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_signals,
            )

    def unfinished(self) -> int:
        """Training jobs that the last run had begun and not finished: what its end cost."""
        text = self.output.read_text(errors="replace")
        begun = {
            number
            for rule, number in re.findall(
                r"^(?:local)?rule (\w+):.*?^    jobid: (\d+)", text, re.M | re.S
            )
            if rule in TRAINING_RULES
        }
        return len(begun - set(re.findall(r"Finished jobid: (\d+)", text)))

    def begins(self, since: float, process: subprocess.Popen) -> float | None:
        """Seconds until a run that has just been started begins its first job; None where it has ended before."""
        while process.poll() is None:
            if re.search(r"^(?:local)?rule \w+:", self.output.read_text(errors="replace"), re.M):
                return time.monotonic() - since
            time.sleep(0.02)
        return None


def heed_signals() -> None:
    """What a shell starts in the background, or with nohup, ignores some signals, and so would its children."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def kill(process: subprocess.Popen, target: str, number: int, rng: random.Random) -> str:
    """Send a signal; what really got it."""
    if target == "job":
        jobs = [p for p in psutil.Process(process.pid).children(recursive=True) if is_job(p)]
        if jobs:
            rng.choice(jobs).send_signal(number)
            return "job"
    if target == "group":
        os.killpg(process.pid, number)
        return "group"
    process.send_signal(number)
    return "main"


def is_job(process: psutil.Process) -> bool:
    """Whether a process does a job's work, or waits for the one that does."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "evoloss.steps." in line or ("job_server.server" in line and not process.children())


def main() -> None:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2)
    flags = parser.parse_args()
    rng = random.Random(flags.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        root = Path(name).resolve()
        wanted = {}
        for config in ("usual", "other"):
            study = Study(root / config)
            assert study.start(config, flags.cores, True).wait() == 0, study.output.read_text()
            wanted[config] = study.copy.records()
        counts: Counter = Counter()
        lost: list[int] = []
        resumed: list[float] = []
        kills = studies = 0
        while kills < flags.kills:
            study, config, studies = Study(root / f"study{studies}"), "usual", studies + 1
            complete = False
            while not complete:
                if rng.random() < 0.2:
                    config = "other" if config == "usual" else "usual"
                start, job_server = time.monotonic(), rng.random() < 0.7
                process = study.start(config, flags.cores, job_server)
                seconds = study.begins(start, process)
                if seconds is not None:
                    resumed.append(seconds)
                if kills < flags.kills:
                    try:
                        process.wait(rng.uniform(0.0, LONGEST_WAIT_SECONDS))
                    except subprocess.TimeoutExpired:
                        number = rng.choice(SIGNALS)
                        got = kill(process, rng.choice(TARGETS), number, rng)
                        counts[f"{number.name} to {got}"] += 1
                        kills += 1
                        if got == "job":  # the run itself goes on with other jobs, for a moment
                            time.sleep(rng.uniform(0.0, 2.0))
                            os.killpg(process.pid, signal.SIGKILL)
                            counts["SIGKILL to group, after a job"] += 1
                            kills += 1
                        try:
                            process.wait(timeout=120)
                        except subprocess.TimeoutExpired:
                            alive = [
                                " ".join(one.cmdline())[-150:] for one in study.copy.processes()
                            ]
                            said = study.output.read_text()[-3000:]
                            sys.exit(f"{number.name} to {got}: it has not ended: {alive}\n{said}")
                        if process.returncode == 0:
                            counts[f"{number.name} to {got}, which the run survived"] += 1
                            kills -= 1
                        else:
                            lost.append(study.unfinished())
                        end = time.monotonic() + ENDS_WITHIN_SECONDS
                        while alive := study.copy.processes():
                            assert time.monotonic() < end, [one.cmdline() for one in alive]
                            time.sleep(0.05)
                        continue
                complete = process.wait() == 0
                assert complete, study.output.read_text()
            assert study.copy.planned(config=study.configs[config]) == {}
            ours, theirs = study.copy.records(), wanted[config]
            assert theirs.keys() <= ours.keys()
            for record, rows in theirs.items():
                assert ours[record] == rows, f"{study.copy.folder}/{record}"
            left = [
                p
                for p in (study.copy.folder / "results").rglob(".*")
                if p.name not in (".lock", ".source.json")
            ]
            counts["temporary files left by SIGKILL"] += len(left)
            print(
                f"study {studies} is complete after {kills} kills: its records are the undisturbed run's",
                flush=True,
            )
        for what, count in sorted(counts.items()):
            print(f"{what}: {count}")
        print(
            f"{kills} kills in {studies} studies; training jobs lost: {sum(lost) / kills:.2f} a kill, "
            f"at most {max(lost)} where a run ended, on {flags.cores} cores; a restart begins its first job after "
            f"{statistics.fmean(resumed):.1f} s on average, {max(resumed):.1f} s at most"
        )


if __name__ == "__main__":
    main()
