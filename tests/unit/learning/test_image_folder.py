"""Images that lie in a folder a class, and what a user may find wrong with them."""

import os
import shutil

import numpy as np
import pytest
from image_files import write_folder
from PIL import Image

from evoloss.errors import UserError
from evoloss.learning.held_out import load_test_split
from evoloss.learning.image_folder import ignored
from evoloss.learning.preparation import prepare, read_source
from evoloss.learning.reading import read_image_folder
from evoloss.learning.settings import DatasetSettings


def settings(root, **changes):
    """The data set of the image folder `root`, scaled to 8 x 8 pixels."""
    return DatasetSettings(source="image_folder", path=str(root), image_size=8, **changes)


def read(root, **changes):
    """The images of the folder `root`."""
    return read_source(settings(root, **changes))


def test_classes_are_sorted_and_the_test_split_is_the_folders(tmp_path):
    write_folder(tmp_path)
    manifest = prepare(settings(tmp_path), tmp_path / "prepared", {})
    assert manifest["class_names"] == ["ant", "bee", "cat"]
    assert manifest["shape"] == [3, 8, 8]
    assert manifest["images"] == {"train": 45, "validation": 15, "test": 12}
    test = load_test_split(tmp_path / "prepared")
    assert np.bincount(test.labels).tolist() == [6, 3, 3]


def test_without_a_test_folder_a_share_is_split_off(tmp_path):
    write_folder(tmp_path, {"train": {"a": 30, "b": 60}})
    manifest = prepare(settings(tmp_path, test_fraction=0.2), tmp_path / "prepared", {})
    assert manifest["images"] == {"train": 54, "validation": 18, "test": 18}


def test_images_are_scaled_by_the_shorter_side_and_cut_to_the_centre(tmp_path):
    (tmp_path / "train/a").mkdir(parents=True)
    (tmp_path / "train/b").mkdir(parents=True)
    wide = np.zeros((16, 48, 3), dtype=np.uint8)
    wide[:, 16:32] = 255  # the middle third is all that stays
    Image.fromarray(wide).save(tmp_path / "train/a/wide.png")
    Image.new("L", (40, 80), 77).save(tmp_path / "train/b/tall.png")
    colour = read(tmp_path).training_part
    assert colour.pixels.shape == (2, 3, 8, 8)
    assert colour.pixels[0, :, :, 1:-1].min() == 255  # the edge is blended with what was cut off
    assert set(colour.pixels[1].ravel().tolist()) == {77}
    assert read(tmp_path, channels=1).training_part.pixels.shape == (2, 1, 8, 8)


