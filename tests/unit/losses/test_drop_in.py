"""Losses in what torch wraps around them, and at the edges of floats; exported files too."""

import copy
import hashlib
import importlib.util
import math
import pickle
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from toy import champion

from evoloss.expressions.primitives import GRADIENT_LIMIT
from evoloss.losses import drop_in, loss
from evoloss.losses.export import python_module
from evoloss.losses.registry import CATALOGUE

CLASSES = 5
BRED = "max(log(p), cos(p) * (1 - y)) - 2 * y * log(p)"
"""A loss such as a search finds, which is in no catalogue."""
KINDS = ["cross_entropy", "ngl", "focal", "nce", "hinge", BRED, "exported"]
"""One loss for each way of computing a loss; the last stands for the class that `exported_class` makes."""


@cache
def exported_class(expression=BRED):
    """The class of an exported file, which is imported from a real file because torch.export reads its source."""
    folder = tempfile.mkdtemp()
    name = f"exported_{hashlib.sha1(expression.encode()).hexdigest()}"
    file = Path(folder) / f"{name}.py"
    file.write_text(python_module(champion(expression), (CLASSES,), "test"))
    spec = importlib.util.spec_from_file_location(name, file)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.rmtree(folder)
    return module.EgpSeed0


def make(kind, **options):
    """A criterion of one of KINDS."""
    return exported_class()(**options) if kind == "exported" else loss(kind, **options)


@pytest.fixture
def batch():
    """Nine samples: random logits, and random class indices."""
    source = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(9, CLASSES, generator=source)
    return logits, torch.randint(CLASSES, (9,), generator=source)


def gradient(criterion, logits, targets):
    """The gradient of a criterion at these logits."""
    logits = logits.detach().clone().requires_grad_()
    return torch.autograd.grad(criterion(logits, targets), logits)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_torch_compile_makes_one_graph_of_it(kind, batch):
    logits, targets = batch
    torch._dynamo.reset()
    compiled = torch.compile(make(kind), fullgraph=True, backend="aot_eager")
    plain = make(kind)
    torch.testing.assert_close(
        gradient(compiled, logits, targets), gradient(plain, logits, targets)
    )
    wider = torch.randn(4, 10), torch.tensor([9, 0, 1, 2])  # another number of classes
    torch.testing.assert_close(compiled(*wider), plain(*wider))


def test_a_confident_mistake_has_torchs_gradient():
    logits, targets = torch.tensor([[100.0, 0.0, 0.0]]), torch.tensor([1])
    expected = torch.tensor([[1.0, -1.0, 0.0]])
    for text in ("cross_entropy", "y * -log(p)"):
        torch.testing.assert_close(gradient(loss(text), logits, targets), expected)
    exported = exported_class("-(y * log(p))")()
    torch.testing.assert_close(gradient(exported, logits, targets), expected)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["cross_entropy", "label_smoothing", "focal", "poly1"])
