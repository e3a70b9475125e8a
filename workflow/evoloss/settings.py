"""The configuration as a whole: assembles what each room declares, and says what is wrong with it.

No step imports this module: a step is told the settings it needs. `python -m evoloss.settings` prints the JSON schema that is
kept in `workflow/schemas/config.schema.json` for editors.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self, Union

from pydantic import Field, ValidationError, model_validator

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import PoolSettings
from evoloss.expressions.tree import Expression
from evoloss.functional_check import structure
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.learning.settings import NETWORK_NAMES, DatasetSettings, TaskSettings
from evoloss.learning.sources import SOURCES
from evoloss.losses.catalogue import CATALOGUE, formula_of
from evoloss.own_parts import own_part_problem
from evoloss.reporting.deliverables import FIGURES, TABLES
from evoloss.reporting.settings import ReportSettings
from evoloss.search.method import algorithms, load_algorithm
from evoloss.search.settings import RescoreSettings
from evoloss.settings_errors import sentences
from evoloss.strict_model import StrictModel

NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME)]
Seeds = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1)]
LossEntry = str | Annotated[dict[Name, str], Field(min_length=1, max_length=1)]

MethodEntry = Annotated[
    Union[tuple(load_algorithm(name).Settings for name in algorithms())],  # noqa: UP007
    Field(discriminator="algorithm"),
]

BASELINE = "cross_entropy"
REFERENCE = "ngl_gp"


class SearchSettings(StrictModel):
    """What is searched, how, and how often."""

    tasks: Annotated[list[str], Field(min_length=1)]
    """Tasks whose validation accuracy makes the fitness."""
    run_seeds: Seeds
    """One run of every method each; runs are the unit of replication."""
    generations: Annotated[int, Field(ge=1, le=100_000)]
    """T: rounds of breeding after the initial population."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 8
    """Trainings that one job does in turn."""
    target_fitness: Annotated[float, Field(gt=0)] | None = None
    """A run asks for no more trainings once its best fitness reaches this; null never stops."""
    budget_samples: Annotated[int, Field(ge=1)] | None = None
    """Training samples that a run may spend; it plans no training that would go beyond. Null: no limit."""
    audit_trainings: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Of what a run rejected or stopped, so many expressions are trained in full afterwards, off its books."""
    pools: dict[Name, PoolSettings]
    """Initial populations by name."""
    functional_check: FunctionalCheckSettings = FunctionalCheckSettings()
    """The cheap tests before any training."""
    rescore: RescoreSettings = RescoreSettings()
    """Re-scoring of incumbents and finalists."""
    methods: Annotated[dict[Name, MethodEntry], Field(min_length=1)]
    """Methods by name: an algorithm with settings."""


class RetrainSettings(StrictModel):
    """The final trainings, on which the test accuracies stand."""

    tasks: Annotated[list[str], Field(min_length=1)]
    """Tasks that every loss is retrained on."""
    losses: list[LossEntry] = [BASELINE]
    """Catalogue names, expressions, module:function, or `name: loss`; champions add themselves."""
    champions: bool = True
    """Retrain the champion of every run."""
    training_seeds: Seeds
    """One training a loss and task each."""
    block_size: Annotated[int, Field(ge=1)] = 5
    """Training seeds that one job does in turn."""

    def formulas(self) -> dict[str, str]:
        """Name of the loss -> its expression or `module:function`, in the configured order."""
        found: dict[str, str] = {}
        for entry in self.losses:
            if isinstance(entry, dict):
                ((name, text),) = entry.items()
            else:
                name, text = _name_of(entry), entry
            found[name] = formula_of(text)
        return found

    def blocks(self) -> list[list[int]]:
        """The training seeds, cut into jobs."""
        step = self.block_size
        return [self.training_seeds[i : i + step] for i in range(0, len(self.training_seeds), step)]


class Config(StrictModel):
    """A study: one configuration and all it produces, under `results/<study>/`."""

    study: Name
    """Name of the study, and of its folder under results/."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """`auto` takes a CUDA GPU if there is one; or `cpu`, `cuda`, `cuda:1`, ..."""
    tasks: Annotated[dict[Name, TaskSettings], Field(min_length=1)]
    """Tasks by name: data set x network x training schedule."""
    search: SearchSettings
    """The search."""
    retrain: RetrainSettings
    """The final trainings."""
    report: ReportSettings = ReportSettings()
    """The summary."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = list(_disagreements(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def reference_method(self) -> str:
        """The method that costs and results are compared with."""
        methods = list(self.search.methods)
        default = REFERENCE if REFERENCE in methods else methods[-1]
        return self.report.reference_method or default

    def tables(self) -> list[str]:
        """The tables of this study: without champions none of them, without a base no ablation."""
        wanted = {
            "champions": self.retrain.champions,
            "ablation": self.report.ablation_base is not None,
        }
        return [name for name in TABLES if wanted.get(name, True)]

    def figures(self) -> list[str]:
        """The figures of this study: what compares champions needs their final trainings."""
        wanted = {"critical_difference": self.retrain.champions}
        return [name for name in FIGURES if wanted.get(name, True)]

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

    def batches(self, method: str, generation: int) -> int:
        """How many evaluation jobs a generation of a method has; generation 0 is its pool's, unless
        the method stops trainings. A race is one job."""
        settings = self.search.methods[method]
        if settings.racing:
            return 1
        if generation or not settings.pool:
            slots = load_algorithm(settings.algorithm).slots(settings, generation)
        elif settings.stops:
            slots = settings.population
        else:
            return self.pool_batches(settings.pool)
        return max(1, math.ceil(slots / self.search.batch_size))

    def pool_batches(self, pool: str) -> int:
        """How many evaluation jobs a pool has for one run seed."""
        return math.ceil(self.search.pools[pool].size / self.search.batch_size)


