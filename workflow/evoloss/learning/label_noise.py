"""Label noise: symmetric or pair noise with a share, a transition matrix, or a file of labels given by people.

Papers use `symmetric` and `pair` noise (arXiv 1406.2080, 1804.06872). CIFAR-10N is such a file (arXiv 2110.12088).
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from evoloss.errors import UserError
from evoloss.strict_model import Problem, StrictModel

Share = Annotated[float, Field(ge=0, lt=1)]
ROW_SUM = 1e-6
"""Largest difference between the sum of a matrix row and 1."""


class LabelNoise(StrictModel):
    """The noise on a task's labels."""

    kind: Literal["symmetric", "pair", "matrix", "file"] = "symmetric"
    """A wrong label is: for `symmetric` any other class, all equally likely; for `pair` the next class. `matrix` draws
    each label from a row of `matrix`; `file` takes the labels from a file instead of the data set."""
    share: Share | None = None
    """For `symmetric` and `pair`: the share of labels that are wrong."""
    matrix: list[list[Annotated[float, Field(ge=0, le=1)]]] | None = None
    """For `matrix`: one row per true class, with the probability of each label. Every row sums to 1."""
    path: str | None = None
    """For `file`: a `.npy` or a text file with one whole number per source image, in the source's order."""

    def problems(self) -> Iterator[Problem]:
        """Settings that the kind needs but lacks, or does not use, and a matrix that is not a transition matrix."""
        needs = {"matrix": "matrix", "file": "path"}.get(self.kind, "share")
        for key in ("share", "matrix", "path"):
            given = getattr(self, key) is not None
            if key == needs and not given:
                yield key, f"noise of kind {self.kind} needs it"
            if key != needs and given:
                yield key, f"noise of kind {self.kind} has none; take it out, or write null"
        rows = self.matrix or []
        for number, row in enumerate(rows):
            if len(row) != len(rows):
                yield (
                    "matrix",
                    f"row {number} has {len(row)} entries, but there are {len(rows)} rows",
                )
            if abs(sum(row) - 1) > ROW_SUM:
                yield "matrix", f"row {number} sums to {sum(row):g}; it must sum to 1"

    @property
    def active(self) -> bool:
        """Whether the noise can change a label."""
        return self.share != 0

    def problem(self, classes: int) -> str | None:
        """What is wrong with the noise for a data set with `classes` classes; None if nothing is."""
        if self.matrix is not None and len(self.matrix) != classes:
            return f"the matrix has {len(self.matrix)} rows, and there are {classes} classes"
        return None

    def file_digest(self) -> str:
        """A digest of the labels in the file; empty if there is no file. Raises UserError when it cannot be read."""
        if self.path is None:
            return ""
        return hashlib.sha256(read_labels(self.path).tobytes()).hexdigest()

    def title(self) -> str:
        """For captions: `40% to any other class`."""
        return {
            "symmetric": f"{self.share or 0:.0%} to any other class",
            "pair": f"{self.share or 0:.0%} to the next class",
            "matrix": "by a matrix",
            "file": f"the labels of {Path(self.path or '').name}",
        }[self.kind]

    def applied(
        self, labels: np.ndarray, places: np.ndarray, classes: int, seed: int
    ) -> np.ndarray:
        """A copy of the labels (n,) with the noise on them, drawn from `seed`.

        `places` (n,) are the images' positions in the source, the index into a file of labels. Raises UserError when
        that file cannot be read or does not fit.
        """
        if self.kind == "file":
            return self._of_file(self.path or "", places, classes)
        rng = np.random.default_rng(seed)
        if self.matrix is not None:
            return _drawn(labels, np.array(self.matrix), rng)
        wrong = rng.choice(len(labels), size=round((self.share or 0) * len(labels)), replace=False)
        step = 1 if self.kind == "pair" else rng.integers(1, classes, size=len(wrong))
        noisy = labels.copy()
        noisy[wrong] = (noisy[wrong] + step) % classes
        return noisy

    def _of_file(self, path: str, places: np.ndarray, classes: int) -> np.ndarray:
        given = read_labels(path)
        low, high = int(given.min()), int(given.max())
        if low < 0 or high >= classes:
            raise UserError(
                f"label_noise.path: {path} has labels from {low} to {high}, and the data set's classes "
                f"run from 0 to {classes - 1}"
            )

        if places.max() >= len(given):
            raise UserError(
                f"label_noise.path: {path} has {len(given):,} labels, but the source has at least "
                f"{int(places.max()) + 1:,} images; write one label per image, in the source's order"
            )
        return given[places]


def read_labels(path: str) -> np.ndarray:
    """The labels of a file, int64 (n,). Raises UserError when it cannot be read or holds no labels."""
    try:
        with Path(path).open("rb") as file:
            values = np.load(file) if path.endswith(".npy") else np.loadtxt(file, ndmin=1)
    except OSError as error:
        raise UserError(f"label_noise.path: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UserError(
            f"label_noise.path: {path} holds no labels; write a .npy of whole numbers, or a text file with one per line"
        ) from None
    if values.ndim != 1 or not len(values) or not np.array_equal(values, np.round(values)):
        raise UserError(f"label_noise.path: {path} must hold one whole number an image")
    return values.astype(np.int64)


def _drawn(labels: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a label for each image, from the row of its true class in the matrix."""
    below = rng.random(len(labels))[:, None] >= np.cumsum(matrix, axis=1)[labels]
    return np.minimum(below.sum(axis=1), len(matrix) - 1).astype(labels.dtype)
