"""Reads sources into arrays: scikit-learn's digits, torchvision's data sets, and folders of images."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from evoloss.errors import UserError
from evoloss.learning.datasets import Images
from evoloss.learning.image_folder import parts_of
from evoloss.learning.progress import progress
from evoloss.learning.sources import BY_HAND, SOURCES

CHUNK = 500
"""Files sent to a decoding process at a time."""
SHOWN = 5
"""Most damaged files that a message names."""


@dataclass(frozen=True)
class Delivery:
    """What a source delivers. `test` is None when the source has no test split of its own."""

    training_part: Images
    test: Images | None
    class_names: list[str]


def read_digits() -> Delivery:
    """scikit-learn's digits: 8 x 8 pixels of 17 grey levels, scaled to 0-255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    names = [str(name) for name in bunch.target_names]
    return Delivery(Images(pixels, bunch.target.astype(np.int64)), None, names)


def read_torchvision(name: str, root: Path) -> Delivery:
    """A torchvision data set stored below `root`; missing files are downloaded to there.

    Raises UserError when files are damaged, or missing and cannot be downloaded.
    """
    from evoloss.learning import vision

    source = SOURCES[name]
    reader = getattr(vision.datasets, str(source.torchvision))
    parts = []
    for train in (True, False):
        which = {"split": "train" if train else "test"} if name == "svhn" else {"train": train}
        try:
            parts.append(reader(root, download=True, **which))
        except Exception as error:  # torchvision's readers fail in many ways on damaged files
            raise UserError(_unreadable(name, root, error)) from None
    names = getattr(parts[0], "classes", None) or [str(c) for c in range(source.classes or 0)]
    training_part, test = (_images(part, name) for part in parts)
    return Delivery(training_part, test, [str(n) for n in names])


def _unreadable(name: str, root: Path, error: Exception) -> str:
    source, folder = SOURCES[name], root / SOURCES[name].folder
    missing = [file for file in source.files if not (folder / file).is_file()]
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if missing:
        return (
            f"data set {name}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing in "
            f"{folder} and cannot be downloaded ({reason}); put "
            f"{'it' if len(missing) == 1 else 'them'} there by hand{BY_HAND.get(name, '')}, or name "
            "another folder as the data set's root"
        )
    return (
        f"data set {name}: one of {', '.join(source.files)} in {folder} is damaged ({reason}); delete "
        f"these and run again to download them anew, or put undamaged ones there{BY_HAND.get(name, '')}"
    )


def _images(part, name: str) -> Images:
    """A torchvision data set as arrays; raises UserError where images and labels disagree."""
    pixels = np.asarray(part.data)
    labels = np.asarray(part.labels if hasattr(part, "labels") else part.targets).astype(np.int64)
    source = SOURCES[name]
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1:] != source.shape:
        pixels = pixels.transpose(0, 3, 1, 2)
    if pixels.shape[1:] != source.shape:
        raise UserError(
            f"data set {name}: images of shape {pixels.shape[1:]} were read, {source.shape} are "
            f"expected; the files below {part.root} belong to another data set"
        )
    if len(pixels) != len(labels):
        raise UserError(
            f"data set {name}: {len(pixels):,} images but {len(labels):,} labels were read below "
            f"{part.root}; the files do not belong together"
        )
    return Images(np.ascontiguousarray(pixels), labels)


FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats tried, whatever a file's suffix is. Others are not allowed: Pillow starts external programs for some."""
LARGEST_IMAGE = 2**26
"""Most pixels of one image before scaling; a reader then needs at most 1 GiB of memory."""


def read_image_folder(
    root: Path, size: int, channels: int, largest_bytes: int, readers: int = 1
) -> Delivery:
    """Read every image, as `size` x `size` pixels with `channels` channels (1 grey, 3 RGB).

    An image is scaled so that its shorter side is `size`, keeping its proportions, and then cropped at the centre.
    Classes are numbered in sorted order; `readers` processes decode. Raises UserError when the pixels would take more
    than `largest_bytes`, and, after trying all files, when some are damaged.
    """
    parts = parts_of(root)
    count = sum(len(files) for classes in parts.values() for files in classes.values())
    needed = count * channels * size * size
    if needed > largest_bytes:
        raise UserError(
            f"{root}: {count:,} images of {channels} x {size} x {size} pixels take "
            f"{needed / 2**30:.1f} GiB, but at most {largest_bytes / 2**30:.1f} GiB are read; lower "
            "image_size or use fewer images"
        )
    names = list(parts["train"])
    damaged: list[str] = []
    read = {}
    # The processes fork before any library has started threads of its own, so that forking is safe.
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(readers, mp_context=fork) as pool, progress(count, str(root)) as bar:
        for part, classes in parts.items():
            files = list(chain.from_iterable(classes.values()))
            labels = [names.index(name) for name, inside in classes.items() for _ in inside]
            pixels = np.empty((len(files), channels, size, size), dtype=np.uint8)
            decoded = pool.map(_decoded, files, repeat(size), repeat(channels), chunksize=CHUNK)
            for index, image in enumerate(decoded):
                if isinstance(image, str):
                    damaged.append(image)
                else:
                    pixels[index] = image
                bar.update()
            read[part] = Images(pixels, np.array(labels, dtype=np.int64))
    if damaged:
        more = f", and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
        raise UserError(
            f"{root}: {len(damaged)} of {count:,} files cannot be read as images: "
            f"{'; '.join(damaged[:SHOWN])}{more}; repair or remove them"
        )
    return Delivery(read["train"], read.get("test"), names)


def _decoded(path: Path, size: int, channels: int) -> np.ndarray | str:
    """The pixels (channels, size, size), or the file and the reason why it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise ValueError(
                    f"{image.width} x {image.height} pixels; at most {LARGEST_IMAGE:,} are read"
                )
            image = _in_bytes(ImageOps.exif_transpose(image))
            image = image.convert("L" if channels == 1 else "RGB")
            if image.size != (size, size):
                image = ImageOps.fit(image, (size, size), method=Image.Resampling.BILINEAR)
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f"{path} ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _in_bytes(image: Image.Image) -> Image.Image:
    """The image with 8 bits per channel: 16 bits are scaled down, and transparent pixels are put on white.

    Raises ValueError for 32-bit images, whose range of values is unknown.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("32-bit pixels without a known range; save it with 8 or 16 bits")
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image)
    return image
