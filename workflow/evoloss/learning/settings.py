"""Settings of the learning room: what a task is."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evoloss.strict_model import StrictModel

Rate = Annotated[float, Field(gt=0, le=1000)]

NETWORK_NAMES = ("convnet",)
"""The networks of `networks.py`, named here since configuration is read without torch."""

NETWORK_PATTERN = r"^[A-Za-z_]\w*$|^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


class DatasetSettings(StrictModel):
    """A data set as it is prepared once for all tasks that name it."""

    source: Literal["digits", "fashion_mnist"]
    """Where the images come from: `digits` (scikit-learn's, no download) or `fashion_mnist`."""
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = ""
    """Name of the prepared copy; the source's name unless another is given."""
    root: str = "data"
    """Folder that torchvision keeps its downloads in (not used by `digits`)."""
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the training part that is held out for validation, stratified by class."""
    split_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of that split."""

    @model_validator(mode="before")
    @classmethod
    def _own_name(cls, value: Any) -> Any:
        if (
            isinstance(value, dict)
            and not value.get("name")
            and isinstance(value.get("source"), str)
        ):
            return {**value, "name": value["source"]}
        return value


class TaskSettings(StrictModel):
    """Data set x network x training schedule: what a loss is tried on."""

    dataset: DatasetSettings
    """A data set by its source's name, or a mapping with its options."""
    training_images: Annotated[int, Field(ge=10)] | None = None
    """Train on a stratified sample of this many images; null takes all."""
    network: Annotated[str, Field(pattern=NETWORK_PATTERN)] = "convnet"
    """`convnet`, or `some.module:function`, called with (input_shape, classes)."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Images a step; an incomplete last batch of an epoch is left out."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`sgd` is with Nesterov momentum."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd; not used by adamw."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 5.0e-4
    """Weight decay of the optimiser."""
    schedule: Literal["one_cycle", "cosine"] = "one_cycle"
    """`one_cycle` rises to the learning rate and falls to zero; `cosine` only falls."""
    warmup_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the steps in which `one_cycle` rises."""
    learning_rates: Annotated[list[Rate], Field(min_length=1)] = [0.1, 0.2, 0.4, 0.8]
    """Peak rates that rule `tune` tries with cross entropy, and retraining with every loss."""
    extend_learning_rates: bool = True
    """Let the grid grow by factors of 2 while the best rate lies at its edge."""
    tuning_seeds: Annotated[int, Field(ge=1, le=100)] = 3
    """Trainings a learning rate in `tune`, on seeds of their own."""
    augmentation: list[Literal["crop", "flip"]] = []
    """Random changes to training batches: `crop` (shift by an eighth of the side), `flip`."""
    match_gradient_scale: bool = True
    """Multiply every loss so that its initial gradient is as large as cross entropy's."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 autocast on a GPU and float32 on a CPU."""

    @field_validator("dataset", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sorted(set(self.learning_rates)) != self.learning_rates:
            raise ValueError("learning_rates must ascend, each rate once")
        if len(set(self.augmentation)) != len(self.augmentation):
            raise ValueError("augmentation: each name may stand only once")
        return self
