"""The test split. Only the final retraining and `compare --test` use this module; a test keeps search code off it."""

from pathlib import Path

from evoloss.learning.datasets import Images, read_images, read_manifest


def load_test_split(folder: Path) -> Images:
    """The test images of a prepared data set."""
    return read_images(folder / "test.parquet", read_manifest(folder)["shape"])
