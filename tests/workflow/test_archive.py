"""A study packed in one file and redrawn elsewhere without training; and whether a study is what it says.

The tests run the commands and Snakemake itself, which takes seconds each: what counts is that a reader's own run
works.
"""

import io
import os
import subprocess
import sys
import tarfile

import pytest
from study_copy import ROOT, Copy, environment
from test_foreign_records import RUN, edited


def module(copy, name, *arguments):
    """Run `python -m evoloss.study.<name>` in a copy; its exit status and what it says."""
    answer = subprocess.run(
        [sys.executable, "-m", f"evoloss.study.{name}", *arguments],
        cwd=copy.folder,
        env=environment() | {"PYTHONPATH": str(copy.folder / "workflow")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert "Traceback" not in answer.stdout, answer.stdout
    return answer.returncode, answer.stdout


@pytest.fixture
def packed(scratch):
    """The path of an archive of the finished study."""
    status, said = module(scratch, "archive", "pack", "tiny")
    assert status == 0, said
    return scratch.folder / "results" / "tiny.tar.gz"


def test_an_archive_is_verified_and_redrawn_elsewhere_without_training(packed, tmp_path, finished):
    elsewhere = Copy(tmp_path / "elsewhere")
    status, said = module(elsewhere, "archive", "verify", str(packed))
    assert status == 0, said
    assert "are as they were packed, by evoloss" in said
    assert module(elsewhere, "archive", "unpack", str(packed))[0] == 0
    results = elsewhere.folder / "results" / "tiny"
    assert not list((results / "data").rglob("*.parquet"))
    assert not (results / "logs").exists()
    for path in [*(results / "tables").iterdir(), *(results / "figures").iterdir()]:
        path.unlink()
    # Whatever the code of searches and trainings has become since.
    elsewhere.edit("workflow/evoloss/learning/optimizers.py", "import", "CHANGED = 1\nimport")
    rules = ["tabulate", "plot", "export_loss", "chapter", "compile_chapter"]
    answer = elsewhere.run(
        *("--allowed-rules", *rules, "--forcerun", *rules), config="results/tiny/configuration.yaml"
    )
    assert "rule evaluate" not in answer.stdout
    originals = finished.folder / "results" / "tiny"
    for path in sorted((originals / "tables").iterdir()):
        assert (results / "tables" / path.name).read_text() == path.read_text(), path.name
    assert {p.name for p in (results / "figures").iterdir()} == {
        p.name for p in (originals / "figures").iterdir()
    }
    status, said = module(elsewhere, "archive", "unpack", str(packed))
    assert status != 0
    assert "is there already" in said


def repacked(path, change):
    """The archive with its members changed: a function of name and content gives the new pair, or None."""
    target = path.with_name("changed.tar.gz")
    with tarfile.open(path) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            found = change(member.name, old.extractfile(member).read())
            if found:
                member.name, content = found
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return target


def other(name, content):
    """A change for `repacked`: the table of accuracies has another content or place, or is left out."""
    return lambda n, c: (name and (name, content or c)) if n.endswith("accuracy.csv") else (n, c)


ALTERED = (
    (other("results/tiny/tables/accuracy.csv", b"forged"), "accuracy.csv is not what was packed"),
    (other(None, None), "accuracy.csv is missing"),
    (other("results/tiny/../../evil", None), "does not belong"),
    (other("/etc/evil", None), "does not belong"),
    (lambda n, c: None if n == "MANIFEST.json" else (n, c), "no MANIFEST.json"),
)


def test_altered_damaged_and_missing_archives_are_refused(scratch, packed):
    def refused(what, name, sentence):
        """Assert that a command fails with this sentence."""
        status, said = module(scratch, "archive", what, name)
        assert status != 0
        assert sentence in said

    for change, sentence in ALTERED:
        refused("verify", str(repacked(packed, change)), sentence)
    packed.write_bytes(packed.read_bytes()[:5000])
    refused("verify", str(packed), "damaged")
    refused("verify", "no.tar.gz", "there is no no.tar.gz")
    refused("pack", "other", "run the study")


def test_a_finished_study_is_reproduced(scratch):
    before = {
        path: path.stat().st_mtime_ns
        for path in (scratch.folder / "results").rglob("*")
        if path.is_file()
    }
    status, said = module(scratch, "reproduce", "tiny", "--seed", "1")
    assert status == 0, said
    assert "all records are whole, and of this configuration and code" in said
    assert said.count("made again: the same") == 2
    after = {
        path: path.stat().st_mtime_ns
        for path in (scratch.folder / "results").rglob("*")
        if path.is_file()
    }
    assert before == after


def test_an_edited_record_and_a_study_that_is_not_there_are_told(scratch):
    record = scratch.folder / RUN / "generation1" / "evaluations" / "0.parquet"
    status = record.stat()
    edited(record, "validation_accuracy", 0.99)
    os.utime(record, ns=(status.st_atime_ns, status.st_mtime_ns))
    code, said = module(scratch, "reproduce", "tiny")
    assert code != 0
    assert "0.parquet: it was edited after it was written" in said
    code, said = module(scratch, "reproduce", "other")
    assert code != 0
    assert "there is no finished study 'other'" in said


def test_the_makefile_redraws_with_the_same_rules():
    text = (ROOT / "Makefile").read_text()
    assert "REPORTING = tabulate plot export_loss chapter compile_chapter" in text
