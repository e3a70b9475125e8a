"""Prepared data sets: their three splits, their pixels and their moments."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from evoloss.errors import UserError
from evoloss.learning.datasets import Images, load_training_part, moments, read_manifest, split
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import DatasetSettings


def as_set(images):
    """Each image with its label as one string of bytes, so that images can be compared in any order."""
    return {
        bytes(image) + bytes([label])
        for image, label in zip(images.pixels, images.labels, strict=True)
    }


def test_the_three_splits_are_disjoint_complete_and_stratified(data_folder):
    part = load_training_part(data_folder / "digits")
    test = load_test_split(data_folder / "digits")
    # A third of the 1797 digits are test images, and a quarter of the others validation images.
    assert (len(part.train), len(part.validation), len(test)) == (898, 300, 599)
    together = np.concatenate([part.train.labels, part.validation.labels, test.labels])
    assert np.bincount(together).tolist() == np.bincount(load_digits().target).tolist()
    for images in (part.train, part.validation, test):
        shares = np.bincount(images.labels) / len(images)
        np.testing.assert_allclose(shares, np.bincount(together) / len(together), atol=0.01)


def test_pixels_survive_the_trip(data_folder):
    part = load_training_part(data_folder / "digits")
    test = load_test_split(data_folder / "digits")
    stored = as_set(part.train) | as_set(part.validation) | as_set(test)
    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)[:, None]
    assert stored == as_set(Images(pixels, digits.target))


def test_moments_are_of_the_training_images_alone(data_folder):
    manifest = read_manifest(data_folder / "digits")
    train = load_training_part(data_folder / "digits").train.pixels / 255
    assert manifest["mean"] == pytest.approx([train.mean()])
    assert manifest["std"] == pytest.approx([train.std()])


def test_moments_are_a_mean_and_a_deviation_a_channel():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 3, 5, 4), dtype=np.uint8)
    mean, std = moments(Images(pixels, np.zeros(20, dtype=np.int64)))
    np.testing.assert_allclose(mean, (pixels / 255).mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(std, (pixels / 255).std(axis=(0, 2, 3)))


def test_a_fresh_split_keeps_sizes_and_the_pool(data_folder):
    usual = load_training_part(data_folder / "digits")
    fresh = load_training_part(data_folder / "digits", resplit_seed=5)
    again = load_training_part(data_folder / "digits", resplit_seed=5)
    assert len(fresh.train) == len(usual.train)
    assert as_set(fresh.train) != as_set(usual.train)
    assert as_set(fresh.train) | as_set(fresh.validation) == as_set(usual.train) | as_set(
        usual.validation
    )
    assert np.array_equal(fresh.train.pixels, again.train.pixels)


def test_preparing_twice_gives_the_same_bytes(tmp_path, data_folder):
    prepare(DatasetSettings(source="digits"), tmp_path, {"study": "test"})
    for name in ("manifest.json", "train.parquet"):
        assert (tmp_path / name).read_bytes() == (data_folder / "digits" / name).read_bytes()


def test_splits_are_exact_and_stratified():
    labels = np.repeat([0, 1, 2], [50, 30, 21])
    images = Images(np.arange(101, dtype=np.uint8).reshape(101, 1, 1, 1), labels)
    rest, off = split(images, 0.3, seed=1)
    assert (len(rest), len(off)) == (71, 30)
    np.testing.assert_allclose(np.bincount(off.labels), 0.3 * np.bincount(labels), atol=1)
    assert set(rest.pixels.ravel()) | set(off.pixels.ravel()) == set(range(101))


def test_a_class_that_cannot_be_split_is_named():
    images = Images(np.zeros((21, 1, 1, 1), dtype=np.uint8), np.array([0] * 20 + [1]))
    with pytest.raises(UserError, match="class 1 has 1 images"):
        split(images, 0.5, seed=0)