def test_sixteen_bits_are_scaled_and_transparency_is_white(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
    ramp = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "train/a/deep.png")
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "train/b/clear.png")
    pixels = read(tmp_path, channels=1).training_part.pixels
    assert np.array_equal(pixels[0, 0], (ramp // 257).astype(np.uint8))
    assert pixels[1].min() == 255
    Image.fromarray(np.zeros((8, 8), dtype=np.float32)).save(tmp_path / "train/a/float.tiff")
    with pytest.raises(UserError, match=r"1 of 3 files cannot be read .*32-bit pixels"):
        read(tmp_path)


def test_hidden_files_are_left_out_and_others_are_reported(tmp_path):
    write_folder(tmp_path)
    hidden = tmp_path / "train/ant/.checkpoints"
    hidden.mkdir()
    shutil.copy(tmp_path / "train/ant/000.png", hidden / "copy.png")
    shutil.copy(tmp_path / "train/ant/000.png", tmp_path / "train/ant/.hidden.png")
    (tmp_path / "deeper").mkdir()
    shutil.copy(tmp_path / "train/ant/000.png", tmp_path / "deeper/one.PNG")
    (tmp_path / "train/ant/more").symlink_to(tmp_path / "deeper")
    (tmp_path / "train/bee/photo.heic").write_bytes(b"?")
    assert len(read(tmp_path).training_part) == 61
    assert ignored(tmp_path) == {".heic": 1, "deeper/": 1}


def test_several_readers_give_the_same_pixels(tmp_path):
    write_folder(tmp_path)
    one, two = (read_image_folder(tmp_path, 8, 3, 2**30, readers=n) for n in (1, 2))
    assert np.array_equal(one.training_part.pixels, two.training_part.pixels)


# What the next test does to a folder.


def missing(root):
    """Remove the whole folder."""
    shutil.rmtree(root)


def no_train(root):
    """Give the training images' folder another name."""
    (root / "train").rename(root / "training")


def single_class(root):
    """Leave one class of three."""
    for name in ("bee", "cat"):
        shutil.rmtree(root / "train" / name)


def empty_class(root):
    """Add a class without an image."""
    (root / "train/dog").mkdir()
    (root / "train/dog/notes.txt").write_text("no image")


def no_classes(root):
    """Leave an empty training folder."""
    shutil.rmtree(root / "train")
    (root / "train").mkdir()


def unknown_in_test(root):
    """Give a class of the test images a name that training does not have."""
    (root / "test/bee").rename(root / "test/wasp")


def stray(root):
    """Put an image beside the folders of the classes."""
    (root / "train/ant/000.png").rename(root / "train/000.png")


def damaged(root):
    """Make one image a text and cut another in half."""
    (root / "train/ant/000.png").write_text("not an image")
    whole = (root / "test/cat/000.png").read_bytes()
    (root / "test/cat/000.png").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (missing, r"there is no folder .*/train; images belong in .*/train/<class>/"),
        (no_train, r"there is no folder .*/train; images belong in .*/train/<class>/"),
        (single_class, "train has the one class 'ant'; a classifier needs at least two"),
        (empty_class, r"train/dog has no images .*; put some there or remove the folder"),
        (no_classes, "train has no class folders"),
        (
            unknown_in_test,
            "test has a class 'wasp' that train does not have; there are ant, bee, cat",
        ),
        (stray, r"train/000.png lies outside of any class \(1 such files\)"),
        (
            damaged,
            r"2 of 72 files cannot be read as images: .*train/ant/000.png .*test/cat/000.png",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_unusable_folders_get_a_sentence(tmp_path, harm, sentence):
    root = tmp_path / "images"
    write_folder(root)
    harm(root)
    with pytest.raises(UserError, match=sentence):
        read(root)


def test_too_many_pixels_get_a_sentence(tmp_path):
    write_folder(tmp_path)
    with pytest.raises(UserError, match=r"72 images of 3 x 900 x 900 pixels take 0.2 GiB"):
        read_image_folder(tmp_path, 900, 3, 10**8)


def test_too_few_images_to_split_get_a_sentence(tmp_path):
    write_folder(tmp_path, {"train": {"a": 1, "b": 60}})
    with pytest.raises(UserError, match=r"image_folder: a share of .* \(class 'a' has 1\); change"):
        prepare(settings(tmp_path), tmp_path / "prepared", {})


def test_twins_are_counted(tmp_path):
    write_folder(tmp_path)
    shutil.copy(tmp_path / "train/ant/000.png", tmp_path / "train/bee/twin.png")
    shutil.copy(tmp_path / "train/ant/001.png", tmp_path / "test/ant/again.png")
    manifest = prepare(settings(tmp_path), tmp_path / "prepared", {})
    assert manifest["doubles"] == {"contradicting": 2, "in_test": 1}


def test_each_folder_is_looked_into_once(tmp_path):
    """Two links to `train` inside of it hung the planning, and one took images of one class for another's."""
    write_folder(tmp_path)
    for name in ("first", "second"):
        (tmp_path / "train/ant" / name).symlink_to(tmp_path / "train")
    (tmp_path / "train/cat/bees").symlink_to(tmp_path / "train/bee")
    (tmp_path / "test/ant/up").symlink_to(tmp_path)
    delivery = read(tmp_path)
    assert np.bincount(delivery.training_part.labels).tolist() == [30, 10, 20]
    assert np.bincount(delivery.test.labels).tolist() == [6, 3, 3]


def test_what_is_no_regular_file_is_no_image(tmp_path):
    write_folder(tmp_path)
    os.mkfifo(tmp_path / "train/ant/pipe.png")
    assert len(read(tmp_path).training_part) == 60


def test_images_are_only_what_the_list_of_formats_has(tmp_path):
    """PostScript under the name of a PNG would start Ghostscript."""
    write_folder(tmp_path)
    (tmp_path / "train/ant/000.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    with pytest.raises(UserError, match="1 of 72 files cannot be read as images"):
        read(tmp_path)


def test_a_small_file_of_a_huge_image_gets_a_sentence(tmp_path):
    write_folder(tmp_path)
    Image.new("1", (10_000, 10_000)).save(tmp_path / "train/ant/huge.png")
    with pytest.raises(UserError, match=r"huge\.png \(10000 x 10000 pixels; at most 67,108,864"):
        read(tmp_path)
