"""A mistake of a user gets a sentence, before any job where that is possible, and nothing is lost.

Each test starts Snakemake, for some seconds: what counts is what a user then reads.
"""

import pytest
from image_files import write_folder


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("search: {generatons: 3}", "search.generatons: unknown key 'generatons'; did you mean"),
        (
            "search: {methods: {egp: {tournament: 9}}}",
            "tournament: 9 is larger than the population (4)",
        ),
        ("retrain: {losses: [cross_entropy, nlg]}", "unknown loss 'nlg'"),
        ("retrain: {losses: [cross_entropy, 'y * log(q)']}", "unknown name 'q'"),
        ("tasks: {digits_noisy: {epochs: 0}}", "tasks.digits_noisy.epochs: got 0"),
    ],
)
def test_configuration_mistakes_stop_before_any_job(scratch, text, sentence):
    config = scratch.overlay(text)
    answer = scratch.run(config=config, check=False)
    assert answer.returncode != 0
    assert sentence in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "Job stats" not in answer.stdout


def test_a_failing_job_shows_its_sentence(scratch):
    config = scratch.overlay("tasks: {digits_noisy: {training_images: 5000}}")
    answer = scratch.run("results/tiny/tasks/digits_noisy.json", config=config, check=False)
    assert answer.returncode != 0
    assert "training_images: 5000 is more than the 898 there are" in answer.stdout


def test_a_reached_target_asks_for_no_more_trainings(scratch):
    config = scratch.overlay("search: {target_fitness: 0.001}")
    ledger = "results/tiny/search/egp/seed0/ledger.parquet"
    scratch.run(ledger, config=config)
    records = scratch.records()
    for generation in (1, 2):
        folder = f"search/egp/seed0/generation{generation}"
        assert records[f"{folder}/candidates.parquet"] == []
        assert records[f"{folder}/evaluations/0.parquet"] == []
        assert len(records[f"{folder}/population.parquet"]) > 0
    rows = records["search/egp/seed0/ledger.parquet"]
    assert [row["evaluations"] for row in rows][1:] == [0, 0]


def test_a_spent_budget_asks_for_no_more_trainings(scratch):
    """A training of tiny.yaml takes 256 samples: the pool costs four, and two more can be paid."""
    config = scratch.overlay(
        "{study: budget, search: {budget_samples: 1700, methods: {glo: {tuning_from: null}}}}"
    )
    scratch.run("results/budget/search/egp/seed0/ledger.parquet", config=config)
    ledger = scratch.records("budget")["search/egp/seed0/ledger.parquet"]
    assert [row["evaluations"] for row in ledger] == [4, 2, 0]
    assert sum(row["training_samples"] for row in ledger) == 6 * 256


def test_an_unchecked_pool_takes_every_proposal_as_the_draft_does(scratch):
    config = scratch.overlay("{study: draft, search: {pools: {default: {check_initial: false}}}}")
    target = "results/draft/search/egp/seed0/generation0/population.parquet"
    scratch.run(target, config=config)
    records = scratch.records("draft")
    proposals = records["search/pools/default/seed0/proposals.parquet"]
    assert len(proposals) == len(records["search/pools/default/seed0/candidates.parquet"]) == 4
    assert all(row["rejected_by"] is None for row in proposals)


def test_nested_numbers_of_the_command_line_are_numbers(scratch):
    """Snakemake gives what --config nests as text."""
    generations = ["--config", "search={'generations': 3}"]
    files = scratch.planned_files(*generations)
    assert "results/tiny/search/egp/seed0/generation3/population.parquet" in files


def test_a_folder_of_images_may_begin_with_a_hyphen(scratch):
    write_folder(scratch.folder / "-pets", {"train": {"cat": 80, "dog": 60}}, size=(12, 12))
    config = scratch.overlay(
        "tasks: {digits_clean: {training_images: null, dataset: "
        "{source: image_folder, name: pets, path: '-pets', image_size: 8}}}"
    )
    scratch.run("results/tiny/tasks/digits_clean.json", config=config)
