"""Which code a result depends on: an edit reruns what uses it, and nothing else."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from evoloss.study import source_closure
from evoloss.study.source_closure import NOT_COUNTED, closure, code_of

STEPS = sorted(p.stem for p in (source_closure.ROOT / "steps").glob("*.py") if p.stem != "__init__")
SEARCH_STEPS = [
    "tune",
    "initialise",
    "breed",
    "evaluate",
    "select",
    "summarise",
    "rescore",
    "choose_rate",
]


def test_a_source_counts_where_it_is_read():
    assert "evoloss.learning.sources" in closure("evoloss.steps.prepare_dataset")
    for step in ("tune", "evaluate", "retrain"):
        assert "evoloss.learning.reading" not in closure(f"evoloss.steps.{step}")
        assert not any(".networks." in name for name in closure(f"evoloss.steps.{step}"))
    assert code_of("tune", "learning.networks.convnet") != code_of(
        "tune", "learning.networks.resnet9"
    )


LOADED_BY = """
import importlib, os, sys, torch
for step in sys.argv[1:]:
    child = os.fork()
    if not child:
        importlib.import_module(f"evoloss.steps.{step}")
        modules = [name for name, module in sys.modules.items()
                   if name.startswith("evoloss.") and module.__spec__.submodule_search_locations is None]
        print(step, *modules, flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{step} cannot be imported")
"""


@pytest.fixture(scope="module")
def loaded_by():
    """The library's modules that Python loads with each step.

    Every step is imported in a process of its own, which takes some ten seconds: only Python itself knows what it
    loads. The processes are forked from one that has torch, so that torch is loaded once.
    """
    answer = subprocess.run(
        [sys.executable, "-c", LOADED_BY, *STEPS],
        capture_output=True,
        text=True,
        cwd=source_closure.ROOT.parent,
    )
    assert answer.returncode == 0, answer.stderr
    lines = [line.split() for line in answer.stdout.splitlines()]
    return {step: modules for step, *modules in lines}


@pytest.mark.parametrize("step", STEPS)
def test_the_closure_of_a_step_has_everything_that_it_loads(step, loaded_by):
    modules = loaded_by[step]
    assert f"evoloss.steps.{step}" in modules
    # What settings alone import (the table of sources) has its effect in the params, as they do.
    of_settings = {
        inner
        for name in modules
        if name.endswith(".settings")
        for inner in source_closure.imports_of(name)
    }
    loaded = {
        name
        for name in modules
        if not name.endswith(".settings") and name not in NOT_COUNTED | of_settings
    }
    assert loaded <= closure(f"evoloss.steps.{step}")


@pytest.mark.parametrize("step", SEARCH_STEPS)
def test_search_code_cannot_reach_the_test_split(step):
    assert "evoloss.learning.held_out" not in closure(f"evoloss.steps.{step}")
    assert "evoloss.learning.held_out" in closure("evoloss.steps.retrain")


def test_each_room_imports_only_from_the_floors_below():
    floors = [
        {path.stem for path in source_closure.ROOT.glob("*.py")},
        {"expressions"},
        {"losses"},
        {"functional_check", "learning"},
        {"search"},
        {"reporting"},
        {"steps"},
        {"job_server"},
        {"study"},
        {"compare"},
    ]
    height = {room: number for number, floor in enumerate(floors) for room in floor}
    for path in source_closure.ROOT.rglob("*/*.py"):
        parts = path.relative_to(source_closure.ROOT).with_suffix("").parts
        if parts == ("losses", "__init__"):
            continue  # the one that is not empty, see below
        if parts[-1] == "__init__":
            assert path.read_text() == "", (
                f"{path} must stay empty: its imports would count everywhere"
            )
            continue
        module = ".".join(("evoloss", *parts))
        for name in source_closure.imports_of(module):
            room = name.split(".")[1]
            if room != parts[0]:
                assert height[room] < height[parts[0]], f"{module} imports {name}"


def test_what_stands_at_the_root_imports_from_no_room():
    for path in source_closure.ROOT.glob("*.py"):
        for name in source_closure.imports_of(f"evoloss.{path.stem}"):
            assert name.count(".") == 1, f"evoloss.{path.stem} imports {name}"


def test_no_module_imports_what_imports_it():
    modules = [
        ".".join(("evoloss", *path.relative_to(source_closure.ROOT).with_suffix("").parts))
        for path in source_closure.ROOT.rglob("*.py")
        if path.stem != "__init__"
    ]
    imports = {module: source_closure.imports_of(module) for module in modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, with the circle


def test_the_losses_room_offers_loss_without_importing_anything():
    tree = ast.parse((source_closure.ROOT / "losses" / "__init__.py").read_text())
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    code = (
        "import sys, evoloss.losses\n"
        "assert not [n for n in sys.modules if n.startswith(('torch', 'evoloss.losses.'))]\n"
        "assert not hasattr(evoloss.losses, 'other')\n"
        "from evoloss.losses import catalogue, loss, plot\n"
        "assert 'evoloss.losses.as_module' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=source_closure.ROOT.parent)


def test_the_search_room_does_not_import_torch():
    code = "import sys, evoloss.study.configuration, evoloss.search.egp; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=source_closure.ROOT.parent)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package: its folder, and a function that computes a digest afresh after every edit."""
    import shutil

    root = tmp_path / "evoloss"
    shutil.copytree(source_closure.ROOT, root)
    monkeypatch.setattr(source_closure, "ROOT", root)

    def forget():
        """Forget what was computed before an edit."""
        for function in (
            source_closure.closure,
            source_closure.imports_of,
            source_closure._digest_of_module,
        ):
            function.cache_clear()

    def digest(*names):
        """The digest of a step's code, and of the modules that it is told to use."""
        forget()
        return code_of(*names)

    yield root, digest
    monkeypatch.undo()
    forget()


def edit(path: Path, old: str, new: str):
    """Replace a text in a file, once."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_comments_and_docstrings_do_not_count_and_code_does(copy):
    root, digest = copy
    before = digest("evaluate")
    path = root / "learning" / "schedule.py"
    text = path.read_text()
    assert '"""Steps of a whole' in text
    assert '"""Equal segments' in text, "below an attribute"
    text = text.replace('"""Steps of a', '"""Number of steps of a').replace(
        '"""Equal', '"""As long'
    )
    path.write_text("# a comment\n" + text)
    assert digest("evaluate") == before
    edit(path, "SEGMENTS = 18", "SEGMENTS = 36")
    assert digest("evaluate") != before


def test_an_edit_counts_only_where_it_is_used(copy):
    root, digest = copy
    egp, floor = digest("breed", "search.egp"), digest("breed", "search.random_search")
    edit(root / "search" / "egp.py", "return settings.parents", "return settings.parents + 0")
    assert digest("breed", "search.egp") != egp
    assert digest("breed", "search.random_search") == floor
    tests = [("evaluate",), ("retrain",), ("tune",)]
    before = [digest(*names) for names in tests]
    edit(root / "losses" / "registry.py", "0.7 * log", "0.8 * log")
    edit(root / "study" / "settings.py", "REFERENCE =", "OTHER = 1\nREFERENCE =")
    edit(root / "expressions" / "variation.py", "CONSTANT_SHIFT = 0.3", "CONSTANT_SHIFT = 0.4")
    assert [digest(*names) for names in tests] == before
    assert digest("initialise") != digest("evaluate")


def test_a_users_own_network_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_networks.py").write_text("def tiny(shape, classes): ...\n")
    before = code_of("evaluate", "my_networks:tiny")
    (tmp_path / "my_networks.py").write_text("def tiny(shape, classes): return None\n")
    assert code_of("evaluate", "my_networks:tiny") != before


def test_a_loss_that_is_a_function_counts_where_it_is_named():
    assert "evoloss.losses.on_logits" not in closure("evoloss.steps.retrain")
    assert code_of("retrain", "evoloss.losses.on_logits:nce") != code_of("retrain")
