"""The records of a study that tables and figures read, found from a short description.

The description is JSON with the names of methods, run seeds, losses and so on. The paths follow from it, because
thousands of paths do not fit on a command line. Records are pandas frames, their metadata mappings.
"""

import argparse
import json
import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
import pyarrow as pa

from evoloss.files import read_json
from evoloss.learning.records import LEARNING_RATES, RETRAININGS
from evoloss.losses.champion_file import read_champion
from evoloss.parquet import read, read_metadata, read_table
from evoloss.search.fitness import BASELINE, references
from evoloss.search.records import AUDIT, CANDIDATES, LEDGER, RESCORED, SCORES


def accuracy_column(description: Mapping[str, Any], task: str) -> str:
    """The column of the final trainings with the accuracy of a task: balanced or top-1."""
    return "test_balanced_accuracy" if task in description["balanced_tasks"] else "test_accuracy"


def add_record_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which records of which study a step reads."""
    parser.add_argument("--folder", required=True, help="folder of the study")
    parser.add_argument("--description", required=True, help="what to read of the study, as JSON")


class StudyRecords:
    """The records in a study's folder that `description` (JSON) names."""

    def __init__(self, folder: str | Path, description: str) -> None:
        self.folder = Path(folder)
        self.description: dict[str, Any] = json.loads(description)

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order of the configuration."""
        return self.description["methods"]

    @property
    def run_seeds(self) -> list[int]:
        return self.description["run_seeds"]

    @property
    def confidence(self) -> float:
        """Confidence level of the intervals."""
        return self.description["confidence"]

    @property
    def overlap(self) -> float:
        """(Validation images) / (training images) in the splits of the re-scoring, as in `paired_difference`."""
        return self.description["overlap"]

    @cached_property
    def target(self) -> float:
        """The fixed level of re-scored fitness that runs should reach (`report.target`)."""
        target = self.description["target"]
        share, loss = target["share"], target["loss"]
        if loss == BASELINE:
            return share
        by_task = references(self.resolved_tasks)
        gains = []
        for task in self.resolved_tasks:
            # Validation accuracy: what a search is measured by must not depend on test images.
            of_loss = {
                name: self._validation_accuracy(task["name"], name) for name in (loss, BASELINE)
            }
            chance = by_task[task["name"]].chance
            gains.append((of_loss[loss] - chance) / (of_loss[BASELINE] - chance))
        nothing = 0.0 if target["over"] == "chance" else 1.0
        return nothing + share * (fmean(gains) - nothing)

    def _validation_accuracy(self, task: str, loss: str) -> float:
        """The mean validation accuracy that a loss ends with in its final trainings on a task."""
        paths = [
            self.folder / "retrain" / task / loss / f"{block}.parquet"
            for block in range(self.description["target"]["blocks"])
        ]
        rows = [row for path in paths for row in read(path, RETRAININGS)]
        ends = [row["validation_accuracy"][-1] for row in rows if row["status"] == "completed"]
        return fmean(ends) if ends else math.nan

    def run_folder(self, method: str, seed: int) -> Path:
        return self.folder / "search" / method / f"seed{seed}"

    @cached_property
    def ledgers(self) -> pd.DataFrame:
        """All runs' ledgers, with columns `method` and `run_seed`."""
        return self._of_runs("ledger.parquet", LEDGER)

    @cached_property
    def rescored(self) -> pd.DataFrame:
        """All runs' re-scored trainings, with columns `method` and `run_seed`."""
        return self._of_runs("rescored.parquet", RESCORED)

    @cached_property
    def audits(self) -> pd.DataFrame:
        """All runs' audits, with columns `method` and `run_seed`; no rows where the study has none."""
        if self.description["audit_trainings"] == 0:
            empty = AUDIT.empty_table().to_pandas()
            return empty.assign(method=pd.Series(dtype=str), run_seed=pd.Series(dtype=int))
        return self._of_runs("audit.parquet", AUDIT)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of the candidates of all runs and generations, with columns `method` and `run_seed`."""
        frames = [
            self._of_runs(f"generation{generation}/scores.parquet", SCORES, [method])
            for method, last in self.description["generations"].items()
            for generation in range(last + 1)
        ]
        return pd.concat(frames, ignore_index=True)

    def candidates_of(self, method: str, seed: int) -> pd.DataFrame:
        """The plans of all generations of one run."""
        pool = self.description["pools"][method]
        first = self.run_folder(method, seed) / "generation0"
        if pool is not None:
            first = self.folder / "search" / "pools" / pool / f"seed{seed}"
        later = range(1, self.description["generations"][method] + 1)
        folders = [first, *(self.run_folder(method, seed) / f"generation{g}" for g in later)]
        paths = [folder / "candidates.parquet" for folder in folders]
        return pd.concat([read_table(p, CANDIDATES).to_pandas() for p in paths], ignore_index=True)

    @cached_property
    def champions(self) -> list[dict[str, Any]]:
        """The champions of all runs (`champion.json`), in the order of the methods."""
        return [
            read_champion(self.run_folder(method, seed) / "champion.json")
            for method in self.methods
            for seed in self.run_seeds
        ]

    @cached_property
    def resolved_tasks(self) -> list[dict[str, Any]]:
        """The tasks as rule `tune` resolved them."""
        return [read_json(self.folder / "tasks" / f"{t}.json") for t in self.description["tasks"]]

    @cached_property
    def all_tasks(self) -> list[dict[str, Any]]:
        """All resolved tasks of the study, those of the retraining included."""
        names = self.description["all_tasks"]
        return [read_json(self.folder / "tasks" / f"{task}.json") for task in names]

    @cached_property
    def sweeps(self) -> pd.DataFrame:
        """The learning-rate sweeps of the search tasks."""
        folder = self.folder / "tasks"
        paths = [folder / f"{task}.learning_rate.parquet" for task in self.description["tasks"]]
        frames = [read_table(path, LEARNING_RATES).to_pandas() for path in paths]
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of the data sets."""
        names = self.description["datasets"]
        return [read_json(self.folder / "data" / name / "manifest.json") for name in names]

    @cached_property
    def retrained(self) -> pd.DataFrame:
        """All final trainings."""
        return pd.concat(
            [read_table(path, RETRAININGS).to_pandas() for path in self._retrained_paths()],
            ignore_index=True,
        )

    def metadata(self) -> list[dict[str, Any]]:
        """The metadata of every run's ledger and re-scoring and of every final training."""
        runs = [
            self.run_folder(method, seed) / name
            for method in self.methods
            for seed in self.run_seeds
            for name in ("ledger.parquet", "rescored.parquet")
        ]
        return [read_metadata(path) for path in [*runs, *self._retrained_paths()]]

    def _retrained_paths(self) -> list[Path]:
        return [
            self.folder / "retrain" / task / loss / f"{block}.parquet"
            for task in self.description["retrain_tasks"]
            for loss in self.description["losses"]
            for block in range(self.description["blocks"])
        ]

    def _of_runs(
        self, name: str, schema: pa.Schema, methods: list[str] | None = None
    ) -> pd.DataFrame:
        frames = []
        for method in methods or self.methods:
            for seed in self.run_seeds:
                frame = read_table(self.run_folder(method, seed) / name, schema).to_pandas()
                frames.append(frame.assign(method=method, run_seed=seed))
        return pd.concat(frames, ignore_index=True)
