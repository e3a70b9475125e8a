"""One whole run of the tiny study: its files, what is in them, and a second run that has nothing to do."""

import csv
import importlib.util
import json
import re
import shutil
from collections import Counter

import torch
from study_copy import TINY

from evoloss.expressions.parsing import parse
from evoloss.functional_check.settings import STAGES
from evoloss.losses.gradient_scale import task_loss

COLUMNS = {
    "search_cost": "method runs best_fitness best_fitness_sd evaluations training_samples "
    "training_seconds check_seconds rescore_samples peak_memory_bytes relative_cost fitness_difference "
    "difference_ci_low difference_ci_high p_value cost_to_match matched_share reused "
    "stopped_evaluations fitness_noise_sd population_sd winners_luck",
    "functional_check": "method stage proposals rejected check_seconds saved_samples saved_seconds "
    "audited false_rejections ci_low ci_high distinct_rejected good_lost good_kept real_loss "
    "real_loss_ci_low real_loss_ci_high",
    "savings": "method step samples runs",
    "breeding": "method runs first_fitness last_fitness gain unchanged",
    "champions": "task method runs test_accuracy",
    "tasks": "task dataset network parameters multiply_adds training_images epochs batch_size "
    "learning_rate chance cross_entropy_accuracy",
    "losses": "loss display formula latex defaults minimum source evidence",
    "accuracy": "task loss training_seeds test_accuracy test_accuracy_sd "
    "difference_to_cross_entropy ci_low ci_high p_value note",
    "parameters": "method setting value published evidence source",
    "study_settings": "section name setting value",
    "datasets": "dataset classes training_images validation_images test_images",
    "implementation": "group item value",
}
"""Columns that a reader of each table can rely on."""

METHODS = ("egp", "egp_racing", "glo", "taylor_glo")


