"""Which files each computing job of a study reads, and which settings it gets, from the configuration.

Rules use the functions with the argument `wildcards` for their input and params. `wildcards` may be any object that
has the rule's wildcards as attributes.
"""

import shlex
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from evoloss.expressions.settings import SearchSpace
from evoloss.learning.source_files import missing_place, source_state
from evoloss.losses.registry import formula_of
from evoloss.search.settings import MethodSettings
from evoloss.strict_model import canonical_json
from evoloss.study import budget
from evoloss.study.settings import Config


def flag(name: str, value: Any) -> str:
    """`--name value` for a command line; empty if there is no value."""
    return f"{name} {value}" if value else ""


def flags_of(**settings: Any) -> str:
    """`--name 'JSON'` for each setting, quoted for a shell."""
    return " ".join(
        f"--{name.replace('_', '-')} {shlex.quote(canonical_json(value))}"
        for name, value in settings.items()
    )


class JobPlan:
    """The files of one study, all below `results/<study>`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.results = f"results/{config.study}"
        search = config.search
        self.search_tasks = [f"{self.results}/tasks/{task}.json" for task in search.tasks]
        self.search_manifests = self.manifests(search.tasks)
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
        noises = {task: config.tasks[task].label_noise for task in config.used_tasks()}
        self.label_digests = {task: noise.file_digest() for task, noise in noises.items()}
        told = (missing_place(dataset) for dataset in used.values())
        self.warnings = [sentence for sentence in told if sentence]
        self.side_by_side = flag("--side-by-side", config.machine.side_by_side)
        self.target_fitness = flag("--target-fitness", search.target_fitness)
        self.budget = flag("--budget-samples", budget.samples(config))
        self.rates = flags_of(rates=search.rates)
        if search.budget_samples:  # a child is charged one training per rate
            self.budget += f" --rates {len(search.rates)}"

    # Data and tasks

    def manifests(self, tasks: Iterable[str]) -> list[str]:
        """The manifests of the tasks' data sets: small files, compared by content."""
        return [f"{self.results}/data/{name}/manifest.json" for name in self._datasets(tasks)]

    def images(self, tasks: Iterable[str], *parts: str) -> list[str]:
        """The Parquet files of the tasks' data sets; rules mark them ancient, since they are large."""
        return [
            f"{self.results}/data/{name}/{part}.parquet"
            for name in self._datasets(tasks)
            for part in parts
        ]

    def networks(self, tasks: Iterable[str]) -> list[str]:
        """The tasks' networks as modules or `module:function`; their source counts as code."""
        names = {self.config.tasks[task].network for task in tasks}
        return sorted(name if ":" in name else f"learning.networks.{name}" for name in names)

    def dataset_settings(self, wildcards: Any) -> str:
        """The settings of a data set as JSON, without the location of its files."""
        return canonical_json(self.config.datasets()[wildcards.dataset].anywhere())

    def task_settings(self, wildcards: Any) -> str:
        """The settings of a task as JSON, without the location of its files."""
        return canonical_json(self.config.tasks[wildcards.task].anywhere())

    def held_out_curve(self, wildcards: Any) -> str:
        """The flag that asks for cross entropy's validation accuracies during training, if a hurdle needs them."""
        hurdles = [m.hurdle for m in self.config.search.methods.values() if m.hurdle]
        wanted = any(hurdle.judged_by == "validation" for hurdle in hurdles)
        asked = wanted and wildcards.task in self.config.search.tasks
        return "--held-out-curve" if asked else ""

    def label_file(self, wildcards: Any) -> str:
        """The flag with the digest of a task's label file, if it has one: with other labels it is another task."""
        digest = self.label_digests[wildcards.task]
        return f"--labels {digest}" if digest else ""

    def _datasets(self, tasks: Iterable[str]) -> list[str]:
        return sorted({self.config.tasks[task].dataset.name for task in tasks})

    # The search

    def algorithm(self, wildcards: Any) -> str:
        """The algorithm of a method."""
        return self.config.search.methods[wildcards.method].algorithm

    def breed_flags(self, wildcards: Any) -> str:
        """The flags of `breed`, except those that its rule states itself."""
        return " ".join(
            (
                self._of_generation(wildcards),
                self._breeding(wildcards.method),
                self.scale_matched(wildcards),
                self.target_fitness,
                self.budget,
                flag("--population", self.previous_population(wildcards)),
                flag("--run", self.run_folder(wildcards)),
            )
        )

    @cache  # noqa: B019 (there is one plan)
    def _breeding(self, name: str) -> str:
        method = self.config.search.methods[name]
        search = self.config.search
        pools, own = search.pools, {"stages": search.stages_of(method)}
        check = search.functional_check.model_copy(update=own)
        if method.smallest_alignment is not None:
            check = check.model_copy(update={"smallest_alignment": method.smallest_alignment})
        space = pools[method.pool].space if method.pool else SearchSpace()
        return flags_of(settings=_timeless(method), space=space, functional_check=check)

    def evaluate_flags(self, wildcards: Any) -> str:
        """The flags that tell `evaluate` what to train and which trainings to stop."""
        search = self.config.search
        return " ".join(
            (
                f"--study {wildcards.study} --run-seed {_owner(wildcards).run_seed}",
                f"--batch {wildcards.batch} --batch-size {search.batch_size}",
                f"--data {self.results}/data --device {self.config.device}",
                self.rates,
                self.run_scale(_owner(wildcards)),
                self._stopping(wildcards),
            )
        )

    def select_flags(self, wildcards: Any) -> str:
        """The flags that tell `select` which individuals survive; for generation 0 only how many."""
        evaluations = self.evaluations(wildcards)
        return " ".join(
            (
                self._of_generation(wildcards),
                self._selection(wildcards.method, int(wildcards.generation) == 0),
                flag("--previous", self.previous_population(wildcards)),
                flag("--evaluations", str(Path(evaluations[0]).parent)),
                f"--batches {len(evaluations)}",
            )
        )

    @cache  # noqa: B019
    def _selection(self, name: str, initial: bool) -> str:
        method = self.config.search.methods[name]
        shared = {key: getattr(method, key) for key in ("algorithm", "pool", "population")}
        return flags_of(settings=shared if initial else _timeless(method))

    def _of_generation(self, wildcards: Any) -> str:
        """The flags that name a generation of a run."""
        return (
            f"--study {wildcards.study} --method {wildcards.method} "
            f"--algorithm {self.algorithm(wildcards)} --run-seed {wildcards.run_seed} "
            f"--generation {wildcards.generation}"
        )

    def pool_settings(self, wildcards: Any) -> str:
        """The settings of a pool as JSON, with catalogue names replaced by their formulas."""
        pool = self.config.search.pools[wildcards.pool]
        formulas = [formula_of(loss) for loss in pool.initial_losses]
        return canonical_json(pool.model_copy(update={"initial_losses": formulas}))

    def scale_matched(self, wildcards: Any) -> str:
        """The flag of a pool or method whose search matches gradient scales, else empty."""
        return "" if self._as_written(self._pool(wildcards)) else self.tasks_matched

    def run_scale(self, wildcards: Any) -> str:
        """The flag of a pool or run whose candidates are trained as written, else empty."""
        return "--as-written" if self._as_written(self._pool(wildcards)) else ""

    def to_evaluate(self, wildcards: Any) -> str:
        """The candidates of an evaluation job; a run's generation 0 may take them from its pool."""
        owner = _owner(wildcards)
        return f"{self._generation_folder(owner, owner.generation)}/candidates.parquet"

    def _stopping(self, wildcards: Any) -> str:
        """The flags of racing or a hurdle, and of how many candidates of its pool a job takes."""
        owner = _owner(wildcards)
        if hasattr(owner, "pool"):
            return ""
        method = self.config.search.methods[owner.method]
        stops = {"racing": method.racing, "hurdle": method.hurdle}
        takes = method.population if method.pool and owner.generation == 0 else None
        told = flags_of(**{name: settings for name, settings in stops.items() if settings})
        return f"{told} {flag('--first', takes)}"

    def trains_alone(self, wildcards: Any) -> str:
        """The flag of a run that trains its share of the pool itself, because it may stop trainings."""
        return "--trains-alone" if self.config.search.methods[wildcards.method].stops else ""

    def run_folder(self, wildcards: Any) -> str:
        """The folder of a run."""
        return f"{self.results}/search/{wildcards.method}/seed{wildcards.run_seed}"

    def pool_flag(self, wildcards: Any) -> str:
        """The flag with the folder of the pool, if there is one."""
        return flag("--pool", self._pool(wildcards) and self._generation_folder(wildcards, 0))

    def _as_written(self, pool: str | None) -> bool:
        """Whether a search from this pool trains losses without matching their scale."""
        return pool is not None and not self.config.search.pools[pool].match_gradient_scale

    def _pool(self, wildcards: Any) -> str | None:
        """The pool that a rule's wildcards name, or that their method starts from."""
        if hasattr(wildcards, "pool"):
            return wildcards.pool
        return self.config.search.methods[wildcards.method].pool

    def generations(self, method: str) -> range:
        """All generations of a method, from the initial population on."""
        return range(self.config.search.generations_of(method) + 1)

    def population(self, wildcards: Any, generation: int) -> str:
        """The population after a generation."""
        return f"{self.run_folder(wildcards)}/generation{generation}/population.parquet"

    def previous_population(self, wildcards: Any) -> str | list[str]:
        """The population before a generation; nothing for generation 0."""
        generation = int(wildcards.generation)
        return self.population(wildcards, generation - 1) if generation else []

    def last_population(self, wildcards: Any) -> str:
        """The population after the last generation."""
        return self.population(wildcards, self.config.search.generations_of(wildcards.method))

    def candidates(self, wildcards: Any) -> str:
        """The candidates of a generation; generation 0 is the pool's, if there is one."""
        return f"{self._generation_folder(wildcards, int(wildcards.generation))}/candidates.parquet"

    def evaluations(self, wildcards: Any) -> list[str]:
        """The evaluations of a generation, one file per batch."""
        return self._evaluations(wildcards, int(wildcards.generation))

    def populations(self, wildcards: Any) -> list[str]:
        """All populations of a run. When they exist, the run's other records exist too.

        Naming those as well would only make the planning of a long search take half as long again.
        """
        return [self.population(wildcards, g) for g in self.generations(wildcards.method)]

    def batches(self, wildcards: Any) -> str:
        """The number of batches of each generation of a method, as a JSON list."""
        method = wildcards.method
        counts = [self.config.search.batches(method, g) for g in self.generations(method)]
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
        batches = self.config.search.batches(wildcards.method, generation)
        return [f"{folder}/evaluations/{batch}.parquet" for batch in range(batches)]

    # The final retraining

    def champion(self, wildcards: Any) -> list[str]:
        """The champion.json of a loss that is a champion, else nothing."""
        if wildcards.loss in self.config.retrain.formulas():
            return []
        method, seed = self.config.champions()[wildcards.loss]
        return [f"{self.results}/search/{method}/seed{seed}/champion.json"]

    def loss_flag(self, wildcards: Any) -> list[str]:
        """The flag that names the loss: its formula, or the champion's file."""
        formula = self.config.retrain.formulas().get(wildcards.loss)
        if formula is None:
            return ["--champion", *self.champion(wildcards)]
        return [f"--formula={formula}"]

    def loss_code(self, wildcards: Any) -> list[str]:
        """The `module:function` of a loss, whose source counts as code; empty for other losses."""
        return functions_of([self.config.retrain.formulas().get(wildcards.loss, "")])

    def block(self, wildcards: Any) -> list[int]:
        """The training seeds of a block."""
        return self.config.retrain.blocks()[int(wildcards.block)]


def _timeless(method: MethodSettings) -> MethodSettings:
    """A method's settings without its number of generations: no generation depends on it."""
    return method.model_copy(update={"generations": None})


def _owner(wildcards: Any) -> Any:
    """The pool, or the run and generation, that the wildcard `folder` names; as wildcards."""
    first, second, third = wildcards.folder.split("/")
    if first == "pools":
        return SimpleNamespace(pool=second, run_seed=third.removeprefix("seed"), generation=0)
    return SimpleNamespace(
        method=first,
        run_seed=second.removeprefix("seed"),
        generation=int(third.removeprefix("generation")),
    )


def functions_of(formulas: Iterable[str]) -> list[str]:
    """The formulas of the form `module:function`, each once."""
    return sorted({formula for formula in formulas if ":" in formula})
