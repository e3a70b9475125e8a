"""Records: tables and JSON that are written as a whole, checked when read, and refused if somebody edited them."""

import math
import shutil
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoloss.errors import UserError
from evoloss.files import read_json, write_json
from evoloss.origin import order_of
from evoloss.parquet import problem_of, read, read_metadata, write

SCHEMA = pa.schema([("name", pa.string()), ("value", pa.float64())])
ROWS = [{"name": "a", "value": 1.5}, {"name": "b", "value": None}]


def test_rows_and_metadata_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "deep" / "file.parquet"
    write(path, ROWS, SCHEMA, {"study": "test", "seeds": [1, 2]})
    assert read(path, SCHEMA) == ROWS
    assert read_metadata(path) == {"study": "test", "seeds": [1, 2]}
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_table_has_the_schema(tmp_path):
    write(tmp_path / "empty.parquet", [], SCHEMA, {})
    assert read(tmp_path / "empty.parquet", SCHEMA) == []


@pytest.mark.parametrize("row", [{"name": "a"}, {"name": "a", "value": 1.0, "extra": 2}])
def test_a_row_must_have_exactly_the_columns(tmp_path, row):
    with pytest.raises(ValueError, match=r"disagrees with the schema about \['(value|extra)'\]"):
        write(tmp_path / "file.parquet", [row], SCHEMA, {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.parquet"
    write(path, ROWS, SCHEMA, {})
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        write(path, [{"name": "a", "value": "text"}], SCHEMA, {})
    assert read(path, SCHEMA) == ROWS
    assert list(tmp_path.iterdir()) == [path]


def test_concurrent_writers_leave_one_whole_file(tmp_path):
    path = tmp_path / "file.parquet"
    threads = [
        threading.Thread(target=write, args=(path, ROWS * n, SCHEMA, {})) for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each writer writes the two rows some times over; half a file would be refused.
    assert len(read(path, SCHEMA)) % 2 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_missing_damaged_and_foreign_files_get_a_sentence(tmp_path):
    path = tmp_path / "file.parquet"
    with pytest.raises(UserError, match="is missing; run snakemake again"):
        read(path, SCHEMA)
    path.write_bytes(b"PAR1 nonsense")
    with pytest.raises(UserError, match="cannot be read"):
        read(path, SCHEMA)
    pq.write_table(pa.table({"other": [1]}), path)
    with pytest.raises(UserError, match="another version"):
        read(path, SCHEMA)


def test_json_is_sorted_and_its_faults_are_named(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5]})
    # The key "a" comes first, though it was written last.
    assert (tmp_path / "a.json").read_text().index('"a"') < 10
    assert read_json(tmp_path / "a.json") == {"a": [1.5], "b": 1}
    with pytest.raises(UserError, match="is missing"):
        read_json(tmp_path / "b.json")
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        read_json(tmp_path / "b.json")


def test_a_record_belongs_where_it_was_written(tmp_path):
    place = tmp_path / "results" / "study" / "search" / "egp"
    other = tmp_path / "results" / "study" / "search" / "glo"
    write(place / "file.parquet", ROWS, SCHEMA, {})
    write_json(place / "a.json", {"a": 1})
    other.mkdir()
    for name in ("file.parquet", "a.json"):
        shutil.copy(place / name, other / name)
    assert problem_of(place / "file.parquet") is None
    assert (
        problem_of(other / "file.parquet")
        == "it was edited after it was written, or belongs elsewhere"
    )
    with pytest.raises(UserError, match="belongs elsewhere"):
        read(other / "file.parquet", SCHEMA)
    with pytest.raises(UserError, match="comes from elsewhere"):
        read_json(other / "a.json")
    # A study's folder may move as a whole.
    moved = tmp_path / "archive" / "results" / "study" / "search"
    shutil.copytree(place.parent, moved)
    assert read(moved / "egp" / "file.parquet", SCHEMA) == ROWS
    assert read_json(moved / "egp" / "a.json") == {"a": 1}


@given(st.data())
def test_no_changed_byte_of_a_record_passes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    write(path, ROWS * 3, SCHEMA, {"study": "test", "seeds": [1, 2]})
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        rows = read(path, SCHEMA)
    except UserError:
        return
    # Within the footer lie a few bytes that mean nothing, such as who wrote the file.
    assert rows == ROWS * 3
    assert read_metadata(path)["seeds"] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value", "passes"),
    [
        ("validation_accuracy", 7.5, False),
        ("validation_accuracy", -0.1, False),
        ("validation_accuracy", math.nan, False),
        ("validation_accuracy", 1.0, True),
        ("validation_accuracy", None, True),
        ("training_seconds", -1.0, False),
        ("fitness", 7.5, True),
    ],
)
def test_a_value_that_cannot_be_is_not_written(tmp_path, name, value, passes):
    schema = pa.schema([(name, pa.float64())])
    path = tmp_path / "file.parquet"
    if passes:
        write(path, [{name: value}], schema, {})
        assert read(path, schema) == [{name: value}]
    else:
        with pytest.raises(ValueError, match=f"{name} holds .* which does not lie between"):
            write(path, [{name: value}], schema, {})


def test_flags_that_concern_the_machine_are_no_part_of_an_order():
    flags = ["--study", "a", "--epochs", "3", "--side-by-side", "8"]
    order = order_of("evaluate", flags)
    assert order == order_of("evaluate", ["--side-by-side", "2", *flags[:4]])
    assert order == order_of("evaluate", flags[:4])
    assert order != order_of("evaluate", [*flags[:3], "4"])
    assert order != order_of("retrain", flags)
