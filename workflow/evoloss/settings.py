"""The configuration as a whole: assembles what each room declares, and says what is wrong with it.

No step imports this module: a step is told the settings it needs. `python -m evoloss.settings` prints the
JSON schema that is kept in `workflow/schemas/config.schema.json` for editors.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, Self, Union

from pydantic import Field, ValidationError, model_validator

from evoloss.errors import UserError
from evoloss.expressions.settings import PoolSettings
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.losses.registry import CATALOGUE, formula_of
from evoloss.reporting.deliverables import FIGURES, TABLES
from evoloss.reporting.settings import ReportSettings
from evoloss.search.fitness import BASELINE
from evoloss.search.method import algorithms, load_algorithm
from evoloss.search.settings import RescoreSettings
from evoloss.settings_errors import sentences, shown
from evoloss.settings_problems import disagreements
from evoloss.strict_model import StrictModel

NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=80)]
"""Of folders and files too, hence the length."""
Seeds = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1)]
Multiple = Annotated[float, Field(ge=1 / 1024, le=1024)]
Rates = Annotated[list[Multiple], Field(min_length=1)]
LossEntry = str | Annotated[dict[Name, str], Field(min_length=1, max_length=1)]

MethodEntry = Annotated[
    Union[tuple(load_algorithm(name).Settings for name in algorithms())],  # noqa: UP007
    Field(discriminator="algorithm"),
]

REFERENCE = "ngl_gp"

NO_SEARCH = {"tasks": [], "run_seeds": [0], "generations": 1, "pools": {}, "methods": {}}
"""What `search: null` stands for: a study that only retrains."""

OF_A_SEARCH = {"runs", "scores", "candidates", "audit", "shapes", "ablation", "checks"}
"""Kinds of records that there are only where something was searched."""


class SearchSettings(StrictModel):
    """What is searched, how, and how often."""

    tasks: list[str]
    """Tasks whose validation accuracy makes the fitness."""
    run_seeds: Seeds
    """One run of every method each; runs are the unit of replication."""
    generations: Annotated[int, Field(ge=1, le=100_000)]
    """T: rounds of breeding after the initial population; a method may have its own."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 8
    """Candidates that one job trains in turn."""
    rates: Rates = [1.0]
    """Multiples of cross entropy's rate that a new candidate is trained at; its fitness is the best. What more
    than one buys: `search/fitness.py`."""
    target_fitness: Annotated[float, Field(gt=0, le=1000)] | None = None
    """A run asks for no more trainings once its best fitness reaches this; null never stops."""
    budget_samples: (
        Annotated[int, Field(ge=1, le=10**15)]
        | Annotated[str, Field(pattern=r"^[1-9]\d* trainings?$")]
        | None
    ) = None
    """Training samples that a run may spend, or as many as so many whole trainings take (`24 trainings`); it
    plans no training that would go beyond. Null: no limit."""
    audit_trainings: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Of what a run rejected or stopped, so many expressions are trained in full afterwards, off its books."""
    pools: dict[Name, PoolSettings]
    """Initial populations by name."""
    functional_check: FunctionalCheckSettings = FunctionalCheckSettings()
    """The cheap tests before any training."""
    rescore: RescoreSettings = RescoreSettings()
    """Re-scoring of incumbents and finalists."""
    methods: dict[Name, MethodEntry]
    """Methods by name: an algorithm with settings."""
    leave_out: list[str] = []
    """Methods that this study does not run."""


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
    block_size: Annotated[int, Field(ge=1, le=100_000)] = 5
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


class MachineSettings(StrictModel):
    """How this machine works. No change of it reruns anything."""

    job_server: bool = True
    """Import torch once a run and fork a process a job; without it every job starts Python."""
    cuda_graphs: bool = True
    """Capture a training step on a GPU and replay it; without it every step is taken by Python."""
    compile: bool = False
    """Let torch compile networks that train alone: pays in jobs that train for minutes on a GPU."""
    side_by_side: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Candidates that a job trains at once where the network is small: null is 64 on a GPU, 1 on a CPU."""
    training_seconds: Annotated[int, Field(ge=1, le=10_000_000)] | None = 21_600
    """Seconds after which a training counts as hanging and has failed; null waits for ever."""


