"""Settings of data sets and tasks."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from evoloss.learning.label_noise import LabelNoise
from evoloss.learning.sources import SOURCES
from evoloss.strict_model import Problem, StrictModel, not_once

Rate = Annotated[float, Field(gt=0, le=1000)]
Augmentation = Literal["crop", "flip"]
ClassNumber = Annotated[int, Field(ge=0, le=100_000)]

NETWORK_NAMES = (
    "convnet",
    "convnet_wide",
    "mlp",
    "resnet9",
    "resnet18",
    "mobilenet_v3_small",
    "googlenet",
)
"""The modules of `networks/`, listed here because the configuration is read without importing torch."""

REST = "rest"
ClassEntry = ClassNumber | Annotated[list[ClassNumber], Field(min_length=1)] | Literal["rest"]

NETWORK_PATTERN = r"^[A-Za-z_]\w*$|^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


class DatasetSettings(StrictModel):
    """A data set; it is prepared once for all tasks that use it."""

    source: Literal[
        "digits", "mnist", "kmnist", "fashion_mnist", "cifar10", "cifar100", "svhn", "image_folder"
    ]
    """Where the images come from: `digits` (scikit-learn, no download), torchvision, or your own `image_folder`."""
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = ""
    """Name of the prepared copy; by default the source's name and its `classes`."""
    root: str = "data"
    """Folder where torchvision keeps its downloads. Its location does not affect the results."""
    path: str | None = None
    """`image_folder`: the folder with `train/<class>/*` and optionally `test/<class>/*`; or a CSV file with the columns
    `image`, `label` and optionally `split` (train or test)."""
    image_size: Annotated[int, Field(ge=4, le=1024)] = 32
    """`image_folder`: width and height in pixels to which images are scaled and cropped."""
    channels: Literal[1, 3] = 3
    """`image_folder`: 3 reads images as RGB, 1 as grey."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 1 / 3
    """Share to split off as the test split if there is none (`digits`, `image_folder` without test images)."""
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the training part to hold out for validation, stratified by class."""
    split_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of the validation split."""
    classes: list[ClassEntry] | None = None
    """Keep only these classes of the source, and number them from 0: `[3, 8]`. A list merges classes: `[[0, 1], 2]`.
    `rest` merges all classes not named: `[3, rest]`. Null keeps all classes."""

    def groups(self, classes: int) -> list[list[int]]:
        """For each class of this data set, its classes of the source; the source has `classes` of them."""
        if self.classes is None:
            return [[label] for label in range(classes)]
        named = self._named()
        rest = [label for label in range(classes) if label not in named]
        return [
            rest if entry == REST else [entry] if isinstance(entry, int) else entry
            for entry in self.classes
        ]

    def class_count(self) -> int | None:
        """The number of classes; None if it depends on the files of an image folder."""
        return SOURCES[self.source].classes if self.classes is None else len(self.classes)

    def classes_problem(self, classes: int) -> str | None:
        """What is wrong with the setting `classes` if the source has `classes` classes; None if nothing is."""
        if self.classes is None:
            return None
        named = self._named()
        if len(self.classes) < 2:
            return f"got {self.classes}; name at least two, or write [{named[0] if named else 0}, {REST}]"
        if len(set(named)) < len(named) or self.classes.count(REST) > 1:
            return f"got {self.classes}, but each class may stand only once"
        if max(named, default=0) >= classes:
            return f"got {max(named)}, but {self.source} has the classes 0 to {classes - 1}"
        if REST in self.classes and len(named) == classes:
            return f"all {classes} are named, which leaves none for {REST}; leave it out"
        return None

    def _named(self) -> list[int]:
        entries = [[entry] if isinstance(entry, int) else entry for entry in self.classes or []]
        return [label for entry in entries if entry != REST for label in entry]

    def place(self) -> Path:
        """The folder (or CSV file) that the images are read from."""
        return Path(os.path.expanduser(self.root if self.path is None else self.path))  # noqa: PTH111 (Path.expanduser raises)

    def anywhere(self) -> "DatasetSettings":
        """The same settings without the location: what decides the images on any machine."""
        path = None if self.path is None else "anywhere"
        return self.model_copy(update={"root": "anywhere", "path": path})

    def problems(self) -> Iterator[Problem]:
        """A missing or unneeded path, and classes that the source does not have."""
        if self.source == "image_folder" and self.path is None:
            yield "path", "an image_folder needs a path, the folder that holds train/<class>/*"
        if self.source != "image_folder" and self.path is not None:
            yield "path", f"only an image_folder has one; {self.source} lies below its root"
        known = SOURCES[self.source].classes
        if problem := known and self.classes_problem(known):
            yield "classes", problem

    @model_validator(mode="before")
    @classmethod
    def _own_name(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("name"):
            return value
        if not isinstance(value.get("source"), str):
            return value
        words = [
            value["source"],
            *re.findall(r"[a-z0-9]+", str(value.get("classes") or "").lower()),
        ]
        return {**value, "name": "_".join(words)}


class TaskSettings(StrictModel):
    """A data set, a network and a training schedule, on which losses are tried."""

    dataset: DatasetSettings
    """The data set: the name of its source, or a mapping with its options."""
    training_images: int | float | None = None
    """Train on a stratified sample: a number of images, or a fraction such as 0.1; null takes all."""
    label_noise: LabelNoise = LabelNoise(share=0.0)
    """Noise on the training labels: a share, or a mapping with a kind and its options. Test labels stay clean."""
    validation: Literal["noisy", "clean"] = "noisy"
    """Whether the validation labels have the noise too, as in practice when no clean labels are available."""
    input_noise: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Standard deviation of Gaussian noise on the training images, as a multiple of each channel's own. It is drawn
    once per image; validation and test images stay clean."""
    balanced: bool = False
    """Score by class-balanced accuracy (the mean of the classes' recalls), for data with classes of unequal size."""
    network: Annotated[str, Field(pattern=NETWORK_PATTERN)] = "convnet"
    """A network by name, or a function `some.module:function` that is called with (input_shape, classes)."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=2, le=100_000)] = 64
    """Images per step (a single image has no batch statistics). An epoch's incomplete last batch is left out."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`sgd` uses Nesterov momentum."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd; not used by adamw."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 5.0e-4
    """Weight decay of the optimiser."""
    schedule: Literal["one_cycle", "cosine"] = "one_cycle"
    """`one_cycle`: the learning rate rises to its peak and falls to zero; `cosine`: it only falls."""
    warmup_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the steps in which `one_cycle` rises."""
    learning_rates: Annotated[list[Rate], Field(min_length=1)] = [0.1, 0.2, 0.4, 0.8]
    """Peak rates that rule `tune` tries with cross entropy, and retraining with every loss. While the best rate lies
    at an edge of this grid, the grid grows there by a factor of 2."""
    tuning_seeds: Annotated[int, Field(ge=1, le=100)] = 3
    """Number of trainings per learning rate in a sweep, each with its own seed and validation split."""
    augmentation: list[Augmentation] | Literal["auto"] = []
    """Random changes to training images: `crop` (shift by up to an eighth of the side), `flip` (mirror); or `auto`, the
    list that suits the data set."""
    match_gradient_scale: bool = True
    """Multiply every loss by a constant so that its initial gradient is as large as cross entropy's."""
    early_stopping: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Stop after this many epochs without a better validation accuracy and take the best epoch's weights. Null trains
    to the end and takes the last weights."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 autocast on a GPU and float32 on a CPU."""

    @field_validator("dataset", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @field_validator("label_noise", mode="before")
    @classmethod
    def _symmetric_share(cls, value: Any) -> Any:
        return {"share": float(value)} if isinstance(value, int | float) else value

    @field_validator("training_images")
    @classmethod
    def _count_or_fraction(cls, value: int | float | None) -> int | float | None:
        whole = isinstance(value, int) and value >= 2
        if value is None or whole or (isinstance(value, float) and 0 < value <= 1):
            return value
        raise ValueError(
            f"got {value}; write a number of images, at least 2, or a fraction such as 0.1"
        )

    @model_validator(mode="before")
    @classmethod
    def _suitable_augmentation(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("augmentation") != "auto":
            return value
        dataset = value.get("dataset")
        name = dataset.get("source") if isinstance(dataset, dict) else dataset
        source = SOURCES.get(name) if isinstance(name, str) else None
        return {**value, "augmentation": list(source.augmentation) if source else []}

    def anywhere(self) -> "TaskSettings":
        """The same settings without the location of the data set."""
        return self.model_copy(update={"dataset": self.dataset.anywhere()})

    def problems(self) -> Iterator[Problem]:
        """Unsorted or repeated list entries, an unknown network, and label noise that does not suit the classes."""
        if sorted(set(self.learning_rates)) != self.learning_rates:
            yield "learning_rates", f"got {self.learning_rates}; they must ascend, each rate once"
        yield from not_once(augmentation=self.augmentation)
        if ":" not in self.network and self.network not in NETWORK_NAMES:
            yield (
                "network",
                f"got {self.network!r}; there are {', '.join(NETWORK_NAMES)}, or write module:function",
            )
        classes = self.dataset.class_count()
        if problem := classes and self.label_noise.problem(classes):
            yield "label_noise", problem
        if self.label_noise.kind == "file" and self.dataset.classes is not None:
            yield (
                "label_noise",
                "a file of labels uses the source's own classes; remove dataset.classes",
            )
