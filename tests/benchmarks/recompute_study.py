"""What recompute.py reads of a study, and its statistics: plain pandas and SciPy, nothing of evoloss."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

FEW, TESTED = 5, 9
"""Below so many values no interval and no s.d.; below so many pairs no p-value."""
CE = "cross_entropy"


class Study:
    """A study's records and settings."""

    def __init__(self, folder: Path, tables: Path) -> None:
        self.folder = folder
        rows = pd.read_csv(tables / "study_settings.csv", keep_default_na=False)
        self.settings = {
            (r.section, r.setting): r.value for r in rows.itertuples() if r.section != "task"
        }
        balanced = rows[(rows["setting"] == "balanced") & (rows["value"] == "True")]
        self.balanced = set(balanced["name"])
        self.seeds = [int(seed) for seed in self.listed("search", "run_seeds")]
        self.search_tasks = self.listed("search", "tasks")
        self.confidence = float(self.settings["report", "confidence"])
        self.tasks = {
            name: json.loads((folder / "tasks" / f"{name}.json").read_text())
            for name in self.search_tasks
        }
        shares = [self._images(task) / task["training_images"] for task in self.tasks.values()]
        self.overlap = max(shares, default=0.0)  # without a search there is none

    def _images(self, task: dict) -> int:
        name = task["settings"]["dataset"]["name"]
        manifest = json.loads((self.folder / "data" / name / "manifest.json").read_text())
        return manifest["images"]["validation"]

    def listed(self, section: str, setting: str) -> list[str]:
        return [entry for entry in self.settings[section, setting].split(", ") if entry]

    def reference(self, methods: list[str]) -> str:
        default = "ngl_gp" if "ngl_gp" in methods else methods[-1]
        return self.settings["report", "reference_method"] or default

    def runs(self, name: str, methods: list[str]) -> pd.DataFrame:
        parts = []
        for method in methods:
            for seed in self.seeds:
                path = self.folder / "search" / method / f"seed{seed}" / name
                parts.append(pd.read_parquet(path).assign(method=method, run_seed=seed))
        return pd.concat(parts, ignore_index=True)

    def retrained(self, task: str, loss: str) -> pd.DataFrame:
        folder = self.folder / "retrain" / task / loss
        files = sorted(folder.glob("[0-9]*.parquet"), key=lambda path: int(path.stem))
        frame = pd.concat([pd.read_parquet(path) for path in files])
        wanted = [int(seed) for seed in self.listed("retrain", "training_seeds")]
        return frame.set_index("training_seed").loc[wanted]


def t_interval(values: np.ndarray, confidence: float, overlap: float = 0.0) -> tuple[float, float]:
    """The t interval of a mean; Nadeau and Bengio's where the values' splits overlap."""
    n = len(values)
    if n < FEW:
        return math.nan, math.nan
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) * (1 / n + overlap) ** 0.5
    return values.mean() - half, values.mean() + half


def wilcoxon(values: np.ndarray) -> float:
    if len(values) < TESTED:
        return math.nan
    values = values[values != 0]
    return stats.wilcoxon(values).pvalue if len(values) else 1.0


def holm(ps: list[float]) -> list[float]:
    known = sorted(p for p in ps if p == p)
    steps = np.maximum.accumulate(
        [min(1.0, p * (len(known) - rank)) for rank, p in enumerate(known)]
    )
    return [p if p != p else float(steps[known.index(p)]) for p in ps]


def spread(values: np.ndarray) -> float:
    return values.std(ddof=1) if len(values) >= FEW else math.nan


def median(values: np.ndarray, confidence: float) -> tuple[float, float, float]:
    if not len(values):
        return (math.nan,) * 3
    if len(values) < FEW:
        return np.median(values), math.nan, math.nan
    ends = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    return np.median(values), ends.low, ends.high


def paired(by_run: pd.DataFrame, reference: str, confidence: float, overlap: float) -> dict:
    """Of each method: the differences to the reference's runs, their interval and p-value."""
    found = {}
    for method in by_run:
        own = method != reference and reference in by_run
        values = (by_run[method] - by_run[reference]).dropna().to_numpy() if own else np.array([])
        low, high = t_interval(values, confidence, overlap)
        found[method] = {
            "mean": values.mean() if len(values) else math.nan,
            "low": low,
            "high": high,
            "n": len(values),
            "sd": values.std(ddof=1) if len(values) > 1 else math.nan,
            "differing": int((values != 0).sum()),
            "p": wilcoxon(values),
        }
    for entry, p in zip(found.values(), holm([e["p"] for e in found.values()]), strict=True):
        entry["p"] = p
    return found
