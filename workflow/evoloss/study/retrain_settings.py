"""Settings of the final trainings, whose test accuracies are reported."""

import hashlib
import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from evoloss.errors import UserError
from evoloss.losses.registry import CATALOGUE, formula_of
from evoloss.search.fitness import BASELINE
from evoloss.strict_model import Problem, StrictModel, not_once
from evoloss.study.search_settings import NAME, Name, Seeds

LossEntry = str | Annotated[dict[Name, str], Field(min_length=1, max_length=1)]


class RetrainSettings(StrictModel):
    """The final trainings, whose test accuracies are reported."""

    tasks: Annotated[list[str], Field(min_length=1)]
    """Tasks that every loss is retrained on."""
    losses: list[LossEntry] = [BASELINE]
    """Catalogue names, expressions, module:function, or `name: loss`; champions are added by `champions`."""
    champions: bool = True
    """Retrain the champion of every run."""
    training_seeds: Seeds
    """Each is one training per loss and task."""
    block_size: Annotated[int, Field(ge=1, le=100_000)] = 5
    """Training seeds that one job trains one after another."""

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

    def published(self) -> list[str]:
        """The configured losses that others have published."""
        known = (name for name in self.formulas() if name in CATALOGUE)
        return [name for name in known if CATALOGUE[name].evidence != "bred"]

    def blocks(self) -> list[list[int]]:
        """The training seeds, cut into jobs."""
        step = self.block_size
        return [self.training_seeds[i : i + step] for i in range(0, len(self.training_seeds), step)]

    def problems(self) -> Iterator[Problem]:
        """Repeated entries, losses that cannot be read, and names that are taken."""
        yield from not_once(tasks=self.tasks, training_seeds=self.training_seeds)
        try:
            formulas = self.formulas()
        except UserError as error:
            yield "losses", str(error)
            return
        if len(formulas) != len(self.losses):
            yield (
                "losses",
                "the same loss stands there twice, or two losses have one name; write `name: loss` for the second",
            )
        if BASELINE not in formulas:
            yield "losses", f"{BASELINE!r} is missing; every other loss is compared to it"
        for name, formula in formulas.items():
            if name in CATALOGUE and formula != CATALOGUE[name].formula:
                yield ("losses", f"{name!r} is a loss of the catalogue; give your own another name")


def _name_of(loss: str) -> str:
    """The name of a loss that was given none: the loss itself if it is a name, its function, or a hash of its text."""
    own = loss.rpartition(":")[2]
    if re.fullmatch(NAME, own) and own not in {"p", "y"}:
        return own
    kind = "function" if ":" in loss else "expression"
    return f"{kind}_{hashlib.sha256(loss.encode()).hexdigest()[:8]}"
