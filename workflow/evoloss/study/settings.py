"""The settings of a whole study, put together from those of its parts, and what follows from them alone.

`disagreements.py` finds contradictions between the parts; `configuration.py` reads the files.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.reporting.deliverables import FIGURES, TABLES
from evoloss.reporting.settings import ReportSettings
from evoloss.strict_model import Problem, StrictModel
from evoloss.study.retrain_settings import RetrainSettings
from evoloss.study.search_settings import Name, SearchSettings

REFERENCE = "ngl_gp"

OF_A_SEARCH = {"runs", "scores", "candidates", "audit", "shapes", "ablation", "checks"}
"""Kinds of records that exist only in a study with a search."""


class MachineSettings(StrictModel):
    """How jobs run on this machine. No change here reruns anything."""

    job_server: bool = True
    """Import torch once per run and fork a process per job; false starts Python for every job."""
    cuda_graphs: bool = True
    """Capture a training step on a GPU once and replay it; false lets Python run every step."""
    compile: bool = False
    """Compile networks that train alone with torch; worth it in jobs that train for minutes on a GPU."""
    side_by_side: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Candidates that a job trains at once if the network is small; null: 64 on a GPU, 1 on a CPU."""
    training_seconds: Annotated[int, Field(ge=1, le=10_000_000)] | None = 21_600
    """Seconds after which a training counts as hanging and fails; null: no limit."""


class Config(StrictModel):
    """A study: one configuration and all it produces, under `results/<study>/`."""

    study: Name
    """Name of the study, and of its folder under results/."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?)$")] = "auto"
    """`auto` takes a CUDA GPU if there is one; or `cpu`, `cuda`, `cuda:1`, ..."""
    machine: MachineSettings = MachineSettings()
    """How jobs run on this machine."""
    tasks: Annotated[dict[Name, TaskSettings], Field(min_length=1)]
    """Tasks by name: data set x network x training schedule."""
    search: SearchSettings
    """The search."""
    retrain: RetrainSettings
    """The final trainings."""
    report: ReportSettings = ReportSettings()
    """Tables and figures."""

    def problems(self) -> Iterator[Problem]:
        """A reserved name of the study, and different data sets with one name."""
        if self.study == "published":
            yield "study", "'published' is the folder of published results; choose another name"
        datasets = self.datasets()
        for name, task in self.tasks.items():
            if datasets[task.dataset.name] != task.dataset:
                yield (
                    f"tasks.{name}.dataset",
                    f"another task uses a data set named {task.dataset.name!r} with other options; give one of them "
                    "a name of its own",
                )

    def reference_method(self) -> str | None:
        """The method that the others are compared with; None without a search."""
        methods = list(self.search.methods)
        default = REFERENCE if REFERENCE in methods else methods[-1] if methods else None
        return self.report.reference_method or default

    def tables(self) -> list[str]:
        """The tables of this study, without those that would be empty."""
        wanted = {
            "champions": bool(self.champions()) and self.retrain.champions,
            # It needs a second task, and a loss that is not published.
            "transfer": len(self.retrain.tasks) > 1
            and self.retrained() != self.retrain.published(),
            "parameters": bool(self.search.methods),
            "ablation": self.report.ablation_base is not None,
            "published_losses": bool(self.report.conditions),
            "label_noise": any(c.setting == "label_noise" for c in self.report.conditions),
            "epochs_to_target": not self.report.conditions,
        }
        return self._wanted(TABLES, wanted)

    def figures(self) -> list[str]:
        """The figures of this study. One that compares champions needs their final trainings."""
        wanted = {
            "critical_difference": bool(self.champions()) and self.retrain.champions,
            "flowchart": bool(self.search.methods),
            # One row per task: too many for a page if tasks are conditions.
            "training_curves": not self.report.conditions,
            "reliability": not self.report.conditions,
            "test_accuracy": not self.report.conditions,
            "published_losses": bool(self.report.conditions),
        }
        return self._wanted(FIGURES, wanted)

    def _wanted(self, kinds: Mapping[str, tuple[str, ...]], wanted: dict[str, bool]) -> list[str]:
        searched = bool(self.search.methods)
        return [
            name
            for name, records in kinds.items()
            if wanted.get(name, True) and (searched or not OF_A_SEARCH.issuperset(records))
        ]

    def used_tasks(self) -> list[str]:
        """The tasks of the search and of the retraining, each once."""
        return list(dict.fromkeys([*self.search.tasks, *self.retrain.tasks]))

    def datasets(self) -> dict[str, DatasetSettings]:
        """The data sets of all tasks, by name."""
        return {task.dataset.name: task.dataset for task in self.tasks.values()}

    def champions(self) -> dict[str, tuple[str, int]]:
        """Name of a champion as a loss -> its method and run seed."""
        return {
            f"{method}_seed{seed}": (method, seed)
            for method in self.search.methods
            for seed in self.search.run_seeds
        }

    def retrained(self) -> list[str]:
        """Names of all losses of the final retraining."""
        champions = self.champions() if self.retrain.champions else {}
        return [*self.retrain.formulas(), *champions]
