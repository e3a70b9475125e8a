import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evoloss.errors import UserError
from evoloss.files import read_json, write_json
from evoloss.parquet import read, read_metadata, write

SCHEMA = pa.schema([("name", pa.string()), ("value", pa.float64())])
ROWS = [{"name": "a", "value": 1.5}, {"name": "b", "value": None}]


def test_rows_and_metadata_survive(tmp_path):
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
    assert (tmp_path / "a.json").read_text().index('"a"') < 10
    assert read_json(tmp_path / "a.json") == {"a": [1.5], "b": 1}
    with pytest.raises(UserError, match="is missing"):
        read_json(tmp_path / "b.json")
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        read_json(tmp_path / "b.json")
