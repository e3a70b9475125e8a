"""Configurations: what the default promises, and what a mistake gets told."""

import contextlib
import copy
import math
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from evoloss.errors import UserError
from evoloss.learning.dataset_size import dataset_size
from evoloss.learning.schedule import total_steps, wanted_images
from evoloss.search.method import algorithms, load_algorithm
from evoloss.strict_model import StrictModel
from evoloss.study.budget import candidate_samples, samples
from evoloss.study.configuration import load, load_files, merge, read_yaml, schema, typed
from evoloss.study.workload import workload

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
EVERY_METHOD = DEFAULT | {"search": DEFAULT["search"] | {"leave_out": []}}
"""The default with the methods too that it leaves out."""


def changed(key, value):
    """The default with all its methods and one key set; the keys above it are made if need be."""
    config = copy.deepcopy(EVERY_METHOD)
    *path, last = key.split(".")
    here = config
    for part in path:
        here = here[part]
    here[last] = value
    return config


def test_the_default_is_valid_and_has_the_promised_size():
    config = load(DEFAULT)
    assert len(config.search.run_seeds) >= 5
    assert len(config.retrain.training_seeds) >= 3
    assert len(config.retrain.formulas()) >= 5
    assert {m.algorithm for m in load(EVERY_METHOD).search.methods.values()} <= set(algorithms())
    assert config.reference_method() == "ngl_gp"


def test_the_schema_is_in_step_with_the_models():
    path = ROOT / "workflow" / "schemas" / "config.schema.json"
    assert path.read_text() == schema(), "run `make schema`"


