"""Every seed is a pure function of its purpose, so the order of jobs cannot matter."""

import hashlib
import json

import numpy as np


def derive_seed(*parts: str | int) -> int:
    """A seed in [0, 2**63) from a path of names and numbers, e.g. `("breed", "egp", 0, 3)`."""
    text = json.dumps(parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*parts: str | int) -> np.random.Generator:
    """A separate NumPy generator for the random stream that `parts` names."""
    return np.random.default_rng(derive_seed(*parts))


def training_seed(purpose: str, run_seed: int, task: str, repeat: int) -> int:
    """The seed of one training: common to all candidates and methods of a run seed.

    Common random numbers: losses that are compared start from the same weights and see the same
    batches. `purpose` (`search`, `rescore`, `tune`, `rate`, `retrain`, `compare`) keeps the streams disjoint.
    """
    return derive_seed("training", purpose, run_seed, task, repeat)


def split_seed(purpose: str, run_seed: int, task: str, repeat: int = 0) -> int:
    """The seed of a task's split into training and validation images, `purpose` as above.

    A search has one split per run seed, common to all its candidates and methods. In re-scoring and tuning, every
    repeat has its own split. The sample of images and the noise on them are drawn with the same seed.
    """
    return derive_seed(f"{purpose} split", run_seed, task, repeat)
