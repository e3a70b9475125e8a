"""Which files a job of a study reads, and which settings it is told: paths from the configuration.

The Snakefile alone imports this module. Methods that take `wildcards` are input functions of rules;
`wildcards` may be anything with the rule's wildcards as attributes.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from evoloss.expressions.settings import SearchSpace
from evoloss.learning.source_files import missing_place, source_state
from evoloss.losses.catalogue import CATALOGUE, formula_of
from evoloss.settings import Config
from evoloss.strict_model import canonical_json

NO_PART_OF_IT = {"device": True, "tasks": {"__all__": {"dataset": {"root", "path"}}}}
"""What a study's parameters leave out: where it runs and where its files lie."""


def flag(name: str, value: Any) -> str:
    """`--name value` for a command line; nothing where there is no value."""
    return f"{name} {value}" if value else ""


class Plan:
    """The files of one study, all below `results/<study>`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.results = f"results/{config.study}"
        search = config.search
        self.search_tasks = [f"{self.results}/tasks/{task}.json" for task in search.tasks]
        self.search_manifests = self.manifests(search.tasks)
        self.search_images = self.images(search.tasks, "train", "validation")
        self.search_networks = self.networks(search.tasks)
        matched = all(config.tasks[task].match_gradient_scale for task in search.tasks)
        self.tasks_matched = "--scale-matched" if matched else ""
        used = {
            config.tasks[t].dataset.name: config.tasks[t].dataset for t in self.config.used_tasks()
        }
        self.source_states = {
            name: source_state(dataset, Path(f"{self.results}/data/{name}"))
            for name, dataset in used.items()
        }
        told = (missing_place(dataset) for dataset in used.values())
        self.warnings = [sentence for sentence in told if sentence]
        self.target_fitness = flag("--target-fitness", search.target_fitness)
        self.budget = flag("--budget-samples", search.budget_samples)

    # Data and tasks

    def manifests(self, tasks: Iterable[str]) -> list[str]:
        """The manifests of the tasks' data sets: small files, compared by content."""
        return [f"{self.results}/data/{name}/manifest.json" for name in self._datasets(tasks)]

    def images(self, tasks: Iterable[str], *parts: str) -> list[str]:
        """The Parquet files of the tasks' data sets; to be marked ancient, since they are large."""
        return [
            f"{self.results}/data/{name}/{part}.parquet"
            for name in self._datasets(tasks)
            for part in parts
        ]

    def networks(self, tasks: Iterable[str]) -> list[str]:
        """The tasks' networks, whose source counts as code: modules, or `module:function`."""
        names = {self.config.tasks[task].network for task in tasks}
        return sorted(name if ":" in name else f"learning.networks.{name}" for name in names)

    def dataset_settings(self, wildcards: Any) -> str:
        """The settings of a data set, as JSON, without the place of its files."""
        return canonical_json(self.config.datasets()[wildcards.dataset].anywhere())

    def task_settings(self, wildcards: Any) -> str:
        """The settings of a task, as JSON, without the place of its files."""
        return canonical_json(self.config.tasks[wildcards.task].anywhere())

    def _datasets(self, tasks: Iterable[str]) -> list[str]:
        return sorted({self.config.tasks[task].dataset.name for task in tasks})

    # The search

    def algorithm(self, wildcards: Any) -> str:
        """The algorithm of a method."""
        return self.config.search.methods[wildcards.method].algorithm

    def method_settings(self, wildcards: Any) -> str:
        """The settings of a method, as JSON."""
        return canonical_json(self.config.search.methods[wildcards.method])

    def selection_settings(self, wildcards: Any) -> str:
        """What selection needs of a method's settings: for generation 0 only how many survive."""
        method = self.config.search.methods[wildcards.method]
        if int(wildcards.generation):
            return canonical_json(method)
        shared = {name: getattr(method, name) for name in ("algorithm", "pool", "population")}
        return canonical_json(shared)

    def check(self, wildcards: Any) -> str:
        """The functional check of a method, as JSON."""
        check = self.config.search.functional_check
        stages = self.config.search.methods[wildcards.method].stages
        return canonical_json(
            check if stages is None else check.model_copy(update={"stages": stages})
        )

    def pool_settings(self, wildcards: Any) -> str:
        """The settings of a pool, as JSON, catalogue names replaced by their formulas."""
        pool = self.config.search.pools[wildcards.pool]
        formulas = [formula_of(loss) for loss in pool.initial_losses]
        return canonical_json(pool.model_copy(update={"initial_losses": formulas}))

    def space(self, wildcards: Any) -> str:
        """The search space of a method, as JSON: its pool's; the default's if it has no pool."""
        pool = self._pool(wildcards)
        return canonical_json(self.config.search.pools[pool].space if pool else SearchSpace())

    def scale_matched(self, wildcards: Any) -> str:
        """The flag of a search that matches gradient scales, of a pool or a method."""
        return "" if self._as_written(self._pool(wildcards)) else self.tasks_matched

    def run_scale(self, wildcards: Any) -> str:
        """The flag of a pool or run whose candidates are trained as written."""
        return "--as-written" if self._as_written(self._pool(wildcards)) else ""

    def training_scale(self, wildcards: Any) -> str:
        """The same for an evaluation job."""
        return self.run_scale(_owner(wildcards))

    def to_evaluate(self, wildcards: Any) -> str:
        """The candidates of an evaluation job: those of a run's generation 0 may be its pool's."""
        owner = _owner(wildcards)
        return f"{self._generation_folder(owner, owner.generation)}/candidates.parquet"

    def stopping(self, wildcards: Any) -> list[str]:
        """How an evaluation job is told whom to stop, and how many of a pool's candidates to take."""
        owner = _owner(wildcards)
        if hasattr(owner, "pool"):
            return []
        method = self.config.search.methods[owner.method]
        flags = []
        if method.racing:
            flags += ["--racing", canonical_json(method.racing)]
        if method.hurdle:
            flags += ["--hurdle", canonical_json(method.hurdle)]
        if method.pool and owner.generation == 0:
            flags += ["--first", str(method.population)]
        return flags

    def trains_alone(self, wildcards: Any) -> str:
        """The flag of a run that trains its share of the pool itself, since it may stop trainings."""
        return "--trains-alone" if self.config.search.methods[wildcards.method].stops else ""

    def run_folder(self, wildcards: Any) -> str:
        """The folder of a run."""
        return f"{self.results}/search/{wildcards.method}/seed{wildcards.run_seed}"

    def pool_flag(self, wildcards: Any) -> str:
        """How a step is told the folder of the pool, if there is one."""
        return flag("--pool", self._pool(wildcards) and self._generation_folder(wildcards, 0))

    def _as_written(self, pool: str | None) -> bool:
        """Whether a search from this pool trains losses without matching their scale."""
        return pool is not None and not self.config.search.pools[pool].match_gradient_scale

    def _pool(self, wildcards: Any) -> str | None:
        """The pool that a rule's wildcards name, or that their method starts from."""
        if hasattr(wildcards, "pool"):
            return wildcards.pool
        return self.config.search.methods[wildcards.method].pool

    @staticmethod
    def run_seed(wildcards: Any) -> str:
        """The run seed in a folder such as `egp/seed0/generation3`."""
        return _owner(wildcards).run_seed

    def generations(self) -> range:
        """All generations, from the initial population on."""
        return range(self.config.search.generations + 1)

    def population(self, wildcards: Any, generation: int) -> str:
        """The population after a generation."""
        return f"{self.run_folder(wildcards)}/generation{generation}/population.parquet"

    def previous_population(self, wildcards: Any) -> str | list[str]:
        """The population before a generation; nothing for generation 0."""
        generation = int(wildcards.generation)
        return self.population(wildcards, generation - 1) if generation else []

    def last_population(self, wildcards: Any) -> str:
        """The population after the last generation."""
        return self.population(wildcards, self.config.search.generations)

    def candidates(self, wildcards: Any) -> str:
        """The plan of a generation; generation 0 is the pool's, if there is one."""
        return f"{self._generation_folder(wildcards, int(wildcards.generation))}/candidates.parquet"

    def evaluations(self, wildcards: Any) -> list[str]:
        """The evaluations of a generation, one file a batch."""
        return self._evaluations(wildcards, int(wildcards.generation))

    def run_records(self, wildcards: Any) -> list[str]:
        """All that a run has written, generation by generation."""
        return [
            path
            for g in self.generations()
            for path in (
                f"{self._generation_folder(wildcards, g)}/candidates.parquet",
                f"{self._generation_folder(wildcards, g)}/proposals.parquet",
                *self._evaluations(wildcards, g),
                self.population(wildcards, g),
                self.population(wildcards, g).replace("population.", "scores."),
            )
        ]

    def batches(self, wildcards: Any) -> str:
        """How many batches each generation of a method has, as a JSON list."""
        counts = [self.config.batches(wildcards.method, g) for g in self.generations()]
        return canonical_json(counts)

    def _generation_folder(self, wildcards: Any, generation: int) -> str:
        """The folder of a generation's candidates; generation 0 is the pool's, if there is one."""
        pool = self._pool(wildcards)
        if generation == 0 and pool:
            return f"{self.results}/search/pools/{pool}/seed{wildcards.run_seed}"
        return f"{self.run_folder(wildcards)}/generation{generation}"

    def _evaluations(self, wildcards: Any, generation: int) -> list[str]:
        folder = self._generation_folder(wildcards, generation)
        if self.config.search.methods[wildcards.method].stops:
            folder = f"{self.run_folder(wildcards)}/generation{generation}"
        batches = self.config.batches(wildcards.method, generation)
        return [f"{folder}/evaluations/{batch}.parquet" for batch in range(batches)]

    # The final retraining

    def champion(self, wildcards: Any) -> list[str]:
        """The champion.json of a loss that is a champion, else nothing."""
        if wildcards.loss in self.config.retrain.formulas():
            return []
        method, seed = self.config.champions()[wildcards.loss]
        return [f"{self.results}/search/{method}/seed{seed}/champion.json"]

    def loss_flag(self, wildcards: Any) -> list[str]:
        """How a step is told the loss: its formula, or the champion's file."""
        formula = self.config.retrain.formulas().get(wildcards.loss)
        if formula is None:
            return ["--champion", *self.champion(wildcards)]
        return [f"--formula={formula}"]

    def loss_code(self, wildcards: Any) -> list[str]:
        """The `module:function` of a loss that is one, whose source counts as code."""
        return _functions([self.config.retrain.formulas().get(wildcards.loss, "")])

    def block(self, wildcards: Any) -> list[int]:
        """The training seeds of a block."""
        return self.config.retrain.blocks()[int(wildcards.block)]

    # Tables, figures and exported losses

    def records_of(self, kinds: Iterable[str]) -> list[str]:
        """Every file that a table or figure reads."""
        return [path for kind in kinds for path in self._records(kind)[0]()]

    def description_of(self, kinds: Iterable[str]) -> str:
        """What a table or figure is told, as JSON."""
        parts = [self._records(kind)[1]() for kind in kinds]
        return canonical_json({key: value for part in parts for key, value in part.items()})

    def code_of_records(self, kinds: Iterable[str]) -> list[str]:
        """The losses that a figure computes itself and that are a `module:function`."""
        return (
            _functions(self._shape_description()["formulas"].values()) if "shapes" in kinds else []
        )

    def deliverables(self) -> list[str]:
        """Everything that a complete study consists of."""
        names = {
            "tables": (self.config.tables(), ("csv", "tex", "md")),
            "figures": (self.config.figures(), ("pdf", "png")),
            "losses": (self.config.champions(), ("py", "tex")),
        }
        return [
            f"{self.results}/{folder}/{name}.{suffix}"
            for folder, (members, suffixes) in names.items()
            for name in members
            for suffix in suffixes
        ]

    def _records(self, kind: str) -> tuple[Callable[[], list[str]], Callable[[], dict[str, Any]]]:
        """A kind of records: the files it consists of, and what its readers are told."""
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
            "scores": (self._score_files, lambda: {"generations": self.config.search.generations}),
            "audit": (
                self._audit_files,
                lambda: {"audit_trainings": self.config.search.audit_trainings},
            ),
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
        return runs + self.search_tasks + sweeps

    def _run_description(self) -> dict[str, Any]:
        return {
            "methods": list(self.config.search.methods),
            "run_seeds": self.config.search.run_seeds,
            "tasks": self.config.search.tasks,
            "reference_method": self.config.reference_method(),
            "confidence": self.config.report.confidence,
        }

    def _audit_files(self) -> list[str]:
        audited = self.config.search.audit_trainings > 0
        return [f"{run}/audit.parquet" for run in self._runs()] if audited else []

    def _score_files(self) -> list[str]:
        return [
            f"{run}/generation{generation}/scores.parquet"
            for run in self._runs()
            for generation in self.generations()
        ]

    def _parameters_description(self) -> dict[str, Any]:
        """Every setting, and what the sources of the methods say of theirs."""
        config = self.config.model_dump(mode="json", exclude=NO_PART_OF_IT)
        for method in config["search"]["methods"].values():
            if method["stages"] is None:
                method["stages"] = "the study's"
        published = {
            name: {setting: asdict(value) for setting, value in type(method).published.items()}
            for name, method in self.config.search.methods.items()
        }
        return {"config": config, "sources": published}

    def _ablation_description(self) -> dict[str, Any]:
        """The base, and what each of its variants changes."""
        base = self.config.report.ablation_base
        variants = [] if base is None else [m for m in self.config.search.methods if m != base]
        changes = {name: self._changes(name, base) for name in variants}
        return {
            "ablation_base": base,
            "ablation_changes": {name: text for name, text in changes.items() if text},
        }

    def _changes(self, method: str, base: str) -> str:
        """What a method's settings, and its pool's, change against the base's; empty for a stranger."""
        search = self.config.search
        mine, theirs = search.methods[method], search.methods[base]
        if mine.algorithm != theirs.algorithm:
            return ""
        pairs = [(mine.model_dump(exclude={"pool"}), theirs.model_dump(exclude={"pool"}))]
        if mine.pool != theirs.pool:
            pairs.append(tuple(search.pools[m.pool].model_dump() for m in (mine, theirs)))
        return ", ".join(
            f"{setting}: {ours[setting]} (base {others[setting]})"
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
            "retrain_tasks": retrain.tasks,
            "losses": self.config.retrained(),
            "blocks": len(retrain.blocks()),
            "confidence": self.config.report.confidence,
            "balanced_tasks": [task for task in retrain.tasks if self.config.tasks[task].balanced],
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
        """What the catalogue knows of every configured loss; of a user's own its formula alone."""
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


def _owner(wildcards: Any) -> Any:
    """The wildcards of the pool or of the run and generation that a `folder` speaks of."""
    first, second, third = wildcards.folder.split("/")
    if first == "pools":
        return SimpleNamespace(pool=second, run_seed=third.removeprefix("seed"), generation=0)
    return SimpleNamespace(
        method=first,
        run_seed=second.removeprefix("seed"),
        generation=int(third.removeprefix("generation")),
    )


def _functions(formulas: Iterable[str]) -> list[str]:
    return sorted({formula for formula in formulas if ":" in formula})
