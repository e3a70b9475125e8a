"""A copy of the repository to run Snakemake in, and what a test asks of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import yaml
from snakemake.utils import update_config

ROOT = Path(__file__).resolve().parents[2]
TINY = "tests/workflow/tiny.yaml"
COPIED = ("Snakefile", "workflow", "config", "profiles", "envs", "tests/workflow")


class Copy:
    """A copy of what the workflow consists of, and the runs that are made in it."""

    def __init__(self, folder: Path, fresh: bool = True):
        self.folder = folder
        if fresh:
            folder.mkdir(exist_ok=True)
            self._fill()

    def _fill(self) -> None:
        """Copy what a study needs to run, and no results."""
        for name in COPIED:
            source, target = ROOT / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def command(self, *arguments: str, cores: int = 2, config: str | list[str] = TINY) -> list[str]:
        """The command line that runs Snakemake with a configuration, or several on top of each other."""
        files = [config] if isinstance(config, str) else config
        return [
            *(sys.executable, "-m", "snakemake", "--cores", str(cores)),
            *(*arguments, "--configfile", *files),
        ]

    def run(
        self, *arguments: str, cores: int = 2, config: str | list[str] = TINY, check: bool = True
    ):
        """Run Snakemake to its end; `stdout` has all that it says. With `check` it must succeed."""
        answer = subprocess.run(
            self.command(*arguments, cores=cores, config=config),
            cwd=self.folder,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert not check or answer.returncode == 0, answer.stdout
        return answer

    def planned(self, *arguments: str, config: str | list[str] = TINY) -> dict[str, int]:
        """The number of jobs by rule that a dry run announces, without `all`; it runs nothing."""
        lines = self.run("-n", *arguments, config=config).stdout.splitlines()
        if any("Nothing to be done" in line for line in lines):
            return {}
        start = next(i for i, line in enumerate(lines) if line.startswith("job  "))
        jobs = {}
        for line in lines[start + 2 :]:
            if not line.strip() or line.startswith("total"):
                break
            rule, count = line.split()
            jobs[rule] = int(count)
        jobs.pop("all", None)
        return jobs

    def planned_files(self, *arguments: str, config: str | list[str] = TINY) -> list[str]:
        """The output files of the jobs that a dry run announces."""
        lines = self.run("-n", *arguments, config=config).stdout.splitlines()
        return [
            path
            for line in lines
            if line.startswith("    output: ")
            for path in line.removeprefix("    output: ").split(", ")
        ]

    def overlay(self, text: str, name: str = "overlay") -> str:
        """Write a configuration of tiny.yaml with `text` on top, and return its path in the copy."""
        config = yaml.safe_load((self.folder / TINY).read_text())
        update_config(config, yaml.safe_load(text))
        path = self.folder / "config" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        return str(path.relative_to(self.folder))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file of the copy, once."""
        target = self.folder / path
        text = target.read_text()
        assert old in text
        target.write_text(text.replace(old, new, 1))

    def processes(self) -> list[psutil.Process]:
        """The live processes that work in the copy, its job server and what that forks among them."""
        found = []
        for process in psutil.process_iter():
            try:
                here = process.cwd() == str(self.folder)
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def records(self, study: str = "tiny") -> dict[str, list]:
        """All records of a study without what may differ between two runs: times, machine, memory."""
        study_folder = self.folder / "results" / study
        found = {}
        for path in sorted(study_folder.rglob("[!.]*.parquet")):
            table = pq.read_table(path)
            varying = [n for n in table.column_names if "seconds" in n or "memory" in n]
            found[str(path.relative_to(study_folder))] = table.drop_columns(varying).to_pylist()
        for path in sorted(study_folder.rglob("*.json")):
            found[str(path.relative_to(study_folder))] = path.read_text()
        return found


def environment() -> dict[str, str]:
    """An environment in which nothing of the test's own is importable."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SNAKEMAKE_PROFILE")}
    return kept | {
        "PYTHONDONTWRITEBYTECODE": "",
        "XDG_CACHE_HOME": kept.get("XDG_CACHE_HOME", "/tmp"),
    }