def table(copy, name):
    """The rows of a table of the study."""
    with (copy.folder / "results" / "tiny" / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_table_and_figure_that_is_promised_is_there(finished):
    results = finished.folder / "results" / "tiny"
    for name, columns in COLUMNS.items():
        assert set(columns.split()) <= set(table(finished, name)[0]), name
        assert r"\toprule" in (results / "tables" / f"{name}.tex").read_text()
        assert "|" in (results / "tables" / f"{name}.md").read_text()
    for name in (
        "flowchart",
        "anytime",
        "cost_accuracy",
        "size_accuracy",
        "lineage",
        "loss_landscape",
        "reliability",
        "generations",
        "funnel",
        "loss_shapes",
        "training_curves",
        "test_accuracy",
        "critical_difference",
    ):
        assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (results / "figures" / f"{name}.png").stat().st_size > 5_000


def test_the_chapter_pulls_everything_together(finished):
    folder = finished.folder / "results" / "tiny"
    text = (folder / "chapter" / "chapter4.tex").read_text()
    for kind, suffix in (("tables", "tex"), ("figures", "pdf")):
        for file in (folder / kind).glob(f"*.{suffix}"):
            assert f"../{kind}/{file.stem}}}" in text, file.stem
    outcome = (folder / "chapter" / "compiled.txt").read_text()
    if shutil.which("pdflatex"):
        assert re.match(r"standalone\.pdf: \d+ pages, 0 overfull boxes\.", outcome)
        assert (folder / "chapter" / "standalone.pdf").read_bytes().startswith(b"%PDF")
    else:
        assert "pdflatex is not installed" in outcome


def test_a_second_run_has_nothing_to_do(scratch):
    assert scratch.planned() == {}
    assert "Nothing to be done" in scratch.run().stdout


def test_tables_add_up_to_what_the_records_say(finished):
    records = finished.records()
    rows = {row["method"]: row for row in table(finished, "search_cost")}
    for method in ("egp", "glo"):
        files = [
            rows
            for path, rows in records.items()
            if path.startswith((f"search/{method}/seed0/generation", "search/pools/"))
            and "/evaluations/" in path
        ]
        evaluations = [row for file in files for row in file]
        assert float(rows[method]["evaluations"]) == len(evaluations)
        samples = sum(row["training_samples"] for row in evaluations)
        assert float(rows[method]["training_samples"]) == samples
        assert samples == sum(row["steps"] for row in evaluations) * 32
    accuracy = {row["loss"]: row for row in table(finished, "accuracy")}
    champions = {f"{method}_seed0" for method in METHODS}
    assert set(accuracy) == {"cross_entropy", "ngl", "mine"} | champions
    trained = [
        row["test_accuracy"]
        for path, rows in records.items()
        if path.startswith("retrain/digits_clean/ngl/") and "rate" not in path
        for row in rows
    ]
    assert float(accuracy["ngl"]["test_accuracy"]) == sum(trained) / 2
    assert accuracy["ngl"]["p_value"] == ""
    assert "no test below 9 pairs" in accuracy["ngl"]["note"]


def test_the_check_table_counts_what_each_stage_looked_at(finished):
    records = finished.records()
    rows = {(row["method"], row["stage"]): row for row in table(finished, "functional_check")}
    for method in ("egp", "egp_racing", "glo"):  # whose beginning is the whole pool
        files = [
            rows
            for path, rows in records.items()
            if path.startswith((f"search/{method}/seed0/generation", "search/pools/default/"))
            and path.endswith("/proposals.parquet")
        ]
        proposals = [row for file in files for row in file]
        # Who passes although novel has a reason takes an earlier fitness, and goes no further.
        ends = [
            "novel" if row["reason"] and not row["rejected_by"] else row["rejected_by"]
            for row in proposals
        ]
        for number, stage in enumerate(STAGES):
            looked_at = sum(end is None or end in STAGES[number:] for end in ends)
            assert float(rows[method, stage]["proposals"]) == looked_at > 0


def test_the_estimate_counts_the_jobs_that_snakemake_plans(scratch):
    from evoloss.study.configuration import load_files
    from evoloss.study.workload import workload

    counted = Counter()
    for work in workload(load_files([scratch.folder / TINY])):
        counted[work.rule] += work.jobs
    assert dict(counted) == scratch.planned("--forceall")


def test_children_descend_from_the_population(finished):
    records = finished.records()
    for generation in (1, 2):
        folder = f"search/egp/seed0/generation{generation}"
        before = {
            row["candidate_id"]
            for row in records[f"search/egp/seed0/generation{generation - 1}/population.parquet"]
        }
        for row in records[f"{folder}/proposals.parquet"]:
            assert set(row["parents"]) <= before
        kept = [row for row in records[f"{folder}/proposals.parquet"] if not row["rejected_by"]]
        assert [row["candidate_id"] for row in kept] == [
            row["candidate_id"] for row in records[f"{folder}/candidates.parquet"]
        ]


def test_a_method_without_a_pool_breeds_its_own_beginning(finished):
    records = finished.records()
    run = "search/taylor_glo/seed0"
    first = records[f"{run}/generation0/candidates.parquet"]
    assert {row["operator"] for row in first} == {"cma_es"}
    ledger = records[f"{run}/ledger.parquet"]
    assert ledger[0]["evaluations"] == len(first)


def test_scores_are_what_the_search_is_charged(finished):
    records = finished.records()
    for method in METHODS:
        for row in records[f"search/{method}/seed0/ledger.parquet"]:
            folder = f"search/{method}/seed0/generation{row['generation']}"
            scores = records[f"{folder}/scores.parquet"]
            assert row["training_samples"] == sum(s["training_samples"] for s in scores)
            assert row["reused"] == sum(s["purpose"] == "reused" for s in scores)


def test_a_race_trains_its_own_beginning_and_saves_what_its_ledger_says(finished):
    records = finished.records()
    run = "search/egp_racing/seed0"
    ledger = records[f"{run}/ledger.parquet"]
    for row in ledger:
        files = [path for path in records if f"{run}/generation{row['generation']}/eval" in path]
        assert len(files) == 1  # a race is one batch, larger than batch_size as it may be
        trained = records[files[0]]
        stopped = [e for e in trained if e["status"] == "stopped_early"]
        assert len(stopped) == row["stopped_evaluations"]
        saved = sum(e["full_samples"] - e["training_samples"] for e in stopped)
        assert saved == row["stopped_samples"]
    assert (ledger[0]["evaluations"], ledger[0]["stopped_evaluations"]) == (4, 3)
    assert ledger[0]["stopped_samples"] > 0
    first = records[f"{run}/generation0/evaluations/0.parquet"]
    pool = records["search/pools/default/seed0/candidates.parquet"]
    assert [e["candidate_id"] for e in first] == [row["candidate_id"] for row in pool]
    # Who was not stopped has the accuracy of the pool's own trainings, which raced nobody.
    alone = {
        e["candidate_id"]: e["validation_accuracy"]
        for path, rows in records.items()
        if path.startswith("search/pools/default/seed0/evaluations/")
        for e in rows
    }
    finishers = [e for e in first if e["status"] == "completed"]
    assert finishers
    for e in finishers:
        assert e["validation_accuracy"] == alone[e["candidate_id"]]


def test_the_audit_trains_in_full_and_is_off_the_books(finished):
    records = finished.records()
    for method in METHODS:
        run = f"search/{method}/seed0"
        rows = records[f"{run}/audit.parquet"]
        assert [row["slot"] for row in rows] == list(range(len(rows)))
        assert len(rows) <= 2
        for row in rows:
            assert row["status"] != "stopped_early"
            assert row["stage"] != "novel"
            assert row["training_samples"] == 256 or row["status"] != "completed"
    stages = {row["stage"] for row in records["search/egp_racing/seed0/audit.parquet"]}
    assert "stopped" in stages
    rows = table(finished, "functional_check")
    (stopped,) = [row for row in rows if row["stage"] == "stopped"]
    ledger = records["search/egp_racing/seed0/ledger.parquet"]
    assert stopped["method"] == "egp_racing"
    assert float(stopped["rejected"]) == sum(row["stopped_evaluations"] for row in ledger)


def test_the_exported_loss_gives_our_values(finished):
    results = finished.folder / "results" / "tiny"
    path = results / "losses" / "egp_seed0.py"
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    champion = json.loads((results / "search/egp/seed0/champion.json").read_text())
    logits, targets = torch.randn(20, 10), torch.arange(20) % 10
    ours = task_loss(parse(champion["expression"]), 10, match_gradient_scale=True)
    torch.testing.assert_close(
        module.EgpSeed0()(logits, targets), ours(logits, targets), rtol=1e-6, atol=0
    )


def test_every_record_says_where_it_comes_from(finished):
    from evoloss.parquet import read_metadata

    for path in (finished.folder / "results" / "tiny").rglob("*.parquet"):
        metadata = read_metadata(path)
        assert metadata["study"] == "tiny"
        assert metadata["step"]
        assert metadata["provenance"]["packages"]["torch"] == torch.__version__


def test_the_logged_command_can_be_pasted(finished, tmp_path):
    import subprocess

    log = finished.folder / "results" / "tiny" / "logs" / "tabulate" / "datasets.log"
    command = log.read_text().splitlines()[0]
    assert "--csv results/tiny/tables/datasets.csv" in command
    elsewhere = command.replace("results/tiny/tables/", f"{tmp_path}/")
    subprocess.run(elsewhere, shell=True, check=True, env={"PATH": "/usr/bin:/bin"}, cwd="/")
    made = (tmp_path / "datasets.csv").read_text()
    assert made == (finished.folder / "results/tiny/tables/datasets.csv").read_text()


def test_snakemakes_report_has_the_figures_tables_and_losses(scratch):
    scratch.run("--report", "results/tiny/report.html")
    report = (scratch.folder / "results" / "tiny" / "report.html").read_text()
    for text in ("anytime", "accuracy", "egp_seed0.py", "Efficiency", "Final accuracy", "Losses"):
        assert text in report
