# The configuration as a typed object, the environment of the jobs, and what several rules share.
# Whatever is longer than a few lines lives in the library, where it can be imported and tested.

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import ExecMode

LIBRARY = str(Path(workflow.basedir) / "workflow")
sys.path[:0] = [LIBRARY, os.getcwd()]

from evoloss.errors import UserError
from evoloss.settings import load
from evoloss.source_closure import code_of
from evoloss.strict_model import canonical_json
from evoloss.study_lock import StudyLock, gpu_count

# Jobs find this interpreter first, and the library, also from an environment that is not activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")]))

# Three rules a generation: a long search is a deep graph, and Snakemake walks it recursively.
sys.setrecursionlimit(50_000)

try:
    settings = load(config)
except UserError as error:
    raise WorkflowError(f"The configuration has a mistake.\n{error}") from None

RESULTS = f"results/{settings.study}"
GPU = gpu_count(settings.device)


wildcard_constraints:
    study=settings.study,
    dataset="|".join(settings.datasets()),
    task="|".join(settings.tasks),
    pool="|".join(settings.search.pools),
    method="|".join(settings.search.methods),
    loss="|".join(settings.retrained()),
    run_seed=r"\d+",
    generation=r"\d+",
    batch=r"\d+",
    block=r"\d+",
    # A population of candidates: a pool's, or one generation of a run.
    folder=r"pools/\w+/seed\d+|\w+/seed\d+/generation\d+",


study_lock = StudyLock(RESULTS)


def hold_study_lock():
    """Refuse to run beside another live run of the same study (the main process alone asks)."""
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            study_lock.acquire()
        except UserError as error:
            raise WorkflowError(str(error)) from None


def algorithm_of(wildcards):
    """The algorithm of a method."""
    return settings.search.methods[wildcards.method].algorithm


def method_settings(wildcards):
    """The settings of a method, as JSON."""
    return canonical_json(settings.search.methods[wildcards.method])


def pool_of(method):
    """The settings of a method's pool."""
    return settings.search.pools[settings.search.methods[method].pool]


def manifests(tasks):
    """The manifests of the tasks' data sets: small files, compared by content."""
    datasets = sorted({settings.tasks[task].dataset.name for task in tasks})
    return [f"{RESULTS}/data/{dataset}/manifest.json" for dataset in datasets]


def images(tasks, *parts):
    """The Parquet files of the tasks' data sets; to be marked ancient, since they are large."""
    datasets = sorted({settings.tasks[task].dataset.name for task in tasks})
    return [f"{RESULTS}/data/{dataset}/{part}.parquet" for dataset in datasets for part in parts]


def networks(tasks):
    """The users' own networks among the tasks', whose source counts as code."""
    return sorted(
        {settings.tasks[task].network for task in tasks if ":" in settings.tasks[task].network}
    )


SEARCH_TASKS = [f"{RESULTS}/tasks/{task}.json" for task in settings.search.tasks]
SEARCH_MANIFESTS = manifests(settings.search.tasks)
SEARCH_IMAGES = images(settings.search.tasks, "train", "validation")
# A flag for the functional check: fingerprints then ignore a positive factor.
SCALE_MATCHED = (
    "--scale-matched"
    if all(settings.tasks[task].match_gradient_scale for task in settings.search.tasks)
    else ""
)