def _name_of(loss: str) -> str:
    """The name of a loss that was given none: its own, its function's, or a hash of its text."""
    own = loss.rpartition(":")[2]
    if re.fullmatch(NAME, own) and own not in {"p", "y"}:
        return own
    kind = "function" if ":" in loss else "expression"
    return f"{kind}_{hashlib.sha256(loss.encode()).hexdigest()[:8]}"


def _disagreements(config: Config) -> Iterator[str]:
    """Sentences about keys that are each legal but do not go together."""
    search, retrain = config.search, config.retrain
    if config.study == "published":
        yield "study: 'published' is the folder of published results; choose another name"
    for key, names in (("search.tasks", search.tasks), ("retrain.tasks", retrain.tasks)):
        for name in names:
            if name not in config.tasks:
                yield f"{key}: unknown task {name!r}; there are {', '.join(config.tasks)}"
    lists = {
        "search.tasks": search.tasks,
        "search.run_seeds": search.run_seeds,
        "retrain.tasks": retrain.tasks,
        "retrain.training_seeds": retrain.training_seeds,
    }
    for key, values in lists.items():
        if len(set(values)) != len(values):
            yield f"{key}: got {values}, but each entry may stand only once"
    for name, method in search.methods.items():
        key = f"search.methods.{name}"
        if name == "pools" or name in CATALOGUE:
            yield f"{key}: a method cannot be called {name!r}; choose another name"
        if method.pool is None:
            if type(method).model_fields["pool"].default is not None:
                yield f"{key}.pool: got null, but {method.algorithm} starts from a pool; name one"
        elif method.pool not in search.pools:
            yield f"{key}.pool: unknown pool {method.pool!r}; there are {', '.join(search.pools)}"
        elif method.population > search.pools[method.pool].size:
            yield (
                f"{key}.population: got {method.population}, but its pool {method.pool!r} holds "
                f"{search.pools[method.pool].size} individuals; raise search.pools.{method.pool}.size"
            )
        if method.reuse and "novel" not in (method.stages or search.functional_check.stages):
            yield (
                f"{key}.reuse: it rests on the stage novel of the functional check; add novel to "
                f"{key}.stages, or set reuse: false"
            )
    for name, task in config.tasks.items():
        if config.datasets()[task.dataset.name] != task.dataset:
            yield (
                f"tasks.{name}.dataset: another task uses a data set named {task.dataset.name!r} with "
                "other options; give one of them a name of its own"
            )
        if ":" in task.network:
            problem = own_part_problem(task.network)
            if problem:
                yield f"tasks.{name}.network: got {task.network!r}, but {problem}"
        elif task.network not in NETWORK_NAMES:
            yield (
                f"tasks.{name}.network: got {task.network!r}; there are {', '.join(NETWORK_NAMES)}, "
                "or write module:function"
            )
    yield from _initial_loss_problems(config)
    yield from _loss_problems(config)
    base = config.report.ablation_base
    if base is not None and base not in search.methods:
        yield f"report.ablation_base: unknown method {base!r}; there are {', '.join(search.methods)}"
    if config.reference_method() not in search.methods:
        yield (
            f"report.reference_method: unknown method {config.report.reference_method!r}; "
            f"there are {', '.join(search.methods)}"
        )


