"""A data set whose files changed under its prepared copy is noticed; one that was touched or moved is not."""

import os
import shutil

import pytest
from image_files import write_folder, write_idx

from evoloss.errors import UserError
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.source_files import FIRST_COPY, missing_place, source_state


@pytest.fixture
def prepared(tmp_path):
    """A prepared image folder: its settings, and the folder of the prepared copy."""
    write_folder(tmp_path / "images")
    settings = DatasetSettings(source="image_folder", path=str(tmp_path / "images"), image_size=8)
    folder = tmp_path / "prepared"
    state = source_state(settings, folder)
    assert state == FIRST_COPY
    prepare(settings, folder, {}, state)
    return settings, folder


def test_unchanged_touched_moved_and_removed_files_are_no_change(prepared, tmp_path):
    settings, folder = prepared
    assert source_state(settings, folder) == FIRST_COPY
    for path in (tmp_path / "images").rglob("*.png"):
        os.utime(path, (1, 1))
    assert source_state(settings, folder) == FIRST_COPY
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    moved = settings.model_copy(update={"path": str(tmp_path / "elsewhere")})
    assert source_state(moved, folder) == FIRST_COPY
    shutil.rmtree(tmp_path / "elsewhere")
    assert source_state(settings, folder) == FIRST_COPY


def test_edited_added_removed_and_relabelled_images_are_a_change(prepared, tmp_path):
    settings, folder = prepared
    images = tmp_path / "images" / "train"

    def swapped():
        """Give two images each other's content."""
        first, second = images / "ant/000.png", images / "ant/001.png"
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)

    states = [FIRST_COPY]
    for change in (
        swapped,
        lambda: shutil.copy(images / "ant/000.png", images / "bee/new.png"),
        lambda: (images / "bee/new.png").rename(images / "cat/new.png"),
        lambda: (images / "cat/001.png").unlink(),
    ):
        change()
        states.append(source_state(settings, folder))
        assert states[-1] == source_state(settings, folder)
    assert len(set(states)) == len(states)


def test_a_change_that_was_prepared_is_the_new_normal(prepared, tmp_path):
    settings, folder = prepared
    (tmp_path / "images/train/ant/000.png").unlink()
    state = source_state(settings, folder)
    prepare(settings, folder, {}, state)
    assert source_state(settings, folder) == state


def test_files_that_the_preparation_downloaded_are_no_change(tmp_path):
    settings = DatasetSettings(source="fashion_mnist", root=str(tmp_path))
    folder = tmp_path / "prepared"
    state = source_state(settings, folder)
    write_idx(tmp_path, "FashionMNIST")  # as torchvision would, inside the job
    prepare(settings, folder, {}, state)
    assert source_state(settings, folder) == state == FIRST_COPY
    path = tmp_path / "FashionMNIST/raw/train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x05")
    assert source_state(settings, folder) not in (FIRST_COPY, None)


def test_what_comes_in_a_package_never_changes(tmp_path):
    settings = DatasetSettings(source="digits")
    prepare(settings, tmp_path, {}, source_state(settings, tmp_path))
    assert source_state(settings, tmp_path) == FIRST_COPY


def test_a_place_that_is_gone_is_told(prepared, tmp_path):
    settings, _ = prepared
    assert missing_place(settings) is None
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert "images is not there; its prepared copy is used" in missing_place(settings)


def test_a_name_that_is_no_utf8_is_a_change_and_a_broken_link_gets_a_sentence(prepared, tmp_path):
    settings, folder = prepared
    images = tmp_path / "images" / "train" / "ant"
    (images / "000.png").rename(images / os.fsdecode(b"\xe9t\xe9.png"))
    assert source_state(settings, folder) != FIRST_COPY
    (tmp_path / "images/train/ant/link.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(UserError, match=r"link.png cannot be read: No such file"):
        source_state(settings, folder)


def test_an_unusable_folder_is_told_before_any_job(tmp_path):
    settings = DatasetSettings(source="image_folder", path=str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="there is no folder"):
        source_state(settings, tmp_path / "prepared")
