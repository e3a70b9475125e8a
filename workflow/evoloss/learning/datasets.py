"""Loads data sets that `preparation.py` has prepared.

Only training and validation images: the test split is loaded by `held_out.py`, which search code may not use.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evoloss.errors import UserError
from evoloss.files import read_json
from evoloss.learning.records import IMAGES
from evoloss.parquet import read_table


@dataclass(frozen=True)
class Images:
    """Labelled images: `pixels` uint8 (n, channels, height, width), `labels` int64 (n,).

    `places` (n,): their positions in the source; 0 to n - 1 by default.
    """

    pixels: np.ndarray
    labels: np.ndarray
    places: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.places) != len(self.labels):
            object.__setattr__(self, "places", np.arange(len(self.labels)))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Images":
        """The images at `index`, in that order."""
        return Images(self.pixels[index], self.labels[index], self.places[index])


def split(
    images: Images, fraction: float, seed: int, rest_is_used: bool = True
) -> tuple[Images, Images]:
    """Split off `fraction` of the images, stratified by class; returns (rest, split off).

    Every class gives its share, rounded so that the total is exact (largest remainders first). scikit-learn's function
    is not used because its import takes 1.6 s. Raises UserError when a class would have no image in the split-off part,
    or in the rest if `rest_is_used`.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(images.labels, return_counts=True)
    wanted = round(fraction * len(images))
    shares = counts * (wanted / len(images))
    quotas = np.floor(shares).astype(int)
    remainders = np.argsort(-(shares - quotas), kind="stable")
    quotas[remainders[: wanted - quotas.sum()]] += 1
    if (quotas == 0).any() or (rest_is_used and (quotas == counts).any()):
        smallest = classes[np.argmin(counts)]
        raise UserError(
            f"{len(images)} images cannot be split by class at {fraction:.3g}: a class would be empty "
            f"(class {smallest} has {counts.min()} images); change the fraction or add images"
        )
    off = np.zeros(len(images), dtype=bool)
    for label, quota in zip(classes, quotas, strict=True):
        off[rng.choice(np.flatnonzero(images.labels == label), size=quota, replace=False)] = True
    return images.take(np.flatnonzero(~off)), images.take(np.flatnonzero(off))


def moments(images: Images) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, of pixels in [0, 1] (1 instead of a standard deviation of 0)."""
    count = images.pixels.size / images.pixels.shape[1]
    levels = np.arange(256) / 255
    mean, std = [], []
    for channel in range(images.pixels.shape[1]):
        share = np.bincount(images.pixels[:, channel].ravel(), minlength=256) / count
        mean.append(float(share @ levels))
        std.append(float(np.sqrt(share @ (levels - mean[-1]) ** 2)) or 1.0)
    return mean, std


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a prepared data set."""
    return read_json(folder / "manifest.json")


def read_images(path: Path, shape: list[int]) -> Images:
    """Read one part; `shape` is (channels, height, width)."""
    if not path.exists():
        raise UserError(f"{path} is missing; delete {path.parent} and run snakemake again")
    table = read_table(path, IMAGES, sealed=False)  # the run has checked the file already, once
    pixels = np.frombuffer(b"".join(table["image"].to_pylist()), dtype=np.uint8)
    labels = table["label"].to_numpy().astype(np.int64)
    return Images(pixels.reshape(len(labels), *shape), labels, table["place"].to_numpy())


@dataclass(frozen=True)
class TrainingPart:
    """The part of a data set that search code may see: training and validation images, never test images."""

    train: Images
    validation: Images
    classes: int
    shape: tuple[int, int, int]
    mean: list[float]
    std: list[float]


def load_training_part(folder: Path, resplit_seed: int | None = None) -> TrainingPart:
    """Load a prepared data set's training and validation images.

    With `resplit_seed` the two are pooled and split again in the same proportion; mean and standard deviation
    are then those of the new training images.
    """
    manifest = read_manifest(folder)
    train = read_images(folder / "train.parquet", manifest["shape"])
    validation = read_images(folder / "validation.parquet", manifest["shape"])
    mean, std = manifest["mean"], manifest["std"]
    if resplit_seed is not None:
        pooled = Images(
            np.concatenate([train.pixels, validation.pixels]),
            np.concatenate([train.labels, validation.labels]),
            np.concatenate([train.places, validation.places]),
        )
        train, validation = split(pooled, len(validation) / len(pooled), resplit_seed)
        mean, std = moments(train)
    return TrainingPart(train, validation, manifest["classes"], tuple(manifest["shape"]), mean, std)
