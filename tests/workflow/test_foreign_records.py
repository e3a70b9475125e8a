"""Records are believed only if this study's own jobs wrote them, with these settings.

Each test starts Snakemake once or twice, for some seconds: the decision to make a record again is taken in planning.
"""

import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

RUN = "results/tiny/search/egp/seed0"
REPORTING = {"tabulate", "plot", "export_loss", "chapter", "compile_chapter"}


def edited(path, column, value):
    """Put a value into the first row of a record, and keep all that the file says of itself."""
    with pq.ParquetFile(path) as file:
        table, says = file.read(), file.metadata.metadata
    place = table.column_names.index(column)
    values = [value, *table[column].to_pylist()[1:]]
    field = table.schema.field(column)
    table = table.set_column(place, field, pa.array(values, field.type))
    pq.write_table(table.replace_schema_metadata(says), path, compression="zstd")


def test_settings_that_changed_while_snakemakes_memory_was_away_are_noticed(scratch):
    shutil.rmtree(scratch.folder / ".snakemake")
    # Records say of themselves that they fit; tables and figures cannot, and are made in seconds.
    assert set(scratch.planned()) == REPORTING
    epochs = scratch.overlay("tasks: {digits_clean: {epochs: 3}}")
    assert {"tune", "choose_rate", "retrain", "tabulate"} <= set(scratch.planned(config=epochs))
    method = scratch.overlay("search: {methods: {egp: {subtree_probability: 0.6}}}")
    files = scratch.planned_files(config=method)
    assert f"{RUN}/generation1/candidates.parquet" in files
    assert not any("/generation0/" in path or "/pools/" in path for path in files)


@pytest.mark.parametrize("with_its_time", [True, False])
def test_a_record_of_another_generation_or_method_is_made_again(scratch, with_its_time):
    copy = shutil.copy2 if with_its_time else shutil.copyfile
    place = "search/{}/seed0/generation{}/evaluations/0.parquet"
    results = scratch.folder / "results/tiny"
    copy(results / place.format("egp", 1), results / place.format("egp", 2))
    copy(results / place.format("egp", 1), results / place.format("taylor_glo", 1))
    files = scratch.planned_files()
    for method, generation in (("egp", 2), ("taylor_glo", 1)):
        assert f"results/tiny/{place.format(method, generation)}" in files
    assert f"results/tiny/{place.format('egp', 1)}" not in files


def test_a_record_that_is_gone_is_made_again_though_nothing_lacks_it(scratch):
    """As after a run with other settings that was killed, and a return to the old ones."""
    record = f"{RUN}/generation1/candidates.parquet"
    (scratch.folder / record).unlink()
    assert record in scratch.planned_files()
    # Prepared images are no such record: a user may delete them to save room.
    (scratch.folder / "results/tiny/data/digits/train.parquet").unlink()
    assert "results/tiny/data/digits/train.parquet" not in scratch.planned_files(
        f"{RUN}/ledger.parquet"
    )


def test_an_edited_record_is_made_again_and_its_study_is_as_before(scratch, finished):
    record = f"{RUN}/generation1/evaluations/0.parquet"
    edited(scratch.folder / record, "validation_accuracy", 0.99)
    answer = scratch.run("-n")
    assert f"{record}: it was edited after it was written" in answer.stdout
    assert record in scratch.planned_files()
    scratch.run(f"{RUN}/ledger.parquet")
    ours, theirs = scratch.records(), finished.records()
    assert {name: theirs[name] for name in ours} == ours


def test_a_damaged_json_record_is_made_again(scratch):
    record = "results/tiny/tasks/digits_noisy.json"
    for content in ("{}", "null", "", '{"name": "digits_noisy", "seal": 3}'):
        (scratch.folder / record).write_text(content)
        answer = scratch.run("-n")
        assert record in answer.stdout
        assert "It is made again" in answer.stdout
        assert "Traceback" not in answer.stdout


def test_what_planning_cannot_notice_its_reader_refuses(scratch):
    """An edit that keeps the file's time, as a careful copying tool or a bad disk would."""
    record = scratch.folder / f"{RUN}/generation1/evaluations/0.parquet"
    status = record.stat()
    edited(record, "validation_accuracy", 0.99)
    os.utime(record, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert scratch.planned() == {}
    ledger = f"{RUN}/ledger.parquet"
    answer = scratch.run(ledger, "--forcerun", ledger, check=False)
    assert answer.returncode != 0
    assert "0.parquet: it was edited after it was written" in answer.stdout
    assert "delete it and run snakemake again" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_prepared_images_are_compared_with_their_manifest_once_a_run(scratch):
    images = scratch.folder / "results/tiny/data/digits/train.parquet"
    status, content = images.stat(), bytearray(images.read_bytes())
    content[len(content) // 2] ^= 1
    images.write_bytes(content)
    os.utime(images, ns=(status.st_atime_ns, status.st_mtime_ns))
    block = "results/tiny/retrain/digits_clean/ngl/0.parquet"
    answer = scratch.run(block, "--forcerun", "retrain", check=False)
    assert answer.returncode != 0
    assert "train.parquet: it was edited after it was written" in answer.stdout
    assert "Delete results/tiny/data/digits" in answer.stdout
    assert "Traceback" not in answer.stdout
    shutil.rmtree(images.parent)
    scratch.run(block)
