"""Where a record comes from: code version, machine and packages. What is unknown is None, never a guess."""

import os
import platform
import subprocess
import sys
from argparse import Namespace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evoloss.origin import order_of
from evoloss.version import VERSION

PACKAGES = (
    "snakemake",
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "scikit-learn",
    "seaborn",
    "sympy",
)

WHOSE = ("method", "run_seed", "generation", "batch", "loss", "task")
"""Flags of steps that say which run, batch, loss or task a record belongs to."""


@lru_cache(maxsize=1)
def provenance() -> dict[str, Any]:
    """Version, commit, hardware, operating system and packages, as plain JSON values."""
    return {
        "version": VERSION,
        "commit": _commit(),
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "memory_bytes": _memory_bytes(),
            "os": _os_name(),
            "kernel": platform.release(),
            "architecture": platform.machine(),
        },
        "compiled": os.environ.get("EVOLOSS_COMPILE") == "1",
        "python": platform.python_version(),
        "packages": {name: _package_version(name) for name in PACKAGES},
    }


def record(flags: Namespace, step: str, **details: Any) -> dict[str, Any]:
    """The metadata of a Parquet file: study, step, its settings and seeds, and the provenance.

    Of the step's `flags`, those in WHOSE are recorded. `order` is a digest of all that the step was told, `code` one
    of its code. `details` may be settings models.
    """
    whose = {name: value for name, value in vars(flags).items() if name in WHOSE}
    plain = {
        name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        for name, value in details.items()
    }
    return {
        "study": flags.study,
        "step": step,
        "order": order_of(step, sys.argv[1:]),
        "code": getattr(flags, "code", None),
        **whose,
        **plain,
        "provenance": provenance(),
    }


def peak_memory_bytes() -> int | None:
    """The peak resident memory of this process in bytes; None on Windows."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _commit() -> str | None:
    folder = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(
            [
                "git",
                "-C",
                str(folder),
                "describe",
                "--always",
                "--dirty",
                "--abbrev=12",
                "--exclude=*",
            ],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def _package_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
