"""torchvision's data sets, each read from small files in its own format, and what can go wrong with them."""

import numpy as np
import pytest
from image_files import write_cifar, write_idx, write_svhn

from evoloss.errors import UserError
from evoloss.learning import vision
from evoloss.learning.preparation import prepare, read_source
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.learning.sources import SOURCES

IDX = {"mnist": "MNIST", "kmnist": "KMNIST", "fashion_mnist": "FashionMNIST"}


def read(name, root):
    """Read a data set from the files below `root`."""
    return read_source(DatasetSettings(source=name, root=str(root)))


@pytest.fixture
def unchecked(monkeypatch):
    """Let torchvision accept small files under the names of the real ones, whose checksums it knows."""
    for reader in (vision.datasets.CIFAR10, vision.datasets.CIFAR100):
        for attribute in ("train_list", "test_list"):
            monkeypatch.setattr(
                reader, attribute, [(n, None) for n, _ in getattr(reader, attribute)]
            )
        monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": None})
    lists = {
        part: [url, name, None] for part, (url, name, _) in vision.datasets.SVHN.split_list.items()
    }
    monkeypatch.setattr(vision.datasets.SVHN, "split_list", lists)


@pytest.mark.parametrize("name", IDX)
def test_idx_files_are_read(tmp_path, name):
    write_idx(tmp_path, IDX[name])
    settings = DatasetSettings(source=name, root=str(tmp_path))
    manifest = prepare(settings, tmp_path / "prepared", {"study": "test"})
    # A quarter of the file's 200 training images.
    assert manifest["images"] == {"train": 150, "validation": 50, "test": 50}
    assert manifest["shape"] == [1, 28, 28]
    assert len(manifest["class_names"]) == 10
    if name == "fashion_mnist":
        assert manifest["class_names"][9] == "Ankle boot"
    first = (tmp_path / IDX[name] / "raw" / "train-images-idx3-ubyte").read_bytes()[16 : 16 + 784]
    assert read(name, tmp_path).training_part.pixels[0].tobytes() == first


def test_cifar_is_read_with_its_channels_first(tmp_path, unchecked):
    write_cifar(
        tmp_path / "cifar-10-batches-py",
        {**{f"data_batch_{i}": 20 for i in range(1, 6)}, "test_batch": 10},
        "batches.meta",
        "labels",
        10,
    )
    write_cifar(
        tmp_path / "cifar-100-python", {"train": 200, "test": 100}, "meta", "fine_labels", 100
    )
    for name, sizes in (("cifar10", (100, 10)), ("cifar100", (200, 100))):
        delivery = read(name, tmp_path)
        assert (len(delivery.training_part), len(delivery.test)) == sizes
        assert delivery.training_part.pixels.shape[1:] == SOURCES[name].shape
        assert len(delivery.class_names) == SOURCES[name].classes
    rows = np.random.default_rng(0).integers(0, 256, (200, 3072), dtype=np.uint8)
    assert np.array_equal(delivery.training_part.pixels[7].ravel(), rows[7])


def test_svhn_is_read_and_ten_means_zero(tmp_path, unchecked):
    write_svhn(tmp_path)
    delivery = read("svhn", tmp_path)
    assert delivery.training_part.pixels.shape == (120, 3, 32, 32)
    assert delivery.training_part.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert delivery.class_names == [str(i) for i in range(10)]


@pytest.mark.parametrize("name", [n for n, source in SOURCES.items() if source.torchvision])
def test_without_a_network_a_sentence_says_which_files_go_where(tmp_path, name, monkeypatch):
    def offline(*args, **kwargs):
        """Stand in for a machine without a network."""
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(UserError) as caught:
        read(name, tmp_path)
    text = str(caught.value)
    assert "cannot be downloaded" in text
    assert str(tmp_path / SOURCES[name].folder) in text
    for file in SOURCES[name].files:
        assert file in text
    assert ("dataset-fashion-mnist" in text) == (name == "fashion_mnist")


def test_one_missing_file_is_named(tmp_path, monkeypatch):
    write_idx(tmp_path, "FashionMNIST")
    (tmp_path / "FashionMNIST/raw/t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(
        "urllib.request.urlopen", lambda *a, **k: (_ for _ in ()).throw(OSError("off"))
    )
    with pytest.raises(UserError, match="fashion_mnist: t10k-labels-idx1-ubyte is missing in"):
        read("fashion_mnist", tmp_path)


@pytest.mark.parametrize("bytes_left", [0, 10, 5000])
def test_a_damaged_file_gets_a_sentence(tmp_path, bytes_left):
    write_idx(tmp_path, "MNIST")
    path = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(
        UserError, match=r"data set mnist: one of train-images.* in .*MNIST/raw is damaged"
    ):
        read("mnist", tmp_path)


def test_images_and_labels_of_different_numbers_get_a_sentence(tmp_path):
    write_idx(tmp_path, "MNIST")
    write_idx(tmp_path / "other", "MNIST", sizes=(("train", 150), ("t10k", 50)))
    name = "MNIST/raw/train-labels-idx1-ubyte"
    (tmp_path / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(UserError, match="200 images but 150 labels"):
        read("mnist", tmp_path)


def test_labels_out_of_range_get_a_sentence(tmp_path):
    write_idx(tmp_path, "MNIST", classes=12)
    settings = DatasetSettings(source="mnist", root=str(tmp_path))
    with pytest.raises(UserError, match="labels run from 0 to 11, but there are 10 classes"):
        prepare(settings, tmp_path / "prepared", {})


def test_auto_is_the_augmentation_that_suits_the_source():
    def resolved(dataset):
        """What `auto` becomes for a data set."""
        return TaskSettings.model_validate(
            {"dataset": dataset, "augmentation": "auto"}
        ).augmentation

    assert resolved("digits") == []
    assert resolved("mnist") == ["crop"]
    assert resolved({"source": "cifar10"}) == ["crop", "flip"]
    assert resolved({"source": "image_folder", "path": "somewhere"}) == []
