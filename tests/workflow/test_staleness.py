"""What reruns after a change, shown by dry runs: what is affected, and nothing else.

Each test takes one or two dry runs of some seconds: only Snakemake itself can say what it would rerun.
"""

import json
import os
import time

import pytest

SUMMARY = {
    "summarise",
    "rescore",
    "audit",
    "choose_rate",
    "retrain",
    "tabulate",
    "plot",
    "export_loss",
    "chapter",
    "compile_chapter",
}
"""The rules that run after the searches: those that summarise them, and all that follow."""

COMPILED = "results/tiny/chapter/compiled.txt"
CHAPTER = [
    f"results/tiny/chapter/{name}"
    for name in ("chapter4.tex", "macros.tex", "standalone.tex", "verdict.txt")
]


def test_a_figures_module_makes_that_figure_stale(scratch):
    scratch.edit("workflow/evoloss/reporting/figures/anytime.py", "linewidth=1.5", "linewidth=2.2")
    assert sorted(scratch.planned_files()) == [
        COMPILED,
        "results/tiny/figures/anytime.pdf",
        "results/tiny/figures/anytime.png",
    ]


def test_a_colour_redraws_the_figures_and_nothing_else(scratch):
    scratch.edit("workflow/evoloss/reporting/style.py", '"#0b3d91"', '"#0b3d92"')
    jobs = scratch.planned()
    assert set(jobs) == {"plot", "compile_chapter"}
    assert jobs["plot"] > 10


def test_a_tables_module_makes_that_table_stale(scratch):
    scratch.edit("workflow/evoloss/reporting/tables/datasets.py", '"Test"', '"Test images"')
    assert scratch.planned() == {"tabulate": 1, "chapter": 1, "compile_chapter": 1}


def test_an_algorithms_module_reruns_its_methods_only(scratch):
    scratch.edit(
        "workflow/evoloss/search/egp.py", "return settings.parents", "return 0 + settings.parents"
    )
    files = [path for path in scratch.planned_files() if "/search/" in path]
    assert {path.split("/")[3] for path in files} == {"egp", "egp_racing"}
    assert "results/tiny/search/egp/seed0/generation1/candidates.parquet" in files
    assert not any("/evaluations/" in path and "/generation0/" in path for path in files)


def test_a_methods_setting_reruns_it_from_generation_one(scratch):
    config = scratch.overlay("search: {methods: {egp: {subtree_probability: 0.6}}}")
    files = [path for path in scratch.planned_files(config=config) if "/search/" in path]
    assert all("/search/egp/" in path for path in files)
    assert "results/tiny/search/egp/seed0/generation1/candidates.parquet" in files
    # The pool is drawn and trained independently of it.
    assert not any("/pools/" in path or "/generation0/" in path for path in files)
    jobs = scratch.planned(config=config)
    assert jobs["breed"] == 2
    assert "tune" not in jobs


def test_a_races_setting_reruns_that_method_with_its_share_of_the_pool(scratch):
    config = scratch.overlay(
        "search: {methods: {egp_racing: {racing: {rungs: [0.25], going_on: 0.5}}}}"
    )
    files = [path for path in scratch.planned_files(config=config) if "/search/" in path]
    assert all(path.startswith("results/tiny/search/egp_racing/") for path in files)
    assert "results/tiny/search/egp_racing/seed0/generation0/evaluations/0.parquet" in files
    assert "tune" not in scratch.planned(config=config)


def test_a_method_that_races_no_more_takes_the_pools_trainings(scratch):
    config = scratch.overlay("search: {methods: {egp_racing: {racing: null}}}")
    files = [path for path in scratch.planned_files(config=config) if "/search/" in path]
    assert all(path.startswith("results/tiny/search/egp_racing/") for path in files)
    assert not any("/generation0/evaluations/" in path for path in files)
    assert "results/tiny/search/egp_racing/seed0/generation0/population.parquet" in files


def test_more_audits_rerun_the_audit_and_what_shows_it(scratch):
    config = scratch.overlay("search: {audit_trainings: 3}")
    files = scratch.planned_files(config=config)
    methods = ("egp", "egp_racing", "glo", "taylor_glo")
    # Besides the table of the audits those that list every setting.
    assert sorted(files) == sorted(
        [f"results/tiny/search/{method}/seed0/audit.parquet" for method in methods]
        + [*CHAPTER, COMPILED]
        + [
            f"results/tiny/tables/{table}.{suffix}"
            for table in ("functional_check", "parameters", "study_settings")
            for suffix in ("csv", "md", "tex")
        ]
    )


def test_the_module_of_cma_es_reruns_the_methods_that_use_it(scratch):
    scratch.edit("workflow/evoloss/search/cma_es.py", "WORST = 1e6", "WORST = 2e6")
    files = [path for path in scratch.planned_files() if "/search/" in path]
    assert {path.split("/")[3] for path in files} == {"glo", "taylor_glo"}


def test_more_generations_run_only_the_new_ones(scratch):
    config = scratch.overlay("search: {generations: 4}")
    files = [path for path in scratch.planned_files(config=config) if "/search/" in path]
    generations = {
        part for path in files for part in path.split("/") if part.startswith("generation")
    }
    assert generations == {"generation3", "generation4"}
    jobs = scratch.planned(config=config)
    assert (jobs["breed"], jobs["select"]) == (8, 8)  # two new generations of four methods
    assert set(jobs) <= {"breed", "evaluate", "select"} | SUMMARY


