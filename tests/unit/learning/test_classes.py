"""A data set may be made of some classes of another."""

import numpy as np
import pytest
from image_files import write_folder
from sklearn.datasets import load_digits

from evoloss.errors import UserError
from evoloss.learning.datasets import load_training_part, read_manifest
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import DatasetSettings, TaskSettings

COUNTS = np.bincount(load_digits().target)


def prepared(folder, classes):
    """Prepare the digits with these classes: the name, the manifest, all labels and the training part."""
    settings = TaskSettings.model_validate(
        {"dataset": {"source": "digits", "classes": classes}}
    ).dataset
    prepare(settings, folder / settings.name, {})
    part = load_training_part(folder / settings.name)
    test = load_test_split(folder / settings.name)
    labels = [part.train.labels, part.validation.labels, test.labels]
    return settings.name, read_manifest(folder / settings.name), np.concatenate(labels), part


def test_two_classes_make_a_binary_data_set(tmp_path):
    name, manifest, labels, part = prepared(tmp_path, [8, 3])
    assert name == "digits_8_3"
    assert (manifest["classes"], manifest["class_names"]) == (2, ["8", "3"])
    assert np.bincount(labels).tolist() == [COUNTS[8], COUNTS[3]]
    # The images are those of the class that is named, in the order of the names.
    digits = load_digits()
    eights = {
        np.round(image * 255 / 16).astype(np.uint8).tobytes()
        for image in digits.images[digits.target == 8]
    }
    assert all(image.tobytes() in eights for image in part.train.pixels[part.train.labels == 0])
    assert not any(image.tobytes() in eights for image in part.train.pixels[part.train.labels == 1])


def test_one_class_against_the_rest_makes_two_classes(tmp_path):
    name, manifest, labels, _ = prepared(tmp_path, [3, "rest"])
    assert (name, manifest["class_names"]) == ("digits_3_rest", ["3", "rest"])
    assert np.bincount(labels).tolist() == [COUNTS[3], COUNTS.sum() - COUNTS[3]]


def test_several_classes_become_one(tmp_path):
    _, manifest, labels, _ = prepared(tmp_path, [[1, 7], 0])
    assert manifest["class_names"] == ["1 or 7", "0"]
    assert np.bincount(labels).tolist() == [COUNTS[1] + COUNTS[7], COUNTS[0]]


def test_classes_that_a_folder_lacks_are_refused(tmp_path):
    write_folder(tmp_path / "images")
    settings = DatasetSettings(
        source="image_folder", path=str(tmp_path / "images"), image_size=8, classes=[0, 3]
    )
    with pytest.raises(UserError, match="classes: got 3, but image_folder has the classes 0 to 2"):
        prepare(settings, tmp_path / "copy", {})
