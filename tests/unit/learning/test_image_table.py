"""Images whose classes stand in a CSV file."""

import numpy as np
import pytest
from image_files import write_folder

from evoloss.errors import UserError
from evoloss.learning.held_out import load_test_split
from evoloss.learning.image_folder import ignored
from evoloss.learning.preparation import prepare, read_source
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.source_files import FIRST_COPY, source_state


@pytest.fixture
def images(tmp_path):
    """The images of the folder `images`, and the rows of a table that lies beside it."""
    write_folder(tmp_path / "images")
    rows = [
        (str(file.relative_to(tmp_path)), file.parent.name, file.parent.parent.name)
        for file in sorted((tmp_path / "images").rglob("*.png"))
    ]
    return tmp_path, rows


def write(folder, rows, header="image,label,split", name="labels.csv"):
    """Write a table of these rows, as a spreadsheet program would, and return its path."""
    text = "\n".join([header, *(",".join(row) for row in rows)])
    (folder / name).write_text(text + "\n", encoding="utf-8-sig")
    return folder / name


def settings(table, **changes):
    """The data set of a table, scaled to 8 x 8 pixels."""
    return DatasetSettings(source="image_folder", path=str(table), image_size=8, **changes)


def test_a_table_is_read_as_the_folder_is(images):
    root, rows = images
    table = read_source(settings(write(root, rows[::-1])))
    folder = read_source(settings(root / "images"))
    assert table.class_names == folder.class_names
    for part in ("training_part", "test"):
        ours, theirs = getattr(table, part), getattr(folder, part)
        assert np.array_equal(ours.pixels, theirs.pixels)
        assert np.array_equal(ours.labels, theirs.labels)
    assert not ignored(root / "labels.csv")


def test_without_a_split_a_share_is_split_off(images):
    root, rows = images
    table = write(root, [row[:2] for row in rows], " image , label ", "two.csv")
    manifest = prepare(settings(table, test_fraction=0.25), root / "prepared", {})
    assert manifest["images"]["test"] == 18
    assert len(load_test_split(root / "prepared")) == 18


def test_numbers_are_sorted_as_numbers(images):
    root, rows = images
    rows = [(row[0], str(index % 12)) for index, row in enumerate(rows)]
    table = write(root, rows, "image,label")
    assert read_source(settings(table)).class_names == [str(n) for n in range(12)]


def test_blanks_after_commas_and_quotes_are_no_part_of_a_label(images):
    root, rows = images
    table = write(root, [(f'"{image}"', f' "{label}"') for image, label, _ in rows], "image, label")
    assert read_source(settings(table)).class_names == ["ant", "bee", "cat"]


def test_a_changed_label_is_noticed_and_a_touched_file_is_not(images):
    root, rows = images
    chosen = settings(write(root, rows))
    assert source_state(chosen, root / "prepared") == FIRST_COPY
    prepare(chosen, root / "prepared", {})
    assert source_state(chosen, root / "prepared") == FIRST_COPY
    write(root, rows)
    assert source_state(chosen, root / "prepared") == FIRST_COPY
    write(root, [(rows[0][0], "cat", rows[0][2]), *rows[1:]])
    assert source_state(chosen, root / "prepared") != FIRST_COPY
    (root / "labels.csv").unlink()
    assert source_state(chosen, root / "prepared") == FIRST_COPY


@pytest.mark.parametrize(
    ("change", "header", "sentence"),
    [
        (lambda rows: rows, "file,label,split", "has no column 'image', but file, label, split"),
        (lambda rows: [*rows, ("images/no.png", "cat", "train")], None, r"1 of 73 .*line 74"),
        (lambda rows: [*rows, rows[0]], None, r"line 74: .* stands in line 2 too"),
        (
            lambda rows: [*rows, ("./images/../" + rows[0][0], "cat", "train")],
            None,
            r"line 74: .* stands in line 2 too",
        ),
        (lambda rows: rows, "image,label,label", "has more than one column 'label'"),
        (lambda rows: rows, "image;label;split", "with commas"),
        (lambda rows: [("x" * 300 + ".png", "cat", "train")], None, "1 of 1 images are not there"),
        (lambda rows: [(rows[0][0], "", "")], None, "line 2: the label is empty"),
        (lambda rows: [(rows[0][0], "cat", "valid")], None, "split is 'valid'; there are train"),
        (lambda rows: [(a, b, "test") for a, b, _ in rows], None, "has no rows for training"),
        (lambda rows: [(a, "cat", c) for a, b, c in rows], None, "has the one class 'cat'"),
        (lambda rows: [], None, "has no rows for training"),
    ],
)
def test_unusable_tables_get_a_sentence(images, change, header, sentence):
    root, rows = images
    table = write(root, change(rows), header or "image,label,split")
    with pytest.raises(UserError, match=sentence):
        read_source(settings(table))


def test_a_table_that_is_not_there_or_no_text_gets_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv cannot be read"):
        read_source(settings(tmp_path / "none.csv"))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00image")
    with pytest.raises(UserError, match="no CSV file in UTF-8"):
        read_source(settings(tmp_path / "bytes.csv"))
