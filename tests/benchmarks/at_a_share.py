"""How good is a method's incumbent after a share of the samples, beside what other methods have in the end?

    PYTHONPATH=workflow .venv/bin/python tests/benchmarks/at_a_share.py 0.25 egp_halving egp egp_checked \
        --results results --configfile config/fashion_racing.yaml

The share is of the samples of the dearest run. Fitness is re-scored; a difference is paired by run seed, with its
95 % t interval, corrected for images that the splits of the runs share. A point is one of validation accuracy, by
cross entropy's gain over chance, mean over the search's tasks.
"""

import argparse
from pathlib import Path
from statistics import fmean

import pandas as pd
from reporting import show

from evoloss.files import read_json
from evoloss.reporting.deliverables import TABLES
from evoloss.reporting.incumbents import curves
from evoloss.reporting.statistics import paired_difference
from evoloss.reporting.study_records import StudyRecords
from evoloss.study.configuration import load_files
from evoloss.study.plan import Plan


def incumbents(rows: pd.DataFrame, method: str, samples: float) -> pd.Series:
    """Re-scored fitness by run seed of the last incumbent that cost at most so many samples."""
    of_method = rows[(rows["method"] == method) & (rows["samples"] <= samples)]
    return of_method.sort_values("samples").groupby("run_seed")["fitness"].last()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("share", type=float)
    parser.add_argument("method")
    parser.add_argument("others", nargs="+")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--configfile", nargs="+", default=[])
    flags = parser.parse_args()
    config = load_files(flags.configfile)
    folder = flags.results / config.study
    records = StudyRecords(folder, Plan(config).description_of(TABLES["breeding"]))
    found = [read_json(folder / "tasks" / f"{task}.json") for task in config.search.tasks]
    point = 100 * fmean(task["cross_entropy_accuracy"] - task["chance"] for task in found)
    rows = curves(records)
    everything = rows["samples"].max()
    early = incumbents(rows, flags.method, flags.share * everything)
    lines = []
    for other in flags.others:
        final = incumbents(rows, other, everything)
        shared = sorted(set(early.dropna().index) & set(final.dropna().index))
        difference = paired_difference(
            list(early[shared]), list(final[shared]), 0.95, records.description["overlap"]
        )
        values = [difference.mean, difference.low, difference.high]
        lines.append(
            [
                f"{flags.method} at {flags.share:g}, {other} in the end",
                len(shared),
                "{:+.3f} [{:+.3f}, {:+.3f}]".format(*values),
                "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(point * value for value in values)),
            ]
        )
    show(("comparison", "runs", "fitness", "points"), lines)