def _initial_loss_problems(config: Config) -> Iterator[str]:
    # Those of image folders are known when they are read; rule initialise asks again.
    sources = {
        config.tasks[task].dataset.source for task in config.search.tasks if task in config.tasks
    }
    classes = {SOURCES[source].classes for source in sources} - {None}
    for name, pool in config.search.pools.items():
        key = f"search.pools.{name}.initial_losses"
        if len(pool.initial_losses) > pool.size:
            yield (
                f"{key}: got {len(pool.initial_losses)} losses, but the pool holds {pool.size} "
                f"individuals; raise search.pools.{name}.size"
            )
        seen: set[Expression] = set()
        for text in pool.initial_losses:
            try:
                formula = formula_of(text)
            except UserError as error:
                yield f"{key}: {error}"
                continue
            if ":" in formula:
                yield (
                    f"{key}: {text!r} is a function of logits, which a search cannot vary; "
                    "write losses that are expressions over p and y"
                )
                continue
            tree = parse(formula, classes=10)
            if len(classes) > 1 and tree != parse(formula, classes=11):
                yield (
                    f"{key}: {text!r} contains C, the number of classes, which differs between the "
                    f"search tasks ({', '.join(map(str, sorted(classes)))}); write it without C"
                )
            problem = structure.problem(tree, pool.space)
            if problem:
                yield f"{key}: {text!r} is too large for search.pools.{name}.space: {problem}"
            if tree in seen:
                yield f"{key}: {text!r} stands there twice"
            seen.add(tree)


def _loss_problems(config: Config) -> Iterator[str]:
    try:
        formulas = config.retrain.formulas()
    except UserError as error:
        yield f"retrain.losses: {error}"
        return
    if len(formulas) != len(config.retrain.losses):
        yield (
            "retrain.losses: the same loss stands there twice, or two under one name; "
            "write `name: loss` for the second"
        )
    if BASELINE not in formulas:
        yield f"retrain.losses: {BASELINE!r} is missing; every other loss is compared to it"
    for name, formula in formulas.items():
        problem = own_part_problem(formula) if ":" in formula else None
        if problem:
            yield f"retrain.losses: got {formula!r}, but {problem}"
        if name in CATALOGUE and formula != CATALOGUE[name].formula:
            yield f"retrain.losses: {name!r} is a loss of the catalogue; give your own another name"
    for name in set(formulas) & set(config.champions()):
        yield f"retrain.losses: {name!r} is the name of a run's champion; choose another"
    for name in config.report.curve_losses:
        if name not in formulas:
            yield (
                f"report.curve_losses: {name!r} is not among retrain.losses; "
                f"there are {', '.join(formulas)}"
            )


def load(raw: Mapping[str, Any]) -> Config:
    """The configuration from Snakemake's merged mapping.

    An entry of `tasks`, `search.pools` or `search.methods` that is null is left out, so that an
    overlay can drop what the default has. Raises UserError with one sentence a problem.
    """
    raw = _without_nulls(json.loads(json.dumps(raw, default=str)))
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n".join(sentences(error, Config, raw))) from None


DEFAULT = Path(__file__).resolve().parents[2] / "config" / "config.yaml"
"""The complete default, which every other file is merged over."""


def load_files(overlays: Iterable[str | Path]) -> Config:
    """The default configuration with YAML files merged over it in order, as Snakemake merges them.

    Raises UserError for a file that is missing or no YAML mapping, and as `load` does.
    """
    import yaml
    from snakemake.utils import update_config

    merged: dict[str, Any] = {}
    for path in [DEFAULT, *overlays]:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise UserError(f"{path} is not valid YAML: {error}") from None
        if not isinstance(content, dict):
            raise UserError(f"{path} must hold a mapping of keys, as config/config.yaml does")
        update_config(merged, content)
    return load(merged)


def _without_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    search = raw.get("search")
    holders = [(raw, "tasks")]
    if isinstance(search, dict):
        holders += [(search, "pools"), (search, "methods")]
    for holder, key in holders:
        if isinstance(holder.get(key), dict):
            holder[key] = {name: value for name, value in holder[key].items() if value is not None}
    return raw


def schema() -> str:
    """The JSON schema of the configuration, as text."""
    return json.dumps(Config.model_json_schema(), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Print the JSON schema, or with `--study FILE ...` the study's name in merged YAML files."""
    import sys

    import yaml

    if sys.argv[1:2] == ["--study"]:
        texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]
        print({k: v for text in texts for k, v in (yaml.safe_load(text) or {}).items()}["study"])
    else:
        print(schema(), end="")


if __name__ == "__main__":
    main()
