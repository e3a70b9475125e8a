"""What the main process does on the machine itself: the jobs' environment, the GPU."""

import os
import sys
from functools import cache
from pathlib import Path

import snakemake.common
import snakemake.jobs
import snakemake.rules

from evoloss.run_life import name_run


def prepare_environment(library: str) -> None:
    """Let jobs find this interpreter first, and the library, also from an unactivated environment.

    Three rules a generation make a long search a deep graph, which Snakemake walks recursively:
    hence the recursion limit.
    """
    python = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", os.defpath)])
    paths = [library, os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # `python -m` would put the working directory first, where a random.py would be everybody's random.
    os.environ["PYTHONSAFEPATH"] = "1"
    sys.setrecursionlimit(50_000)
    name_run()


def tell_jobs(**switches: int | None) -> None:
    """Set what jobs ask their environment for: a switch of the machine, or a number; 0 for null."""
    for name, value in switches.items():
        os.environ[f"EVOLOSS_{name.upper()}"] = str(int(value or 0))


def plan_faster() -> None:
    """Let Snakemake look at the parameters of a rule's function once, not fourteen times a job.

    That is an eighth of the time in which it plans a long search.
    """
    look = cache(snakemake.common.get_function_params)
    for module in (snakemake.common, snakemake.jobs, snakemake.rules):
        if hasattr(module, "get_function_params"):
            module.get_function_params = look


def gpu_count(device: str, root: Path = Path("/")) -> int:
    """GPUs that a training job asks Snakemake for: 1 when trainings will run on one, else 0.

    Under WSL2 a GPU is `/dev/dxg`, which is there without NVIDIA's library for other makers' GPUs too. An
    emptied CUDA_VISIBLE_DEVICES hides them all from `auto`.
    """
    if device != "auto":
        return int(device.startswith("cuda"))
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return 0
    under_wsl = all((root / path).exists() for path in ("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"))
    return int(under_wsl or any((root / "dev").glob("nvidia[0-9]*")))