def test_values_are_those_of_doubles_at_any_logits(name, dtype, scale):
    def reference(z, t):
        """The loss, written by hand with log p."""
        log_p = torch.log_softmax(z, 1)
        of_target = log_p.gather(1, t[:, None])[:, 0]
        p = of_target.exp()
        return {
            "cross_entropy": -of_target,
            "label_smoothing": -0.9 * of_target - 0.1 / CLASSES * log_p.sum(1),
            "focal": -((1 - p) ** 2) * of_target,
            "poly1": -of_target + 1 - p,
        }[name].mean()

    source = torch.Generator().manual_seed(1)
    logits = (scale * torch.randn(64, CLASSES, generator=source)).to(dtype)
    targets = torch.arange(64) % CLASSES
    criterion = loss(name, match_gradient_scale=False)
    value, exact = criterion(logits, targets), reference(logits.double(), targets)
    torch.testing.assert_close(value.double(), exact, rtol=1e-6, atol=1e-6)
    ours = gradient(criterion, logits.float(), targets).double()
    torch.testing.assert_close(
        ours, gradient(reference, logits.double(), targets), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_torch_func_differentiates_it_per_sample(kind, batch):
    logits, targets = batch
    criterion = make(kind)
    each = torch.func.vmap(torch.func.grad(criterion))(logits, targets)
    torch.testing.assert_close(each / len(logits), gradient(criterion, logits, targets))
    assert torch.func.vmap(criterion)(logits, targets).shape == (9,)
    value, tangent = torch.func.jvp(lambda z: criterion(z, targets), (logits,), (logits,))
    expected = (gradient(criterion, logits, targets) * logits).sum()
    torch.testing.assert_close(tangent, expected, rtol=1e-4, atol=1e-5)
    assert bool(value.isfinite())


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_torch_export_exports_it(kind, strict, batch):
    program = torch.export.export(make(kind), batch, strict=strict)
    torch.testing.assert_close(program.module()(*batch), make(kind)(*batch))


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_call_changes_nothing(kind, batch):
    def state():
        """What the criterion holds, but for the flag that torch sets."""
        held = {key: value for key, value in criterion.__dict__.items() if key != "training"}
        return {key: dict(v) if isinstance(v, dict) else v for key, v in held.items()}

    criterion = make(kind)
    before = state()
    gradient(criterion, *batch)
    criterion(torch.zeros(2, 3), torch.tensor([0, 1]))
    assert state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_copies_compute_the_same(kind, batch):
    criterion = make(kind, weight=torch.arange(1.0, CLASSES + 1), ignore_index=0)
    expected = criterion(*batch)
    for other in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        torch.testing.assert_close(other(*batch), expected)


def test_an_exported_file_stands_alone(tmp_path):
    (tmp_path / "egp_seed0.py").write_text(python_module(champion(BRED), (CLASSES,), "test"))
    program = (
        "import pickle, sys, torch\n"
        "from egp_seed0 import EgpSeed0\n"
        "criterion = pickle.loads(pickle.dumps(EgpSeed0(weight=torch.ones(10), reduction='sum')))\n"
        "print(float(criterion(torch.zeros(4, 10), torch.arange(4))))\n"
        "assert not [m for m in sys.modules if m.startswith('evoloss')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    expected = loss(BRED, reduction="sum")(torch.zeros(4, 10), torch.arange(4))
    assert float(done.stdout) == pytest.approx(float(expected), rel=1e-5)


def test_an_exported_loss_has_the_options_of_cross_entropy(batch):
    logits, targets = batch
    criterion = exported_class("-(y * log(p)) + (p - p)")
    weight = torch.arange(1.0, CLASSES + 1)
    options = {"weight": weight, "label_smoothing": 0.1, "reduction": "sum", "ignore_index": 2}
    torch.testing.assert_close(
        criterion(**options)(logits, targets), functional.cross_entropy(logits, targets, **options)
    )
    soft = torch.softmax(logits.flip(0), 1)
    torch.testing.assert_close(
        criterion(weight=weight)(logits, soft),
        functional.cross_entropy(logits, soft, weight=weight),
    )
    with pytest.raises(IndexError, match="target 9 is no class"):
        criterion()(logits, torch.full_like(targets, 9))


def test_arguments_stand_where_torch_has_them(batch):
    logits, targets = batch
    weight = torch.arange(1.0, CLASSES + 1)
    criterion = exported_class()(weight)
    expected = exported_class()(weight=weight)(logits, targets)
    assert torch.equal(criterion(input=logits, target=targets), expected)
    assert torch.equal(loss("ngl")(input=logits, target=targets), loss("ngl")(logits, targets))
    with pytest.raises(TypeError):
        exported_class()(None, 2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_can_be_asked_for_without_data(kind, batch):
    logits, targets = batch
    assert make(kind)(logits.to("meta"), targets.to("meta")).shape == ()


def test_masked_classes_do_with_a_very_low_logit():
    logits, targets = torch.tensor([[0.3, 1.0, -1e4]]), torch.tensor([1])
    for name in sorted(CATALOGUE):
        if "logits" in name or "hinge" in name or "one_vs_rest" in name:
            continue  # of logits themselves: the further a wrong one lies, the more it may cost
        assert bool(loss(name)(logits, targets).isfinite()), name
        assert bool(gradient(loss(name), logits, targets).isfinite().all()), name
    masked = torch.tensor([[0.3, 1.0, -math.inf]])
    expected = functional.cross_entropy(masked, targets)
    assert torch.equal(loss("cross_entropy")(masked, targets), expected)


def test_gradients_are_kept_finite_as_in_trainings():
    assert drop_in.GRADIENT_LIMIT == GRADIENT_LIMIT
    steep = loss("y / p", match_gradient_scale=False)
    slope = gradient(steep, torch.tensor([[300.0, 0.0]]), torch.tensor([1]))
    assert bool(slope.isfinite().all())


def test_ignoring_everything_is_nan_as_in_torch():
    for kind in KINDS:
        assert math.isnan(float(make(kind)(torch.zeros(2, CLASSES), torch.tensor([-100, -100]))))


def test_it_trains_as_the_head_of_a_network_under_ddp(tmp_path, batch):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    try:
        network = torch.nn.Linear(CLASSES, CLASSES)

        class WithLoss(torch.nn.Module):
            """A network that computes its own loss, since DDP calls a module."""

            def __init__(self):
                super().__init__()
                self.network, self.loss = network, loss("ngl", weight=torch.ones(CLASSES))

            def forward(self, images, targets):
                return self.loss(self.network(images), targets)

        DistributedDataParallel(WithLoss())(*batch).backward()
        assert bool(network.weight.grad.isfinite().all())
    finally:
        torch.distributed.destroy_process_group()


def test_importing_it_loads_no_heavy_package():
    program = (
        "import torch, sys; before = set(sys.modules); from evoloss.losses import loss, catalogue, plot;"
        "loss('ngl'); print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {
        "pandas",
        "pyarrow",
        "snakemake",
        "matplotlib",
        "torchvision",
        "sympy",
        "scipy",
        "pydantic",
    }
    assert "evoloss" in done.stdout.split()
    assert not heavy & set(done.stdout.split())
