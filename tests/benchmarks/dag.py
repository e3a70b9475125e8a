"""How long planning takes: a dry run of a study of so many jobs, beside Snakemake's own floor.

The floor is a file of three rules a generation, with nothing but wildcards in them, of the same shape and
as many jobs. `vs_floor` is the study's time over the floor's, in one run. Four minutes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from reporting import show, tell

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "workflow")]

from study_copy import Copy, environment  # noqa: E402

SEEDS = 9
FLOOR = """
import sys
sys.setrecursionlimit(50_000)
T, SEEDS = int(config["generations"]), range({seeds})

rule all:
    input: expand("run{{s}}/ledger", s=SEEDS)

def previous(wildcards):
    g = int(wildcards.g)
    return f"run{{wildcards.s}}/{{g - 1}}/population" if g else []

rule breed:
    input: previous
    output: "run{{s}}/{{g}}/candidates"
    log: "logs/breed/{{s}}_{{g}}"
    shell: "touch {{output}}"

rule evaluate:
    input: "run{{s}}/{{g}}/candidates"
    output: "run{{s}}/{{g}}/evaluations"
    log: "logs/evaluate/{{s}}_{{g}}"
    shell: "touch {{output}}"

rule select:
    input: previous, "run{{s}}/{{g}}/candidates", "run{{s}}/{{g}}/evaluations"
    output: "run{{s}}/{{g}}/population"
    log: "logs/select/{{s}}_{{g}}"
    shell: "touch {{output}}"

rule summarise:
    input: lambda w: [f"run{{w.s}}/{{g}}/{{n}}" for g in range(T) for n in ("candidates", "evaluations", "population")]
    output: "run{{s}}/ledger"
    log: "logs/summarise/{{s}}"
    shell: "touch {{output}}"
"""


def study(generations: int) -> dict:
    """One method's runs of so many generations, an evaluation job each."""
    method = {"population": 4, "generations": None, "parents": 2, "tournament": 4}
    return {
        "study": "dag",
        "device": "cpu",
        "search": {
            "run_seeds": list(range(SEEDS)),
            "generations": generations,
            "budget_samples": None,
            "methods": {
                "egp": method,
                **dict.fromkeys(("egp_checked", "egp_racing", "ngl_gp", "random_search")),
            },
        },
        "report": {"reference_method": "egp", "ablation_base": None},
    }


def timed(command: list[str], folder: Path) -> tuple[float, int]:
    """Seconds of a dry run, and the jobs it plans."""
    start = time.perf_counter()
    answer = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    lines = answer.stdout.splitlines()
    total = next(line for line in lines if line.startswith("total "))
    return seconds, int(total.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 5000, 20000])
    flags = parser.parse_args()
    rows, figures = [], {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder) / "study")
        floor = Path(folder) / "floor"
        floor.mkdir()
        (floor / "Snakefile").write_text(FLOOR.format(seeds=SEEDS))
        quiet = ["-n", "--quiet", "rules"]
        for wanted in flags.jobs:
            generations = wanted // (3 * SEEDS)
            (copy.folder / "config/dag.yaml").write_text(yaml.safe_dump(study(generations)))
            targets = [f"results/dag/search/egp/seed{seed}/ledger.parquet" for seed in range(SEEDS)]
            ours = copy.command(*targets, *quiet, config="config/dag.yaml")
            plain = [sys.executable, "-m", "snakemake", "--cores", "2", *quiet]
            plain += ["--scheduler", "greedy", "--config", f"generations={generations + 1}"]
            if not rows:  # Python compiles what it has not seen.
                timed(ours, copy.folder)
                timed(plain, floor)
            seconds, jobs = timed(ours, copy.folder)
            least, floor_jobs = timed(plain, floor)
            ratio = seconds / jobs * floor_jobs / least
            rows.append([jobs, seconds, floor_jobs, least, ratio])
            figures[str(wanted)] = {"seconds": seconds, "floor_seconds": least, "vs_floor": ratio}
    show(["jobs", "seconds", "jobs of the floor", "seconds", "vs floor, a job"], rows)
    tell("dag", figures)


if __name__ == "__main__":
    main()
