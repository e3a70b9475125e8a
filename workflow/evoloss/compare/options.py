"""The command line of `python -m evoloss.compare`: a task's settings as flags, under their own names."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from evoloss.errors import UserError
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.strict_model import StrictModel
from evoloss.study.sentences import sentences


@dataclass(frozen=True)
class Option:
    """A flag that sets one setting of the task of `--images`."""

    of: type[StrictModel]
    kind: type
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] | None = None


OPTIONS = {
    "network": Option(TaskSettings, str),
    "image_size": Option(DatasetSettings, int),
    "channels": Option(DatasetSettings, int),
    "validation_fraction": Option(DatasetSettings, float),
    "test_fraction": Option(DatasetSettings, float),
    "training_images": Option(TaskSettings, int),
    "augmentation": Option(TaskSettings, str, many=True, choices=("crop", "flip")),
    "balanced": Option(TaskSettings, bool),
    "epochs": Option(TaskSettings, int),
    "batch_size": Option(TaskSettings, int),
    "optimizer": Option(TaskSettings, str),
    "weight_decay": Option(TaskSettings, float),
    "learning_rates": Option(TaskSettings, float, many=True, default=[0.0125, 0.05, 0.2]),
    "tuning_seeds": Option(TaskSettings, int, default=1),
}
"""The settings of a task of `--images`, under their names in a configuration."""


def task_of(images: str, chosen: Mapping[str, Any]) -> TaskSettings:
    """The settings of a task on the user's own images. Raises UserError if they are invalid."""
    raw: dict[str, Any] = {"dataset": {"source": "image_folder", "path": images}}
    for name, option in OPTIONS.items():
        value = chosen[name] if chosen[name] is not None else option.default
        if value is not None:
            (raw["dataset"] if option.of is DatasetSettings else raw)[name] = value
    try:
        return TaskSettings.model_validate(raw)
    except ValidationError as error:
        raise UserError(with_flags("\n".join(sentences(error, TaskSettings, raw)))) from None


def with_flags(message: str) -> str:
    """The message, with each key of a configuration replaced by its flag."""
    keys = "|".join(OPTIONS)
    return re.sub(
        rf"(?:\btasks\.images\.|\bdataset\.|^)({keys})\b", lambda found: flag_of(found[1]), message
    )


def arguments(words: list[str]) -> list[str]:
    """The words of a command line, changed so that an expression may begin with a minus."""
    # argparse does not read a word with a space in it as a flag.
    return [f" {word}" if re.match(r"-[^-].*[(*]", word) else word for word in words]


def flag_of(name: str) -> str:
    """`image_size` -> `--image-size`."""
    return f"--{name.replace('_', '-')}"


def parser(description: str) -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m evoloss.compare",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("loss", help="catalogue name, expression over p and y, or module:function")
    where = made.add_mutually_exclusive_group(required=True)
    where.add_argument("--images", help="a folder of images, or a CSV file with image and label")
    where.add_argument("--task", help="a task of the configuration")
    made.add_argument(
        "--configfile", nargs="+", default=[], help="with --task: YAML files over the default"
    )
    made.add_argument("--seeds", type=int, default=5, help="pairs of trainings (default 5)")
    made.add_argument("--test", action="store_true", help="score on the test images")
    own = made.add_argument_group("with --images, as in a configuration")
    for name, option in OPTIONS.items():
        field = option.of.model_fields[name]
        usual = option.default if option.default is not None else field.default
        shown = " ".join(map(str, usual)) if isinstance(usual, list) else usual
        text = " ".join((field.description or "").removeprefix("`image_folder`: ").split())
        text = text.replace("%", "%%").replace("`", "")
        if option.kind is bool:
            own.add_argument(flag_of(name), action="store_const", const=True, help=text)
            continue
        text += "" if usual in (None, []) else f" (default {shown})"
        nargs = "+" if option.many else None
        own.add_argument(
            flag_of(name), type=option.kind, nargs=nargs, choices=option.choices, help=text
        )
    return made
