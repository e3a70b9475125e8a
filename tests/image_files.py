"""Small data sets on disk, in the formats of the real ones: classes differ by colour, under noise.

They are made up, because no test may download anything, and because a training on them ends within a second.
"""

import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat


def coloured(label: int, classes: int, shape: tuple[int, ...], rng) -> np.ndarray:
    """An image (height, width) or (height, width, 3) that shows its class, as uint8."""
    steps = round(classes ** (1 / 3) + 0.49) if len(shape) == 3 else classes
    digits = [label // steps**power % steps for power in range(shape[2] if len(shape) == 3 else 1)]
    colour = 20 + 215 * np.array(digits) / max(1, steps - 1)
    noise = rng.normal(0, 10, shape)
    return (noise + (colour if len(shape) == 3 else colour[0])).clip(0, 255).astype(np.uint8)


def write_idx(root: Path, folder: str, sizes=(("train", 200), ("t10k", 50)), classes=10) -> None:
    """MNIST's format: images and labels as IDX files below `<root>/<folder>/raw`."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in sizes:
        labels = (np.arange(count) % classes).astype(np.uint8)
        images = np.array([coloured(label, classes, (28, 28), rng) for label in labels.tolist()])
        header = b"".join(n.to_bytes(4, "big") for n in (2051, count, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join(n.to_bytes(4, "big") for n in (2049, count))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


def write_cifar(folder: Path, files: dict[str, int], meta: str, key: str, classes: int) -> None:
    """CIFAR's format: pickled batches of flat rows, red before green before blue."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, count in files.items():
        rows = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = [i % classes for i in range(count)]
        (folder / name).write_bytes(pickle.dumps({"data": rows, key: labels}))
    names = {
        ("label_names" if key == "labels" else "fine_label_names"): [
            f"c{i}" for i in range(classes)
        ]
    }
    (folder / meta).write_bytes(pickle.dumps(names))


def write_svhn(root: Path, sizes=(("train", 120), ("test", 30))) -> None:
    """SVHN's format: MATLAB files, height x width x channel x image; the label of a zero is 10."""
    rng = np.random.default_rng(0)
    for part, count in sizes:
        pixels = rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        labels = np.arange(count)[:, None] % 10 + 1
        savemat(root / f"{part}_32x32.mat", {"X": pixels, "y": labels})


def write_folder(root: Path, parts=None, size=(12, 10), suffix=".png") -> None:
    """An image folder: part -> class -> number of images; the default has three classes."""
    parts = parts or {
        "train": {"cat": 20, "ant": 30, "bee": 10},
        "test": {"ant": 6, "cat": 3, "bee": 3},
    }
    rng = np.random.default_rng(0)
    for part, classes in parts.items():
        for name, count in classes.items():
            folder = root / part / name
            folder.mkdir(parents=True)
            label = sorted(classes).index(name)
            for index in range(count):
                pixels = coloured(label, len(classes), (size[1], size[0], 3), rng)
                Image.fromarray(pixels).save(folder / f"{index:03d}{suffix}")
