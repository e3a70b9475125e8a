"""The sources of images; `reading.py` reads them. The settings import this module."""

from dataclasses import dataclass, field

IDX_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
CIFAR10_FILES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")


@dataclass(frozen=True)
class Source:
    """A source of images.

    `shape` is (channels, height, width), `images` the official numbers of (training, test) images; None if they depend
    on the files. `augmentation` is what `auto` means for the source. `torchvision` is the torchvision class that reads
    the files and downloads missing ones; `folder` and `files` say where they lie below the data set's root.
    """

    shape: tuple[int, int, int] | None
    classes: int | None
    images: tuple[int, int] | None
    augmentation: tuple[str, ...] = ()
    torchvision: str | None = None
    folder: str = ""
    files: tuple[str, ...] = field(default=(), repr=False)


GREY, COLOUR = (1, 28, 28), (3, 32, 32)
SHIFT, SHIFT_AND_MIRROR = ("crop",), ("crop", "flip")

SOURCES: dict[str, Source] = {
    "digits": Source((1, 8, 8), 10, (1198, 599)),
    "mnist": Source(GREY, 10, (60_000, 10_000), SHIFT, "MNIST", "MNIST/raw", IDX_FILES),
    "kmnist": Source(GREY, 10, (60_000, 10_000), SHIFT, "KMNIST", "KMNIST/raw", IDX_FILES),
    "fashion_mnist": Source(
        GREY, 10, (60_000, 10_000), SHIFT_AND_MIRROR, "FashionMNIST", "FashionMNIST/raw", IDX_FILES
    ),
    "cifar10": Source(
        COLOUR,
        10,
        (50_000, 10_000),
        SHIFT_AND_MIRROR,
        "CIFAR10",
        "cifar-10-batches-py",
        CIFAR10_FILES,
    ),
    "cifar100": Source(
        COLOUR,
        100,
        (50_000, 10_000),
        SHIFT_AND_MIRROR,
        "CIFAR100",
        "cifar-100-python",
        ("train", "test", "meta"),
    ),
    "svhn": Source(
        COLOUR, 10, (73_257, 26_032), SHIFT, "SVHN", "", ("train_32x32.mat", "test_32x32.mat")
    ),
    "image_folder": Source(None, None, None),
}
"""All sources by name. Digits are not mirrored, since a mirrored 2 is not a 2. Image folders have no default
augmentation, since their content is unknown."""

BY_HAND = {
    "fashion_mnist": "; Debian has them in its package dataset-fashion-mnist, to be unpacked with gunzip "
    "from /usr/share/datasets/fashion-mnist"
}
