"""Settings that all search methods share; the module of each algorithm adds its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from evoloss.functional_check.settings import Stage
from evoloss.search.racing import HurdleSettings, RacingSettings
from evoloss.strict_model import Problem, StrictModel

Evidence = Literal["draft", "code", "paper", "recalled", "chosen"]


@dataclass(frozen=True)
class Published:
    """What a source says about one setting.

    `evidence`: read in the thesis `draft`, in the authors' `code`, or in the abstract or a summary of the `paper`;
    `recalled` but not checked; or `chosen`: nothing was published, and `value` is ours.
    """

    value: Any
    evidence: Evidence
    where: str


@dataclass(frozen=True)
class SourceCheck:
    """What a source says about checks before training.

    `stages`: the stages of the functional check that are closest to what it describes; None if it describes no check.
    `initial`: whether it checks the initial population too; None: not said. `evidence`: None if nothing was found.
    """

    stages: tuple[Stage, ...] | None
    initial: bool | None
    evidence: Evidence | None
    where: str


class MethodSettings(StrictModel):
    """The base of every algorithm's `Settings`."""

    published: ClassVar[dict[str, Published]] = {}
    """Setting -> its value in the source; together they are the preset `published`."""
    source_check: ClassVar[SourceCheck | None] = None
    """What the source checks; these stages belong to the preset `published`. None: there is no source."""
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Further presets by name; each lists its differences from `published`."""

    algorithm: str
    """The algorithm: a module of `evoloss.search`."""
    preset: str | None = None
    """Preset of the algorithm that fills in what is not given; `published` has the settings of its source."""
    pool: str | None = "default"
    """The pool whose first `population` individuals the run starts from."""
    population: Annotated[int, Field(ge=1, le=100_000)] = 20
    """P: individuals that survive each generation."""
    generations: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """T of this method; null takes `search.generations`. A method that trains less per generation needs
    more generations to spend a budget."""
    stages: list[Stage] | None = None
    """Stages of the functional check for this method; null takes those of `search.functional_check`."""
    smallest_alignment: Annotated[float, Field(ge=-1, le=1)] | None = None
    """`search.functional_check.smallest_alignment` for this method; -1 for none; null takes that value."""
    reuse: bool = False
    """If true, a candidate that trains like an evaluated one takes its fitness, without training or charge; if false,
    stage `novel` rejects it."""
    racing: RacingSettings | None = None
    """Race the new candidates of each generation, the initial one included; null trains all to the end."""
    hurdle: HurdleSettings | None = None
    """Stop a training that is far behind cross entropy at the same step; null stops none."""

    def problems(self) -> Iterator[Problem]:
        """Two ways to stop a training."""
        if self.racing and self.hurdle:
            yield "hurdle", "a race has its own stops; write racing or hurdle"

    @property
    def stops(self) -> bool:
        """Whether trainings may be stopped; then the run trains its individuals of the pool itself."""
        return self.racing is not None or self.hurdle is not None

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        name = values.get("preset") if isinstance(values, dict) else None
        if name is None:
            return values
        known = ["published", *cls.presets] if cls.published else []
        if name not in known:
            raise ValueError(
                f"preset: got {name!r}; "
                + (f"there are {', '.join(known)}" if known else "this algorithm has none")
            )
        source = {setting: entry.value for setting, entry in cls.published.items()}
        if cls.source_check and cls.source_check.stages is not None:
            source = {"stages": list(cls.source_check.stages)} | source
        return source | cls.presets.get(name, {}) | values


class MutationSettings(MethodSettings):
    """The base of a method that breeds trees or graphs by mutation alone."""

    representation: Literal["tree", "graph"] = "tree"
    """What an individual is: a tree, or a graph whose parts may be shared (`expressions.graph`). The trees of
    the pool become graphs when they are mutated."""


class GenerationalSettings(MethodSettings):
    """The base of a method whose children replace all but the best of their parents."""

    elites: Annotated[int, Field(ge=0, le=100_000)] = 1
    """Individuals that are carried over; the rest of the population are children."""

    def problems(self) -> Iterator[Problem]:
        """Elites that leave no place for children."""
        yield from super().problems()
        if self.elites >= self.population:
            yield (
                "elites",
                f"{self.elites} leaves no place for children in a population of {self.population}",
            )

    @property
    def children(self) -> int:
        """Children per generation."""
        return self.population - self.elites


class RescoreSettings(StrictModel):
    """Re-scoring of incumbents and finalists on fresh seeds and splits, not charged to the search."""

    finalists: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many of the best of the last population are re-scored, beside all incumbents."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 5
    """Fresh trainings per candidate and task."""
