"""The size of a data set, known without reading its images."""

from dataclasses import dataclass
from functools import cache

from evoloss.errors import UserError
from evoloss.learning.image_folder import parts_of
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.sources import SOURCES


@dataclass(frozen=True)
class DatasetSize:
    """The images' shape (channels, height, width), the number of classes, and the number of images in each split."""

    shape: tuple[int, int, int]
    classes: int
    train: int
    validation: int
    test: int


def dataset_size(settings: DatasetSettings) -> DatasetSize:
    """The size of a data set, from the table of sources, or from the file names of an image folder.

    If the data set keeps only some classes of a built-in source, the size is an estimate that takes all classes to be
    equally frequent, as they nearly are. Raises UserError when the classes do not suit an image folder.
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
        if problem := settings.classes_problem(len(counts["train"])):
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