class Config(StrictModel):
    """A study: one configuration and all it produces, under `results/<study>/`."""

    study: Name
    """Name of the study, and of its folder under results/."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?)$")] = "auto"
    """`auto` takes a CUDA GPU if there is one; or `cpu`, `cuda`, `cuda:1`, ..."""
    machine: MachineSettings = MachineSettings()
    """How this machine works."""
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
        problems = list(disagreements(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def generations(self, method: str) -> int:
        """T of a method: its own, or the study's."""
        return self.search.methods[method].generations or self.search.generations

    def reference_method(self) -> str | None:
        """The method that costs and results are compared with; None without a search."""
        methods = list(self.search.methods)
        default = REFERENCE if REFERENCE in methods else methods[-1] if methods else None
        return self.report.reference_method or default

    def tables(self) -> list[str]:
        """The tables of this study: none of what it has not."""
        wanted = {
            "champions": self._has_champions(),
            # Beyond the one task that a search is for, and only where a loss is new.
            "transfer": len(self.retrain.tasks) > 1 and self.retrained() != self.published(),
            "parameters": bool(self.search.methods),
            "ablation": self.report.ablation_base is not None,
            "published_losses": bool(self.report.conditions),
            "label_noise": any(c.setting == "label_noise" for c in self.report.conditions),
            "epochs_to_target": not self.report.conditions,
        }
        return self._wanted(TABLES, wanted)

    def figures(self) -> list[str]:
        """The figures of this study: what compares champions needs their final trainings."""
        wanted = {
            "critical_difference": self._has_champions(),
            "flowchart": bool(self.search.methods),
            # A row a task: too many for a page where tasks are conditions.
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

    def published(self) -> list[str]:
        """The configured losses of the retraining that others have published."""
        known = (name for name in self.retrain.formulas() if name in CATALOGUE)
        return [name for name in known if CATALOGUE[name].evidence != "bred"]

    def _has_champions(self) -> bool:
        return self.retrain.champions and bool(self.search.methods)

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


def load(raw: Mapping[str, Any]) -> Config:
    """The configuration from Snakemake's merged mapping.

    An entry of `tasks`, `search.pools` or `search.methods` that is null is left out, so that an
    overlay can drop what the default has, and so is a method in `search.leave_out`; `search: null` drops the search as a whole, and with it
    champions and whatever compares methods. Raises UserError with one sentence a problem.
    """
    raw = _without_nulls(_without_left_out(_plain(raw)))
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
    if not DEFAULT.is_file():
        raise UserError(
            f"there is no {DEFAULT}: configurations and their tasks need a checkout of evoloss, which an installed package "
            "is not"
        )
    merged: dict[str, Any] = {}
    for path in [DEFAULT, *overlays]:
        merge(merged, read_yaml(path))
    return load(merged)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A configuration file, in which no key stands twice: YAML would take the last, silently. Raises UserError."""
    import yaml

    class Once(yaml.SafeLoader):
        """Refuses a mapping with a key twice."""

        def construct_mapping(self, node, deep=False):
            seen: dict[Any, int] = {}
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                line = key.start_mark.line + 1
                if key.value in seen:
                    raise UserError(
                        f"{path}, line {line}: the key {key.value[:80]!r} stands in line {seen[key.value]} too; keep one"
                    )
                seen[key.value] = line
            return super().construct_mapping(node, deep)

    try:
        # yaml.load with a safe loader of our own.
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=Once)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not text in UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} is not valid YAML: {shorten(str(error), 500)}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping of keys, as config/config.yaml does")
    return content


def as_yaml(config: Mapping[str, Any]) -> str:
    """A merged configuration as a file that gives the same again, merged over the default."""
    import yaml

    plain = json.loads(json.dumps(config, default=str))
    return "# The configuration of the last run, complete.\n" + yaml.safe_dump(
        plain, allow_unicode=True, sort_keys=False
    )


def typed(given: Any) -> Any:
    """What Snakemake's `--config` gives, in which nested values are texts, as YAML would read them."""
    import yaml

    if isinstance(given, Mapping):
        return {key: typed(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [typed(value) for value in given]
    if not isinstance(given, str):
        return given
    try:
        value = yaml.safe_load(given)
    except yaml.YAMLError:
        return given
    return value if isinstance(value, int | float | bool | None) else given


def merge(config: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    """Lay `overlay` over `config` in place, as Snakemake does, without which the package is installed too."""
    for key, value in overlay.items():
        if not isinstance(value, Mapping):
            config[key] = value
        elif value or key not in config:
            if not isinstance(config.get(key), dict):
                config[key] = {}
            merge(config[key], value)


def _plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as JSON has it; raises UserError for what JSON has not."""
    try:
        return json.loads(json.dumps(_text_keyed(raw), default=str))
    except (ValueError, RecursionError):
        raise UserError("the configuration is nested too deeply, or contains itself") from None


def _text_keyed(value: Any, key: str = "") -> Any:
    """`value`, if all keys in it are texts; raises UserError for one that YAML reads as a date or a number."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise UserError(
                    f"{key or 'the configuration'}: the key {_shown(name)} is {type(name).__name__} for YAML, but must be "
                    "text; put it in quotes"
                )
        return {
            name: _text_keyed(inner, f"{key}.{name}".strip(".")) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_text_keyed(inner, key) for inner in value]
    return value


def _shown(value: Any) -> str:
    return shown(value if isinstance(value, str | int | float | bool | None) else str(value))


def _without_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    if "search" in raw and raw["search"] is None:
        raw["search"] = NO_SEARCH
    search = raw.get("search")
    holders = [(raw, "tasks")]
    if isinstance(search, dict):
        holders += [(search, "pools"), (search, "methods")]
    for holder, key in holders:
        if isinstance(holder.get(key), dict):
            holder[key] = {name: value for name, value in holder[key].items() if value is not None}
    return raw


def _without_left_out(raw: dict[str, Any]) -> dict[str, Any]:
    search = raw.get("search")
    methods = search.get("methods") if isinstance(search, dict) else None
    if not isinstance(search, dict) or not isinstance(methods, dict):
        return raw
    named = search.get("leave_out")
    if isinstance(named, list):
        unknown = [name for name in named if not isinstance(name, str) or name not in methods]
        if unknown:
            raise UserError(
                f"search.leave_out: {shown(unknown[0])} is no method; there are {', '.join(methods)}"
            )
        search["methods"] = {k: v for k, v in methods.items() if k not in named}
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
