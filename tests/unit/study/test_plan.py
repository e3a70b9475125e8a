"""What the plan of a study tells its rules; the workflow tests run the rest of it."""

import json
from pathlib import Path
from types import SimpleNamespace

from test_settings import changed

from evoloss.study.configuration import load, load_files
from evoloss.study.plan import Plan

NCE = "evoloss.losses.on_logits:nce"


def plan(key, value):
    """The plan of the default study with one key set."""
    return Plan(load(changed(key, value)))


def test_a_plan_names_every_file_that_a_complete_study_consists_of():
    made = Plan(load_files([]))
    files = made.deliverables()
    assert f"{made.results}/tables/search_cost.csv" in files
    assert f"{made.results}/figures/anytime.pdf" in files
    assert len(made.table_files("csv")) == len(made.config.tables())


def test_the_code_of_a_loss_that_is_a_function_counts():
    made = plan("retrain.losses", ["cross_entropy", "ngl", "nce", {"mine": NCE}])
    for loss, code in (("ngl", []), ("nce", [NCE]), ("mine", [NCE]), ("egp_seed0", [])):
        assert made.loss_code(SimpleNamespace(loss=loss)) == code
    assert made.loss_flag(SimpleNamespace(loss="nce")) == [f"--formula={NCE}"]
    assert made.code_of_records(("shapes",)) == []


def test_a_figure_that_draws_a_function_has_its_code():
    config = changed("retrain.losses", ["cross_entropy", "nce"])
    config["report"]["curve_losses"] = ["cross_entropy", "nce"]
    made = Plan(load(config))
    assert made.code_of_records(("shapes",)) == [NCE]
    assert made.code_of_records(("retrained",)) == []


def test_initial_losses_reach_the_step_as_formulas():
    made = plan("search.pools.default.initial_losses", ["cross_entropy", "abs(p - y)"])
    told = json.loads(made.pool_settings(SimpleNamespace(pool="default")))
    assert told["initial_losses"] == ["-(y * log(p))", "abs(p - y)"]
    assert told["size"] == made.config.search.pools["default"].size


def test_what_a_variant_changes_is_written_as_in_a_configuration():
    overlay = Path(__file__).parents[3] / "config" / "fashion_racing.yaml"
    told = json.loads(Plan(load_files([overlay])).description_of(["ablation"]))
    assert told["ablation_base"] == "egp_checked"
    assert told["ablation_changes"]["egp_halving"] == (
        "reuse: true (base false), "
        "racing: {rungs: [0.0556, 0.1667, 0.3333], judged_by: validation, going_on: 0.5} (base null)"
    )
    # Another algorithm is no variant.
    assert "ngl_gp" not in told["ablation_changes"]
    # The draft's has another number of generations too, which under a budget is no change.
    assert told["ablation_changes"]["egp"].startswith("attempts: 1 (base 50), check_initial: false")


def test_how_many_generations_a_method_has_reaches_no_generation():
    few, many = (plan("search.methods.gp_lfl.generations", number) for number in (13, 20))
    here = SimpleNamespace(study="digits", method="gp_lfl", run_seed=0, generation=3)
    assert few.breed_flags(here) == many.breed_flags(here)
    assert few.select_flags(here) == many.select_flags(here)
    assert len(few.populations(here)) == 14  # thirteen generations and the first population
    assert few.last_population(here).endswith("generation13/population.parquet")
    assert json.loads(many.description_of(["scores"]))["generations"]["gp_lfl"] == 20
    files = [path for path in many.records_of(["scores"]) if "/gp_lfl/seed0/" in path]
    assert len(files) == 21
