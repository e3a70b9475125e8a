"""Which records each table or figure of a study reads, and which settings it gets, from the configuration."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from evoloss.learning.dataset_size import dataset_size
from evoloss.learning.schedule import wanted_images
from evoloss.losses.registry import CATALOGUE
from evoloss.search.fitness import BASELINE
from evoloss.strict_model import canonical_json
from evoloss.study.job_plan import JobPlan, functions_of

NO_PART_OF_IT = {
    "device": True,
    "machine": True,
    "tasks": {"__all__": {"dataset": {"root", "path"}}},
}
"""Settings that are not part of a study's parameters: where it runs and where its files lie."""


class RecordPlan(JobPlan):
    """The records of one study, and what is made from them."""

    def records_of(self, kinds: Iterable[str]) -> list[str]:
        """Every file that a table or figure with these kinds of records reads."""
        return [path for kind in kinds for path in self._records(kind)[0]()]

    def description_of(self, kinds: Iterable[str]) -> str:
        """The settings that a table or figure with these kinds of records gets, as JSON."""
        parts = [self._records(kind)[1]() for kind in kinds]
        return canonical_json({key: value for part in parts for key, value in part.items()})

    def code_of_records(self, kinds: Iterable[str]) -> list[str]:
        """The `module:function` losses that a figure itself computes."""
        return (
            functions_of(self._shape_description()["formulas"].values())
            if "shapes" in kinds
            else []
        )

    def _records(self, kind: str) -> tuple[Callable[[], list[str]], Callable[[], dict[str, Any]]]:
        """For a kind of records: functions that give its files, and the settings that its readers get."""
        return {
            "runs": (self._run_files, self._run_description),
            "retrained": (self._retrained_files, self._retrained_description),
            "shapes": (self._champion_files, self._shape_description),
            "losses": (list, self._loss_description),
            "datasets": (
                lambda: self.manifests(self.config.used_tasks()),
                lambda: {"datasets": self._datasets(self.config.used_tasks())},
            ),
            "tasks": (
                lambda: [f"{self.results}/tasks/{task}.json" for task in self.config.used_tasks()],
                lambda: {"all_tasks": self.config.used_tasks()},
            ),
            "parameters": (list, self._parameters_description),
            "flow": (list, self._flow_description),
            "checks": (list, self._checks_description),
            "scores": (self._score_files, self._score_description),
            "candidates": (self._candidate_files, self._candidate_description),
            "audit": (
                self._audit_files,
                lambda: {"audit_trainings": self.config.search.audit_trainings},
            ),
            "conditions": (list, lambda: {"conditions": self._conditions()}),
            "reference": (list, lambda: {"reference_method": self.config.reference_method()}),
            "ablation": (list, self._ablation_description),
        }[kind]

    def _runs(self) -> list[str]:
        search = self.config.search
        return [
            f"{self.results}/search/{method}/seed{seed}"
            for method in search.methods
            for seed in search.run_seeds
        ]

    def _run_files(self) -> list[str]:
        names = ["ledger.parquet", "rescored.parquet", "champion.json"]
        sweeps = [path.replace(".json", ".learning_rate.parquet") for path in self.search_tasks]
        runs = [f"{run}/{name}" for run in self._runs() for name in names]
        return runs + self.search_tasks + sweeps + self._target_files()

    def _run_description(self) -> dict[str, Any]:
        target = self.config.report.target
        return {
            "methods": list(self.config.search.methods),
            "run_seeds": self.config.search.run_seeds,
            "tasks": self.config.search.tasks,
            "rates": len(self.config.search.rates),
            "reference_method": self.config.reference_method(),
            "confidence": self.config.report.confidence,
            "noisy_validation": [
                task
                for task in self.config.search.tasks
                if self.config.tasks[task].label_noise.active
                and self.config.tasks[task].validation == "noisy"
            ],
            "overlap": max(map(self._overlap, self.config.search.tasks), default=None),
            "target": {**target.model_dump(), "blocks": len(self.config.retrain.blocks())},
        }

    def _overlap(self, name: str) -> float:
        """Number of validation images / number of training images in a task's splits."""
        task = self.config.tasks[name]
        size = dataset_size(task.dataset)
        return size.validation / wanted_images(task.training_images, size.train)

    def _target_files(self) -> list[str]:
        """The final trainings that define the target's level; cross entropy's level needs none."""
        loss = self.config.report.target.loss
        return [
            f"{self.results}/retrain/{task}/{name}/{block}.parquet"
            for task in self.config.search.tasks
            for name in (loss, BASELINE)
            for block in range(len(self.config.retrain.blocks()))
            if loss != BASELINE
        ]

    def _audit_files(self) -> list[str]:
        audited = self.config.search.audit_trainings > 0
        return [f"{run}/audit.parquet" for run in self._runs()] if audited else []

    def _score_files(self) -> list[str]:
        return [
            f"{self.results}/search/{method}/seed{seed}/generation{generation}/scores.parquet"
            for method in self.config.search.methods
            for seed in self.config.search.run_seeds
            for generation in self.generations(method)
        ]

    def _candidate_files(self) -> list[str]:
        return [
            f"{self._generation_folder(run, generation)}/candidates.parquet"
            for method in self.config.search.methods
            for seed in self.config.search.run_seeds
            for run in [SimpleNamespace(method=method, run_seed=seed)]
            for generation in self.generations(method)
        ]

    def _candidate_description(self) -> dict[str, Any]:
        methods = self.config.search.methods
        return {**self._score_description(), "pools": {n: m.pool for n, m in methods.items()}}

    def _score_description(self) -> dict[str, Any]:
        methods = self.config.search.methods
        return {"generations": {name: self.config.search.generations_of(name) for name in methods}}

    def _conditions(self) -> list[dict[str, Any]]:
        return [c.model_dump(mode="json") for c in self.config.report.conditions]

    def _parameters_description(self) -> dict[str, Any]:
        """Every setting, and the values that the sources of the methods published."""
        config = self.config.model_dump(mode="json", exclude=NO_PART_OF_IT)
        for method in config["search"]["methods"].values():
            if method["stages"] is None:
                method["stages"] = "the study's"
        published = {
            name: {setting: asdict(value) for setting, value in type(method).published.items()}
            for name, method in self.config.search.methods.items()
        }
        return {"config": config, "sources": published}

    def _flow_description(self) -> dict[str, Any]:
        """What figure `flowchart` shows: the first method that is E-GP, and the settings that determine its course."""
        search = self.config.search
        for name, method in search.methods.items():
            if method.algorithm == "egp":
                return {
                    "flow": {
                        "method": name,
                        "settings": method.model_dump(mode="json"),
                        "generations": self.config.search.generations_of(name),
                        "check_initial": search.pools[method.pool].check_initial,
                        "tasks": search.tasks,
                    }
                }
        return {"flow": None}

    def _checks_description(self) -> dict[str, Any]:
        """The checks before each method's trainings, here and in its source."""
        search = self.config.search
        checks = {}
        for name, method in search.methods.items():
            own = search.stages_of(method)
            known = {
                setting: asdict(type(method).published[setting])
                for setting in ("attempts", "reuse")
                if setting in type(method).published
            }
            source = type(method).source_check
            checks[name] = {
                "stages": own,
                "initial": method.pool is None or search.pools[method.pool].check_initial,
                "attempts": method.attempts,
                "reuse": method.reuse,
                "source": source and asdict(source),
                "published": known,
            }
        return {"checks": checks}

    def _ablation_description(self) -> dict[str, Any]:
        """The base method, and what each of its variants changes."""
        base = self.config.report.ablation_base
        variants = [] if base is None else [m for m in self.config.search.methods if m != base]
        changes = {name: self._changes(name, base) for name in variants}
        return {
            "ablation_base": base,
            "ablation_changes": {name: text for name, text in changes.items() if text},
        }

    def _changes(self, method: str, base: str) -> str:
        """How the settings of a method and its pool differ from the base's; empty for another algorithm."""
        search = self.config.search
        mine, theirs = search.methods[method], search.methods[base]
        if mine.algorithm != theirs.algorithm:
            return ""
        # With a budget, the number of generations only has to be enough to spend it: it is no change.
        same = {"pool", "generations"} if search.budget_samples else {"pool"}
        pairs = [(mine.model_dump(exclude=same), theirs.model_dump(exclude=same))]
        if mine.pool != theirs.pool:
            pairs.append(tuple(search.pools[m.pool].model_dump() for m in (mine, theirs)))
        return ", ".join(
            f"{setting}: {_as_yaml(ours[setting])} (base {_as_yaml(others[setting])})"
            for ours, others in pairs
            for setting in ours
            if ours[setting] != others[setting]
        )

    def _retrained_files(self) -> list[str]:
        return [
            f"{self.results}/retrain/{task}/{loss}/{block}.parquet"
            for task in self.config.retrain.tasks
            for loss in self.config.retrained()
            for block in range(len(self.config.retrain.blocks()))
        ]

    def _retrained_description(self) -> dict[str, Any]:
        retrain = self.config.retrain
        champions = self.config.champions() if retrain.champions else {}
        return {
            "methods": list(self.config.search.methods),
            "retrain_tasks": retrain.tasks,
            "losses": self.config.retrained(),
            "published": self.config.retrain.published(),
            "blocks": len(retrain.blocks()),
            "confidence": self.config.report.confidence,
            "balanced_tasks": [task for task in retrain.tasks if self.config.tasks[task].balanced],
            "label_noise": {
                task: self.config.tasks[task].label_noise.title()
                for task in retrain.tasks
                if self.config.tasks[task].label_noise.active
            },
            "curve_losses": self.config.report.curve_losses,
            "champions": [
                {"loss": loss, "method": method} for loss, (method, _) in champions.items()
            ],
        }

    def _champion_files(self) -> list[str]:
        champions = [f"{run}/champion.json" for run in self._runs()]
        return champions + self.manifests(self.config.search.tasks[:1])

    def _shape_description(self) -> dict[str, Any]:
        formulas = self.config.retrain.formulas()
        return {
            "methods": list(self.config.search.methods),
            "run_seeds": self.config.search.run_seeds,
            "formulas": {name: formulas[name] for name in self.config.report.curve_losses},
            "datasets": self._datasets(self.config.search.tasks[:1]),
        }

    def _loss_description(self) -> dict[str, Any]:
        """What the catalogue says about each configured loss; for a user's own loss only its formula."""
        return {
            "catalogue": [
                {"loss": name, "formula": formula}
                | (
                    {
                        "latex": CATALOGUE[name].latex,
                        "defaults": CATALOGUE[name].defaults,
                        "minimum": CATALOGUE[name].target,
                        "source": CATALOGUE[name].source,
                        "evidence": CATALOGUE[name].evidence,
                    }
                    if name in CATALOGUE
                    else {}
                )
                for name, formula in self.config.retrain.formulas().items()
            ]
        }


def _as_yaml(value: Any) -> str:
    """A setting as it is written in the configuration: `true`, `null`, `{rungs: [0.5]}`."""
    return json.dumps(value).replace('"', "")