def written_keys(value, prefix=""):
    """The dotted keys that stand in a file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from written_keys(inner, f"{prefix}{key}.")


def model_keys(value, prefix=""):
    """The dotted keys that the models of the settings have."""
    if isinstance(value, StrictModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from model_keys(inner, f"{prefix}{key}.")


def test_the_default_file_names_every_key():
    missing = {
        key
        for key in set(model_keys(load(DEFAULT))) - set(written_keys(DEFAULT))
        if ".dataset." not in key and ".label_noise." not in key  # written in their short form
    }
    assert not missing


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "search.generatons",
            4,
            "search.generatons: unknown key 'generatons'; did you mean 'generations'?",
        ),
        ("serach", {}, "serach: unknown key 'serach'; did you mean 'search'?"),
        (
            "tasks.digits_noisy.epoch",
            1,
            "tasks.digits_noisy.epoch: unknown key 'epoch'; did you mean 'epochs'?",
        ),
        (
            "search.methods.egp.parent",
            1,
            "search.methods.egp.parent: unknown key 'parent'; did you mean 'parents'?",
        ),
        (
            "search.pools.default.space.max_dept",
            1,
            "search.pools.default.space.max_dept: unknown key",
        ),
        ("search.generations", "five", "search.generations: got 'five', but it accepts integer"),
        (
            "search.generations",
            0,
            "search.generations: got 0, but it accepts greater than or equal to 1",
        ),
        ("search.generations", True, "search.generations: got True, but it accepts integer"),
        ("search.run_seeds", 3, "search.run_seeds: got 3, but it accepts list"),
        (
            "search.run_seeds",
            [0, 0],
            "search.run_seeds: got [0, 0], but each entry may stand only once",
        ),
        (
            "search.methods.egp.subtree_probability",
            1.5,
            "search.methods.egp.subtree_probability: got 1.5, but it accepts less than or equal to 1",
        ),
        (
            "search.methods.egp.selection",
            "best",
            "search.methods.egp.selection: got 'best', but it accepts 'tournament' or 'top_share'",
        ),
        (
            "search.methods.egp.tournament",
            50,
            "search.methods.egp.tournament: 50 is larger than the population (6)",
        ),
        (
            "search.methods.egp.algorithm",
            "egpp",
            "search.methods.egp.algorithm: got 'egpp', but there are egp, glo, gp_lfl, ngl_gp, "
            "random_search, regularised_evolution, robust_taylor, taylor_glo",
        ),
        (
            "search.methods.egp.population",
            13,
            "search.methods.egp.population: got 13, but its pool 'unchecked' holds 6 individuals",
        ),
        (
            "search.methods.egp.pool",
            "big",
            "search.methods.egp.pool: unknown pool 'big'; there are default, unchecked",
        ),
        (
            "search.methods.egp.pool",
            None,
            "search.methods.egp.pool: got null, but egp starts from a pool; name one",
        ),
        (
            "search.methods.glo.stages",
            ["structure"],
            "search.methods.glo.reuse: it needs stage novel of the functional check",
        ),
        (
            "search.methods.gp_lfl.mutation_probability",
            0.5,
            "search.methods.gp_lfl.crossover_probability: with mutation_probability it is more than 1",
        ),
        (
            "search.methods.glo.elites",
            12,
            "elites: 12 leaves no place for children in a population of 6",
        ),
        ("search.methods.egp.preset", "mnist", "preset: got 'mnist'; there are published"),
        (
            "report.ablation_base",
            "egpp",
            "report.ablation_base: unknown method 'egpp'; there are egp, ",
        ),
        (
            "search.methods.new",
            {"pool": "default"},
            "search.methods.new.algorithm: this key is missing",
        ),
        (
            "search.pools.default.space.functions",
            ["add", "lg"],
            "search.pools.default.space.functions: unknown 'lg'",
        ),
        (
            "search.functional_check.stages",
            ["novel", "nice"],
            "search.functional_check.stages.1: got 'nice', but it accepts",
        ),
        (
            "search.tasks",
            ["digit"],
            "search.tasks: unknown task 'digit'; there are digits_noisy, digits_clean",
        ),
        (
            "tasks.digits_noisy.dataset",
            "minst",
            "tasks.digits_noisy.dataset: got 'minst', but it accepts 'digits', 'mnist', 'kmnist'",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "split_seed": 3},
            "tasks.digits_noisy.dataset: another task uses a data set named 'digits'",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "image_folder"},
            "tasks.digits_noisy.dataset.path: an image_folder needs a path",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "path": "images"},
            "tasks.digits_noisy.dataset.path: only an image_folder has one; digits lies below its root",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "classes": [3]},
            "tasks.digits_noisy.dataset.classes: got [3]; name at least two, or write [3, rest]",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "classes": [3, 10]},
            "tasks.digits_noisy.dataset.classes: got 10, but digits has the classes 0 to 9",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "classes": [3, [8, 3]]},
            "classes: got [3, [8, 3]], but each class may stand only once",
        ),
        (
            "tasks.digits_noisy.dataset",
            {"source": "digits", "classes": [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], "rest"]},
            "classes: all 10 are named, which leaves none for rest; leave it out",
        ),
        (
            "report.conditions",
            [{"setting": "label_noise", "tasks": ["digits_clean", "short"]}],
            "report.conditions.0.tasks: 'short' is not among retrain.tasks; there are digits_noisy, digits_clean",
        ),
        (
            "report.conditions",
            [{"setting": "label_noise", "tasks": ["digits_clean", "digits_clean"]}],
            "report.conditions.0.tasks: got ['digits_clean', 'digits_clean'], but each entry may stand only",
        ),
        ("tasks.digits_noisy.input_noise", -1.0, "tasks.digits_noisy.input_noise: got -1.0"),
        (
            "tasks.digits_noisy.training_images",
            1.5,
            "tasks.digits_noisy.training_images: got 1.5; write a number of images, at least 2, or a fraction",
        ),
        ("tasks.digits_noisy.label_noise", 1.0, "tasks.digits_noisy.label_noise: got 1.0"),
        ("tasks.digits_noisy.augmentation", ["crop", "rotate"], "tasks.digits_noisy.augmentation"),
        (
            "tasks.digits_noisy.network",
            "resnet",
            "tasks.digits_noisy.network: got 'resnet'; there are convnet, convnet_wide, mlp, "
            "resnet9, resnet18, mobilenet_v3_small, googlenet, or write module:function",
        ),
        (
            "tasks.digits_noisy.network",
            "nowhere.nets:tiny",
            "Python finds no module 'nowhere.nets'",
        ),
        ("tasks.digits_noisy.network", "json:laods", "json/__init__.py has no 'laods'; it has "),
        (
            "retrain.losses",
            ["cross_entropy", "ngl", "json:margin"],
            "retrain.losses: got 'json:margin', but",
        ),
        (
            "tasks.digits_noisy.weight_decay",
            "5e-4",
            "tasks.digits_noisy.weight_decay: got '5e-4', but it accepts number (YAML wants a point and a sign, as in 1.0e-3",
        ),
        (
            "tasks.digits_noisy.learning_rates",
            [0.2, 0.1],
            "tasks.digits_noisy.learning_rates: got [0.2, 0.1]; they must ascend",
        ),
        ("retrain.losses", ["cross_entropy", "foccal"], "retrain.losses: unknown loss 'foccal'"),
        (
            "retrain.losses",
            ["cross_entropy", "y * lg(p)"],
            "retrain.losses: expression 'y * lg(p)', column 5: unknown function 'lg'",
        ),
        (
            "retrain.losses",
            ["cross_entropy", {"mine": "p +"}],
            "retrain.losses: expression 'p +' cannot be read",
        ),
        (
            "retrain.losses",
            ["cross_entropy", "chebyshev"],
            "retrain.losses: 'chebyshev' equals mae up to scale (1 - p_t = MAE / 2); write mae",
        ),
        (
            "retrain.losses",
            ["cross_entropy", "nowhere.losses:mine"],
            "retrain.losses: got 'nowhere.losses:mine', but Python finds no module 'nowhere.losses'",
        ),
        (
            "retrain.losses",
            ["cross_entropy", "my losses:mine"],
            "retrain.losses: the loss 'my losses:mine' is not of the form module:function",
        ),
        (
            "retrain.losses",
            ["cross_entropy", "ngl", "evoloss.losses.on_logits:ngl"],
            "retrain.losses: the same loss stands there twice, or two losses have one name",
        ),
        (
            "retrain.losses",
            ["cross_entropy", {"ngl": "evoloss.losses.on_logits:nce"}],
            "retrain.losses: 'ngl' is a loss of the catalogue; give your own another name",
        ),
        (
            "search.pools.default.initial_losses",
            ["foccal"],
            "search.pools.default.initial_losses: unknown loss 'foccal'",
        ),
        (
            "search.pools.default.initial_losses",
            ["hinge"],
            "search.pools.default.initial_losses: 'hinge' is a function of logits, which a search",
        ),
        (
            "search.pools.default.initial_losses",
            ["mae", "abs(p - y)"],
            "search.pools.default.initial_losses: 'abs(p - y)' stands there twice",
        ),
        (
            "search.pools.default.initial_losses",
            [" + ".join(["p * y"] * 9)],
            "is too large for search.pools.default.space: 35 nodes, at most 30",
        ),
        (
            "search.pools.default.initial_losses",
            [f"p * y * {number}" for number in range(2, 23)],
            "search.pools.default.initial_losses: got 21 losses, but the pool holds 6 individuals",
        ),
        ("retrain.losses", ["ngl"], "retrain.losses: 'cross_entropy' is missing"),
        ("retrain.losses", ["cross_entropy", "ngl", "ngl"], "the same loss stands there twice"),
        (
            "retrain.losses",
            ["cross_entropy", "ngl", {"egp_seed0": "p*y"}],
            "is the name of a run's champion",
        ),
        (
            "retrain.losses",
            ["cross_entropy", {"ngl": "square(p - y)"}],
            "retrain.losses: 'ngl' is a loss of the catalogue",
        ),
        (
            "retrain.losses",
            ["cross_entropy", "log(p)"],
            "retrain.losses: the loss 'log(p)' must contain both p (prediction) and y (target)",
        ),
        (
            "search.methods.egp_racing.stages",
            [],
            "search.methods.egp_racing.reuse: it needs stage novel of the functional check",
        ),
        (
            "search.methods.egp_racing.racing",
            True,
            "search.methods.egp_racing.racing: got True, but it needs a mapping with keys of rungs, judged_by, going_on",
        ),
        (
            "search.methods.egp_racing.racing",
            {"rung": [0.5]},
            "search.methods.egp_racing.racing.rung: unknown key 'rung'; did you mean 'rungs'?",
        ),
        (
            "search.methods.egp.hurdle",
            {"part": 0.5},
            "search.methods.egp.hurdle.part: unknown key 'part'; there are rungs, judged_by, share",
        ),
        (
            "search.methods.egp_racing.racing",
            {"rungs": []},
            "search.methods.egp_racing.racing.rungs: got [], but it needs at least one entry",
        ),
        (
            "tasks.digits_noisy",
            {"dataset": "digits", "epochs": 4, "batch_size": 800},
            "search.methods.egp_racing.racing.rungs: on task 'digits_noisy', in a training of 4 steps, "
            "[0.1667, 0.3333] are steps 1, 2, but must be different steps, neither the first nor the last; write",
        ),
        ("search.methods.egp", 3, "search.methods.egp: got 3, but it needs a mapping of settings"),
        (
            "search.budget_samples",
            20_000,
            "search.budget_samples: got 20,000, but the first 6 candidates of egp may take 96,768 training "
            "samples; raise it, or lower search.methods.egp.population",
        ),
        (
            "search.budget_samples",
            1_000_000,
            "search.budget_samples: got 1,000,000, but egp_checked takes at most 483,840 training samples in 8 "
            "generations; raise search.generations or search.methods.egp_checked.generations, or lower the budget",
        ),
        (
            "search.methods.glo.tuning_from",
            24,
            "search.methods.glo.tuning_from: got 24, but with 24 generations CMA-ES would learn no fitness, since it "
            "learns that of a sample one generation later; write 22, raise the generations, or write null",
        ),
        (
            "search.methods.glo.generations",
            1,
            "search.methods.glo.tuning_from: got 2, but with 1 generations CMA-ES would learn no fitness, since it "
            "learns that of a sample one generation later; raise the generations, or write null",
        ),
        (
            "search.methods.glo.tuning_from",
            20,
            "search.methods.glo.tuning_from: got 20, but by the end of that generation glo may have spent 1,",
        ),
        ("study", "published", "study: 'published' is the folder of published results"),
        ("retrain.training_seeds", [2**40], "retrain.training_seeds.0: got 1099511627776"),
        ("report.reference_method", "ngl", "report.reference_method: unknown method 'ngl'"),
        (
            "report.curve_losses",
            ["focal"],
            "report.curve_losses: 'focal' is not among retrain.losses",
        ),
        (
            "search.leave_out",
            ["gloo"],
            "search.leave_out: 'gloo' is no method; there are egp, egp_checked,",
        ),
        (
            "report.target",
            {"loss": "cross_entropy", "over": "cross_entropy"},
            "report.target.over: cross_entropy gains nothing over itself; write chance, or another loss",
        ),
        ("device", "gpu", "device: got 'gpu', but it accepts"),
        ("study", "My Study", "study: got 'My Study', but it accepts"),
        ("tasks", {}, "tasks: "),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_is_one_sentence_that_names_the_key(key, value, sentence):
    with pytest.raises(UserError) as caught:
        load(changed(key, value))
    lines = str(caught.value).splitlines()
    assert sentence in lines[0], lines
    assert len(lines[0]) < 500


def test_an_initial_loss_with_c_needs_one_number_of_classes():
    config = changed("search.pools.default.initial_losses", ["focal", "ngl"])
    load(config)
    config["tasks"]["cifar"] = {"dataset": "cifar100"}
    config["search"]["budget_samples"] = None
    config["search"]["tasks"] = ["digits_noisy", "cifar"]
    with pytest.raises(UserError, match=r"initial_losses: 'ngl' contains C, .* \(10, 100\); write"):
        load(config)
    config["search"]["pools"]["default"]["initial_losses"] = ["focal"]
    load(config)


def test_a_missing_key_is_named():
    config = copy.deepcopy(DEFAULT)
    del config["search"]["tasks"]
    with pytest.raises(UserError, match=r"^search\.tasks: this key is missing$"):
        load(config)


def test_all_mistakes_are_told_at_once():
    config = changed("search.generations", "five")
    config["retrain"]["training_seeds"] = []
    with pytest.raises(UserError) as caught:
        load(config)
    assert len(str(caught.value).splitlines()) == 2


def test_an_overlay_drops_an_entry_with_null():
    config = changed("search.methods.egp", None)
    assert list(load(config).search.methods) == [
        n for n in DEFAULT["search"]["methods"] if n != "egp"
    ]


def test_methods_that_are_left_out_do_not_run():
    everything = list(DEFAULT["search"]["methods"])
    config = load(changed("search.leave_out", ["egp", "glo"]))
    assert list(config.search.methods) == [n for n in everything if n not in ("egp", "glo")]
    assert list(load(DEFAULT).search.methods) == ["egp_racing", "ngl_gp", "random_search"]


def test_losses_may_be_names_expressions_and_named_expressions():
    config = changed(
        "retrain.losses", ["cross_entropy", "ngl", "square(p - y)", {"mine": "abs(p - y)"}]
    )
    formulas = load(config).retrain.formulas()
    assert list(formulas)[:2] == ["cross_entropy", "ngl"]
    assert formulas["mine"] == "abs(p - y)"
    assert "square(p - y)" in formulas.values()
    assert all(name.isidentifier() for name in formulas)


def test_losses_may_be_functions():
    text = "evoloss.losses.on_logits:nce"
    config = changed(
        "retrain.losses",
        [
            "cross_entropy",
            "ngl",
            "hinge",
            text,
            {"mine": text},
            "evoloss.losses.on_logits:_of_target",
        ],
    )
    formulas = load(config).retrain.formulas()
    assert list(formulas)[:5] == ["cross_entropy", "ngl", "hinge", "nce", "mine"]
    assert formulas["hinge"] == "evoloss.losses.on_logits:hinge"
    assert formulas["nce"] == formulas["mine"] == text
    assert list(formulas)[5].startswith("function_")


def test_known_losses_may_stand_first_in_a_pool():
    losses = ["cross_entropy", "ngl", "square(p - y) / C"]
    config = load(changed("search.pools.default.initial_losses", losses))
    assert config.search.pools["default"].initial_losses == losses


def test_presets_give_what_is_not_given():
    preset = {"algorithm": "taylor_glo", "preset": "published", "attempts": 5}
    method = load(changed("search.methods.mine", preset)).search.methods["mine"]
    assert (method.population, method.sigma, method.invariant, method.attempts) == (
        20,
        1.2,
        False,
        5,
    )
    preset["preset"] = "mnist"
    config = changed("search.methods.mine", preset)
    config["search"]["budget_samples"] = None
    method = load(config).search.methods["mine"]
    assert (method.population, method.invariant) == (28, True)


@pytest.mark.parametrize("name", algorithms())
def test_a_published_setting_is_a_setting(name):
    model = load_algorithm(name).Settings
    assert set(model.published) <= set(model.model_fields)
    values = {setting: entry.value for setting, entry in model.published.items()}
    assert all(entry.where for entry in model.published.values())
    if values:
        # Legal together with the defaults, once the population allows the tournament.
        made = model.model_validate(
            {"preset": "published", "population": 300} if name == "egp" else {"preset": "published"}
        )
        assert values.items() <= made.model_dump().items()
    for preset in model.presets:
        assert model.model_validate({"preset": preset}).preset == preset


def test_a_study_without_champions_or_ablation_has_no_table_of_them():
    config = load(DEFAULT)
    assert "champions" in config.tables()
    assert "ablation" not in config.tables()
    without = load(changed("retrain.champions", False))
    assert "champions" not in without.tables()
    assert "critical_difference" not in without.figures()
    assert "ablation" in load(changed("report.ablation_base", "egp")).tables()


def test_a_study_may_only_retrain():
    config = load(changed("search", None) | {"report": {"curve_losses": []}})
    assert (config.search.methods, config.champions(), config.reference_method()) == ({}, {}, None)
    assert config.used_tasks() == ["digits_noisy", "digits_clean"]
    assert config.tables() == [
        *("implementation", "datasets", "tasks", "study_settings", "losses", "accuracy"),
        "epochs_to_target",
    ]
    assert config.figures() == ["reliability", "training_curves", "test_accuracy"]
    assert {work.rule for work in workload(config)} == {
        *("prepare_dataset", "tune", "choose_rate", "retrain", "tabulate", "plot", "export_loss"),
        *("chapter", "compile_chapter"),
    }


def test_a_search_without_methods_is_no_search_but_a_mistake():
    nothing = dict.fromkeys(DEFAULT["search"]["methods"])
    with pytest.raises(UserError) as caught:
        load(changed("search.methods", nothing))
    assert str(caught.value) == (
        "search.methods: there are none; name one, or write search: null to retrain only"
    )
    with pytest.raises(UserError, match=r"search\.tasks: there are none; name one"):
        load(changed("search.tasks", []))


def images(task):
    """How many training images a task uses."""
    return wanted_images(task.training_images, dataset_size(task.dataset).train)


def test_conditions_are_shown_where_there_are_any():
    assert "published_losses" not in load(DEFAULT).tables() + load(DEFAULT).figures()
    config = load_files([ROOT / "config" / "published_losses.yaml"])
    assert {"published_losses", "label_noise"} <= set(config.tables())
    assert config.figures() == ["published_losses"]
    assert len(config.retrain.formulas()) == 14
    for condition in config.report.conditions:
        tasks = [config.tasks[name].model_dump() for name in condition.tasks]
        differing = {key for key in tasks[0] for task in tasks if task[key] != tasks[0][key]}
        # Fewer images are seen more often, so that all take about as many steps.
        assert differing - {"epochs"} | {condition.setting} == {condition.setting}
        steps = [
            total_steps(config.tasks[name], images(config.tasks[name])) for name in condition.tasks
        ]
        assert condition.setting == "epochs" or max(steps) - min(steps) <= 1


def test_trainings_are_planned_in_blocks_and_batches():
    config = load(changed("retrain.training_seeds", list(range(12))))
    assert [len(block) for block in config.retrain.blocks()] == [5, 5, 2]
    config = load(changed("search.batch_size", 3))
    assert config.search.pool_batches("default") == config.search.batches("egp", 0) == 2
    assert config.search.batches("taylor_glo", 0) == 2
    assert config.search.batches("egp", 1) == math.ceil(config.search.methods["egp"].parents / 3)


def test_yaml_in_the_pages_is_valid(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    texts = [(ROOT / name).read_text() for name in ("docs/own-parts.md", "config/README.md")]
    for text in texts:
        for module, content in re.findall(
            r"```python\n# (\w+\.py)[^\n]*\n(.*?)```", text, re.DOTALL
        ):
            (tmp_path / module).write_text(content)
    blocks = [
        block for text in texts for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]
    for block in blocks:
        if "hill_climbing" in block:
            continue  # its module is not there; a workflow test runs it
        config = copy.deepcopy(DEFAULT)
        update_config(config, yaml.safe_load(block))
        load(config)
    assert len(blocks) >= 6


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_overlay_is_valid(path):
    config = copy.deepcopy(DEFAULT)
    update_config(config, yaml.safe_load(path.read_text()))
    load(config)


mappings = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda values: st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    max_leaves=8,
)


@given(*[st.dictionaries(st.sampled_from("abc"), mappings, max_size=3)] * 2)
def test_overlays_merge_as_in_snakemake(config, overlay):
    ours, theirs = copy.deepcopy(config), copy.deepcopy(config)
    before = copy.deepcopy(overlay)
    merge(ours, overlay)
    update_config(theirs, overlay)
    assert ours == theirs
    assert overlay == before


def test_the_conda_environment_has_the_requirements():
    environment = yaml.safe_load((ROOT / "envs" / "evoloss.yaml").read_text())
    files = [ROOT / "envs" / f"requirements-{name}.txt" for name in ("package", "study")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert environment["dependencies"][-1]["pip"] == wanted


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_what_an_overlay_calls_the_drafts_is_the_drafts(path):
    config = load_files([path])
    if not config.search.methods:
        return
    draft = config.search.methods.get("egp")
    if not draft:
        return
    assert (draft.algorithm, draft.attempts) == ("egp", 1)
    assert not config.search.pools[draft.pool].check_initial
    assert draft.stages is None
    checked = config.search.methods.get("egp_checked")
    if checked:
        assert checked.attempts > 1
        assert config.search.pools[checked.pool].check_initial
        same = {"pool", "attempts", "generations"}
        assert checked.model_dump(exclude=same) == draft.model_dump(exclude=same)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_comparison_has_a_budget_of_whole_trainings_and_equal_populations(path):
    config = load_files([path])
    if path.stem == "smoke" or not config.search.methods:
        return
    trainings = samples(config) / candidate_samples(config)
    populations = {m.population for m in config.search.methods.values() if m.pool}
    assert len(populations) == 1
    assert trainings == int(trainings) > 1.2 * populations.pop()
    glo = config.search.methods.get("glo")
    assert glo is None or config.search.generations_of("glo") >= glo.tuning_from + 4


def test_a_method_may_have_its_own_generations():
    config = load(changed("search.methods.ngl_gp.generations", 9))
    assert (
        config.search.generations_of("ngl_gp"),
        config.search.generations_of("random_search"),
    ) == (9, 8)


def test_the_preset_of_a_source_has_its_stages():
    preset = {"algorithm": "gp_lfl", "preset": "published"}
    method = load_algorithm("gp_lfl").Settings.model_validate(preset)
    assert method.stages == ["structure", "novel", "learns"]
    method = load_algorithm("ngl_gp").Settings.model_validate(preset | {"algorithm": "ngl_gp"})
    assert method.stages is None  # its source describes no check: those of the study


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("study: a\nstudy: b\n", "line 2: the key 'study' stands in line 1 too; keep one"),
        ("tasks:\n  a: {epochs: 1, epochs: 2}\n", "line 2: the key 'epochs' stands in line 2 too"),
        ("", "must hold a mapping of keys"),
        ("- a\n", "must hold a mapping of keys"),
        ("a: [\n", "is not valid YAML"),
        ("\tstudy: a\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_gets_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_yaml(path)


def test_a_configuration_of_other_bytes_gets_a_sentence(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_bytes(b"study: \xff\xfe\n")
    with pytest.raises(UserError, match=r"own\.yaml is not text in UTF-8"):
        read_yaml(path)


def test_merged_mappings_may_override_keys(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert read_yaml(path)["b"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("device", "cuda:٣", "device: got 'cuda:٣'"),
        ("study", "a" * 81, "study: got '"),
        ("study", "a b" * 100_000, "... (300002 characters)"),
        ("search.methods.ngl_gp.children", 10**12, "accepts less than or equal to 100000"),
        # The largest number that is accepted. It takes seconds: each generation of each method is counted.
        ("search.generations", 100_000, "evaluation jobs, but Snakemake can plan at most"),
        ("tasks", {20: {"epochs": 2}}, "tasks: the key 20 is int for YAML, but must be text"),
        ("search.methods", {date(2020, 1, 1): {}}, "search.methods: the key '2020-01-01' is date"),
        ("retrain.losses", ["+".join(["square(p - y)"] * 900)], "is nested"),
    ],
)
def test_extravagant_values_get_a_short_sentence(key, value, sentence):
    with pytest.raises(UserError) as error:
        load(changed(key, value))
    assert sentence in str(error.value)
    assert len(str(error.value)) < 1000


def test_a_configuration_that_contains_itself_gets_a_sentence():
    knot = []
    knot.append(knot)
    with pytest.raises(UserError, match="nested too deeply, or contains itself"):
        load(changed("retrain.losses", knot))


def test_nested_values_of_the_command_line_are_read_as_yaml_reads_them():
    given = {"search": {"generations": "5", "rates": ["0.5", "1"], "name": "five"}, "device": "cpu"}
    wanted = {"search": {"generations": 5, "rates": [0.5, 1], "name": "five"}, "device": "cpu"}
    assert typed(given) == wanted
    assert typed({"a": ["null", "true", "1: 2", "[", "'5'"]}) == {
        "a": [None, True, "1: 2", "[", "'5'"]
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(written_keys(EVERY_METHOD))), json_values)
def test_whatever_stands_at_a_key_is_read_or_gets_a_sentence(key, value):
    """The long form of this, 100,000 values, is in `tests/stress/`."""
    with contextlib.suppress(UserError):
        load(changed(key, value))
