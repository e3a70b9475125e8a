"""How large a data set is, before it is read."""

from dataclasses import dataclass
from functools import cache

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


@cache
def dataset_size(settings: DatasetSettings) -> DatasetSize:
    """The size of a data set, from its source's entry or the names of an image folder's files."""
    if settings.source == "image_folder":
        counts = {
            part: {name: len(files) for name, files in classes.items()}
            for part, classes in parts_of(settings.place()).items()
        }
        shape = (settings.channels, settings.image_size, settings.image_size)
        classes, training_part = len(counts["train"]), sum(counts["train"].values())
        test = sum(counts["test"].values()) if "test" in counts else None
    else:
        source = SOURCES[settings.source]
        shape, classes, (training_part, test) = source.shape, source.classes, source.images
    if test is None:
        test = round(settings.test_fraction * training_part)
        training_part -= test
    validation = round(settings.validation_fraction * training_part)
    return DatasetSize(shape, classes, training_part - validation, validation, test)