def test_a_run_seed_runs_only_what_is_new(scratch):
    config = scratch.overlay("search: {run_seeds: [0, 1]}")
    files = scratch.planned_files(config=config)
    assert not any("/seed0/" in path for path in files)
    jobs = scratch.planned(config=config)
    assert (jobs["initialise"], jobs["breed"], jobs["summarise"], jobs["rescore"]) == (1, 9, 4, 4)
    assert jobs["retrain"] == jobs["audit"] == 4
    assert {"tune", "prepare_dataset"}.isdisjoint(jobs)


def test_a_new_method_runs_only_itself(scratch):
    config = scratch.overlay(
        "search: {methods: {egp_top: {algorithm: egp, population: 4, parents: 2, "
        "tournament: 4, selection: top_share, top_share: 0.5}}}"
    )
    files = [path for path in scratch.planned_files(config=config) if "/search/" in path]
    assert files
    assert all("/search/egp_top/" in path for path in files)


def test_a_new_loss_runs_only_itself(scratch):
    config = scratch.overlay(
        'retrain: {losses: [cross_entropy, ngl, {mine: "square(p - y)"}, mae]}'
    )
    files = [path for path in scratch.planned_files(config=config) if "/retrain/" in path]
    assert len(files) == 2
    assert all("/mae/" in path for path in files)
    assert {"breed", "rescore", "tune"}.isdisjoint(scratch.planned(config=config))


def test_a_changed_formula_reruns_that_loss(scratch):
    config = scratch.overlay('retrain: {losses: [cross_entropy, ngl, {mine: "abs(p - y)"}]}')
    files = [path for path in scratch.planned_files(config=config) if "/retrain/" in path]
    assert len(files) == 2
    assert all("/mine/" in path for path in files)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("workflow/evoloss/study/settings.py", "REFERENCE =", "UNUSED = 1\nREFERENCE ="),
        ("workflow/evoloss/learning/device.py", "THREADS = 1", "# why\nTHREADS = 1"),
        ("workflow/evoloss/search/egp.py", '"""N: parents', '"""N parents'),
        ("config/config.yaml", "# Name of the study", "# The name of the study"),
    ],
    ids=["registry", "comment", "docstring", "config comment"],
)
def test_edits_without_effect_on_any_result_rerun_nothing(scratch, path, old, new):
    scratch.edit(path, old, new)
    assert scratch.planned() == {}


def test_a_new_setting_reruns_no_training(scratch):
    scratch.edit(
        "workflow/evoloss/reporting/settings.py",
        "    confidence:",
        "    new_setting: int = 3\n    confidence:",
    )
    # The tables that list every setting are made again, and the chapter that reads them.
    assert sorted(scratch.planned_files()) == sorted(
        [*CHAPTER, COMPILED]
        + [
            f"results/tiny/tables/{table}.{suffix}"
            for table in ("parameters", "study_settings")
            for suffix in ("csv", "md", "tex")
        ]
    )


def test_touched_files_rerun_nothing(scratch):
    later = time.time() + 5
    for path in scratch.folder.rglob("*"):
        inside = path.relative_to(scratch.folder).parts
        if path.is_file() and inside[0] in ("workflow", "config", "results", "Snakefile"):
            os.utime(path, (later, later))
    assert scratch.planned() == {}


def test_a_lost_file_is_made_again(scratch):
    (scratch.folder / "results/tiny/data/digits/train.parquet").unlink()
    jobs = scratch.planned("--forcerun", "tune")
    assert jobs["prepare_dataset"] == 1


def test_five_hundred_generations_can_be_planned(scratch):
    config = scratch.overlay("{study: long, search: {generations: 500}}")
    jobs = scratch.planned(config=config)
    # Four methods breed 500 times and select once more; taylor_glo breeds its beginning too.
    assert jobs["breed"] == 2001
    assert jobs["select"] == 2004


def test_another_label_in_a_file_of_labels_reruns_its_task(scratch):
    config = scratch.overlay(
        "tasks: {digits_clean: {label_noise: {kind: file, share: null, path: labels.txt}}}"
    )
    labels = scratch.folder / "labels.txt"
    labels.write_text("3\n" * 1797)
    resolved = "results/tiny/tasks/digits_clean.json"
    scratch.run(resolved, config=config)
    told = json.loads((scratch.folder / resolved).read_text())
    assert told["changed_labels"] == 115  # of 128; the others are threes
    assert scratch.planned(resolved, config=config) == {}
    labels.write_text("4\n" + "3\n" * 1796)
    assert scratch.planned(resolved, config=config) == {"tune": 1}


def test_wrong_validation_labels_are_another_task(scratch):
    config = scratch.overlay("tasks: {digits_noisy: {validation: noisy}}")
    jobs = scratch.planned(config=config)
    assert jobs["tune"] == 2  # one YAML node is both tasks of the tiny study
    assert {"prepare_dataset", "initialise"}.isdisjoint(jobs)


def test_how_the_machine_works_reruns_nothing(scratch):
    config = scratch.overlay("machine: {job_server: false, side_by_side: 4}")
    assert scratch.planned(config=config) == {}
