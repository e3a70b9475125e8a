"""Wrong labels: a kind and a share, a matrix, or a file of labels that people gave.

`symmetric` and `pair` are the two that papers use (arXiv 1406.2080, 1804.06872); a file is what CIFAR-10N is
(arXiv 2110.12088).
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
"""How far a row of a matrix may be from 1."""


class LabelNoise(StrictModel):
    """What is wrong with a task's labels."""

    kind: Literal["symmetric", "pair", "matrix", "file"] = "symmetric"
    """`symmetric`: any other class, each as likely; `pair`: the next class; `matrix`: as `matrix` says;
    `file`: the labels of a file instead of the data set's."""
    share: Share | None = None
    """Share of the labels that are wrong, of `symmetric` and `pair`."""
    matrix: list[list[Annotated[float, Field(ge=0, le=1)]]] | None = None
    """Row by true class: the probability of each label. Every row sums to 1."""
    path: str | None = None
    """A label a source image, in the source's order: a `.npy` of whole numbers, or a text file, one a line."""

    def problems(self) -> Iterator[Problem]:
        """Of what the kind needs too little or too much, and a matrix that is no transition matrix."""
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
                yield "matrix", f"row {number} sums to {sum(row):g}, and must sum to 1"

    @property
    def active(self) -> bool:
        """Whether it can change a label."""
        return self.share != 0

    def problem(self, classes: int) -> str | None:
        """What is wrong with it for so many classes; None if nothing is."""
        if self.matrix is not None and len(self.matrix) != classes:
            return f"the matrix has {len(self.matrix)} rows, and there are {classes} classes"
        return None

    def file_digest(self) -> str:
        """What the file of labels holds, as a digest; empty without one. Raises UserError when it cannot be read."""
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
        """Labels (n,) with the noise on them, drawn from a seed.

        `places` (n,) are the images' positions in the source, which a file of labels goes by. Raises UserError
        when a file cannot be read or does not fit.
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
                f"{int(places.max()) + 1:,} images; write one label an image, in the source's order"
            )
        return given[places]


def read_labels(path: str) -> np.ndarray:
    """The labels of a file (n,), int64. Raises UserError with a sentence."""
    try:
        with Path(path).open("rb") as file:
            values = np.load(file) if path.endswith(".npy") else np.loadtxt(file, ndmin=1)
    except OSError as error:
        raise UserError(f"label_noise.path: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UserError(
            f"label_noise.path: {path} holds no labels; write a .npy of whole numbers, or one a line"
        ) from None
    if values.ndim != 1 or not len(values) or not np.array_equal(values, np.round(values)):
        raise UserError(f"label_noise.path: {path} must hold one whole number an image")
    return values.astype(np.int64)


def _drawn(labels: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A label from each image's row of the matrix."""
    below = rng.random(len(labels))[:, None] >= np.cumsum(matrix, axis=1)[labels]
    return np.minimum(below.sum(axis=1), len(matrix) - 1).astype(labels.dtype)
