"""What the main process sets up on the machine: the jobs' environment, and the GPU."""

import os
import sys
from functools import cache
from pathlib import Path

import snakemake.common
import snakemake.jobs
import snakemake.rules

from evoloss.run_life import name_run


def prepare_environment(library: str) -> None:
    """Make jobs use this interpreter and library, even if the virtual environment is not activated.

    The recursion limit is high because Snakemake walks the graph recursively, and three rules per generation
    make the graph of a long search deep.
    """
    python = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", os.defpath)])
    paths = [library, os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # `python -m` would search the working directory first, where a user's random.py would hide Python's own.
    os.environ["PYTHONSAFEPATH"] = "1"
    sys.setrecursionlimit(50_000)
    name_run()


def tell_jobs(**switches: int | None) -> None:
    """Set the variable EVOLOSS_<NAME> of the jobs' environment for each switch or number; null becomes 0."""
    for name, value in switches.items():
        os.environ[f"EVOLOSS_{name.upper()}"] = str(int(value or 0))


def plan_faster() -> None:
    """Let Snakemake inspect the parameters of a rule's function once, not fourteen times per job.

    This saves an eighth of the time in which it plans a long search.
    """
    look = cache(snakemake.common.get_function_params)
    for module in (snakemake.common, snakemake.jobs, snakemake.rules):
        if hasattr(module, "get_function_params"):
            module.get_function_params = look


def gpu_count(device: str, root: Path = Path("/")) -> int:
    """The number of GPUs that a training job asks Snakemake for: 1 if trainings will run on a GPU, else 0.

    Under WSL2 every maker's GPU is `/dev/dxg`, so NVIDIA's library has to be there too. `auto` sees no GPU if
    CUDA_VISIBLE_DEVICES is empty or -1.
    """
    if device != "auto":
        return int(device.startswith("cuda"))
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return 0
    under_wsl = all((root / path).exists() for path in ("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"))
    return int(under_wsl or any((root / "dev").glob("nvidia[0-9]*")))
