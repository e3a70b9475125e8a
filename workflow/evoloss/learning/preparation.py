"""Prepares a data set: reads its source, splits it, and writes Parquet files and a manifest."""

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from evoloss.errors import UserError
from evoloss.files import write_json
from evoloss.learning.datasets import Images, moments, split
from evoloss.learning.reading import Delivery, read_digits, read_image_folder, read_torchvision
from evoloss.learning.records import IMAGES
from evoloss.learning.settings import REST, DatasetSettings
from evoloss.learning.source_files import FIRST_COPY, source_digest
from evoloss.parquet import write_columns

TEST_SEED = 0
"""Seed for splitting off a test split when the source has none."""
LARGEST_BYTES = 2**30
"""Most bytes of pixels. Trainings hold them on the device as float32, four times as large."""


def read_source(settings: DatasetSettings, readers: int = 1) -> Delivery:
    """Read the images of a source; raises UserError when they cannot be read or downloaded."""
    if settings.source == "image_folder":
        return read_image_folder(
            settings.place(), settings.image_size, settings.channels, LARGEST_BYTES, readers
        )
    if settings.source == "digits":
        return read_digits()
    return read_torchvision(settings.source, settings.place())


def prepare(
    settings: DatasetSettings,
    folder: Path,
    metadata: dict[str, Any],
    source_state: str = FIRST_COPY,
    readers: int = 1,
) -> dict[str, Any]:
    """Read, split and write a data set under `folder`; returns the manifest, which is written last.

    `source_state` is the result of `source_files.source_state` when the job was planned; `readers` is the number of
    processes that decode image files.
    """
    # Before reading, to notice an image edited meanwhile; only if files must be downloaded first, after it.
    digest = source_digest(settings, folder)
    delivery = regrouped(read_source(settings, readers), settings)
    state = {
        "source_state": source_state,
        "source_digest": source_digest(settings, folder) if digest is None else digest,
    }
    return store(delivery, settings, folder, metadata, state)


def regrouped(delivery: Delivery, settings: DatasetSettings) -> Delivery:
    """What the source delivered, reduced to the classes that `settings.classes` asks for.

    Raises UserError when the source does not have these classes.
    """
    if settings.classes is None:
        return delivery
    names = delivery.class_names
    if problem := settings.classes_problem(len(names)):
        raise UserError(f"data set {settings.name}: classes: {problem}")
    groups = settings.groups(len(names))
    new = np.full(len(names), -1)
    for label, group in enumerate(groups):
        new[group] = label

    def kept(images: Images) -> Images:
        _check_labels(settings.name, images, delivery)
        some = images.take(np.flatnonzero(new[images.labels] >= 0))
        return Images(some.pixels, new[some.labels], some.places)

    titles = [
        REST if entry == REST else " or ".join(names[label] for label in group)
        for entry, group in zip(settings.classes, groups, strict=True)
    ]
    test = delivery.test and kept(delivery.test)
    return Delivery(kept(delivery.training_part), test, titles)


def store(
    delivery: Delivery,
    settings: DatasetSettings,
    folder: Path,
    metadata: dict[str, Any],
    state: dict[str, str | None],
) -> dict[str, Any]:
    """Split what a source delivered and write it; `state` describes the source's files, for the manifest.

    Mean and standard deviation are per channel, of the training images only, of pixels in [0, 1].
    """
    training_part, test = delivery.training_part, delivery.test
    _check_labels(settings.name, training_part, delivery)
    if test is None:
        training_part, test = _split(
            training_part, "test_fraction", settings, TEST_SEED, delivery.class_names
        )
    _check_labels(settings.name, test, delivery)
    train, validation = _split(
        training_part, "validation_fraction", settings, settings.split_seed, delivery.class_names
    )
    parts = {"train": train, "validation": validation, "test": test}
    digests = {name: _fingerprint(images) for name, images in parts.items()}
    for name, images in parts.items():
        columns = {
            "image": [image.tobytes() for image in images.pixels],
            "label": images.labels.astype(np.int32),
            "place": images.places,
        }
        says = {**metadata, "split": name, "sha256": digests[name]}
        write_columns(folder / f"{name}.parquet", columns, IMAGES, says)
    mean, std = moments(train)
    manifest = {
        "name": settings.name,
        "source": settings.source,
        "settings": settings.anywhere().model_dump(mode="json"),
        **state,
        "shape": list(train.pixels.shape[1:]),
        "classes": len(delivery.class_names),
        "class_names": delivery.class_names,
        "images": {name: len(images) for name, images in parts.items()},
        "doubles": doubles(training_part, test),
        "sha256": digests,
        "mean": mean,
        "std": std,
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def _split(
    images: Images, key: str, settings: DatasetSettings, seed: int, class_names: list[str]
) -> tuple[Images, Images]:
    """Split off the share in the setting `key`; the UserError names the class that has too few images."""
    fraction = getattr(settings, key)
    try:
        return split(images, fraction, seed)
    except UserError:
        counts = np.bincount(images.labels, minlength=len(class_names))
        label = int(counts.argmin())
        raise UserError(
            f"data set {settings.name}: a share of {fraction:.3g} cannot be split off, since a class "
            f"would be left without images (class {class_names[label]!r} has {counts[label]}); "
            f"change {key}, add images, or remove the class"
        ) from None


def _check_labels(name: str, images: Images, delivery: Delivery) -> None:
    classes = len(delivery.class_names)
    if not len(images):
        raise UserError(f"data set {name}: there are no images")
    low, high = images.labels.min(), images.labels.max()
    if low < 0 or high >= classes:
        raise UserError(
            f"data set {name}: labels run from {low} to {high}, but there are {classes} classes "
            f"(0 to {classes - 1}); the label file is damaged or belongs to another data set"
        )


def doubles(training_part: Images, test: Images) -> dict[str, int]:
    """Counts of identical images, which make a data set less reliable.

    `contradicting`: training images with an identical image of another label. `in_test`: test images that are also
    in the training part.
    """
    labels = defaultdict(set)
    marks = [_mark(image) for image in training_part.pixels]
    for mark, label in zip(marks, training_part.labels.tolist(), strict=True):
        labels[mark].add(label)
    return {
        "contradicting": sum(len(labels[mark]) > 1 for mark in marks),
        "in_test": sum(_mark(image) in labels for image in test.pixels),
    }


def _mark(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _fingerprint(images: Images) -> str:
    return hashlib.sha256(images.pixels.tobytes() + images.labels.tobytes()).hexdigest()
