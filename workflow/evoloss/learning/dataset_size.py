"""How large a data set is, before it is read."""

from dataclasses import dataclass
from functools import cache

from evoloss.errors import UserError
from evoloss.learning.image_folder import parts_of
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.sources import SOURCES


@dataclass(frozen=True)
class DatasetSize:
    """How many images of what shape (channels, height, width) a data set has, and how many classes."""

    shape: tuple[int, int, int]
    classes: int
    train: int
    validation: int
    test: int


def dataset_size(settings: DatasetSettings) -> DatasetSize:
    """The size of a data set, from its source's entry or the names of an image folder's files.

    Of some classes of a source it is as if all were equally frequent, which is nearly so.
    """
    return _size(settings.model_dump_json())


@cache
def _size(settings_json: str) -> DatasetSize:
    settings = DatasetSettings.model_validate_json(settings_json)
    if settings.source == "image_folder":
        counts = {
            part: {name: len(files) for name, files in classes.items()}
            for part, classes in parts_of(settings.place()).items()
        }
        shape = (settings.channels, settings.image_size, settings.image_size)
        problem = settings.classes_problem(len(counts["train"]))
        if problem:
            raise UserError(f"data set {settings.name}: classes: {problem}")
        groups = settings.groups(len(counts["train"]))
        kept = [list(counts["train"])[label] for group in groups for label in group]
        training_part = sum(counts["train"][name] for name in kept)
        test = sum(counts["test"].get(name, 0) for name in kept) if "test" in counts else None
    else:
        source = SOURCES[settings.source]
        groups = settings.groups(source.classes)
        share = sum(map(len, groups)) / source.classes
        shape, (training_part, test) = source.shape, (round(share * n) for n in source.images)
    if test is None:
        test = round(settings.test_fraction * training_part)
        training_part -= test
    validation = round(settings.validation_fraction * training_part)
    return DatasetSize(shape, len(groups), training_part - validation, validation, test)
