# The configuration as a typed object, the environment of the jobs, and what several rules share.
# Whatever is longer than a few lines lives in the library, where it can be imported and tested.

import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import ExecMode
from snakemake.utils import update_config

LIBRARY = str(Path(workflow.basedir) / "workflow")
HERE = ("", str(Path.cwd()), str(workflow.basedir))
# Snakemake puts the Snakefile's folder first. Here it is last, so that a user's own file cannot hide a library.
sys.path[:] = [LIBRARY, *(path for path in sys.path if path not in HERE), str(Path.cwd())]

from evoloss.errors import UserError
from evoloss.files import write_text
from evoloss.study.foreign_records import check_images, notice_foreign_records
from evoloss.study.job_plan import flag
from evoloss.job_server.lifetime import start_job_server
from evoloss.study.machine import gpu_count, plan_faster, prepare_environment, tell_jobs
from evoloss.study.plan import Plan
from evoloss.study.configuration import as_yaml, load, read_yaml, typed
from evoloss.study.source_closure import code_of
from evoloss.study.lock import StudyLock, bring_to_the_present, disk_is_full
from evoloss.strict_model import canonical_json

prepare_environment(LIBRARY)
plan_faster()
notice_foreign_records()

try:
    for path in workflow.configfiles:
        read_yaml(path)
    # Nested values of --config arrive as text.
    update_config(config, typed(workflow.config_settings.config))
    settings = load(config)
    plan = Plan(settings)
except UserError as error:
    raise WorkflowError(f"The configuration has a mistake.\n{error}") from None

machine = settings.machine
tell_jobs(
    cuda_graphs=machine.cuda_graphs,
    compile=machine.compile,
    training_seconds=machine.training_seconds,
)
for sentence in plan.warnings:
    logger.warning(sentence)

code_of = cache(code_of)
GPU = gpu_count(settings.device)
NOTHING = "(?!)"  # a pattern that matches nothing, for a study without a search


wildcard_constraints:
    study=settings.study,
    dataset="|".join(plan.source_states),
    task="|".join(settings.tasks),
    pool="|".join(settings.search.pools) or NOTHING,
    method="|".join(settings.search.methods) or NOTHING,
    loss="|".join(settings.retrained()),
    run_seed=r"\d+",
    generation=r"\d+",
    batch=r"\d+",
    block=r"\d+",
    # A population of candidates: a pool's, or one generation of a run.
    folder=r"pools/\w+/seed\d+|\w+/seed\d+/generation\d+",


study_lock = StudyLock(plan.results)


def begin_run():
    """Refuse to run beside another live run of the same study, and start the job server.

    Only the main process does this, and it starts the server only if jobs run on this machine.
    """
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            study_lock.acquire()
            if count := bring_to_the_present(plan.results):
                logger.warning(
                    f"{count} files of {plan.results} were dated in the future (was the clock set back?); they now have the present time."
                )
            write_text(f"{plan.results}/configuration.yaml", as_yaml(config))
            check_images(Path(plan.results) / "data" / name for name in plan.source_states)
        except UserError as error:
            raise WorkflowError(str(error)) from None
        if settings.machine.job_server and workflow.local_exec and not workflow.touch:
            start_job_server()


def fail_run():
    """Report a full disk: the failed job could not, its log is empty."""
    if workflow.exec_mode == ExecMode.DEFAULT and disk_is_full(plan.results):
        logger.error(
            f"The disk of {plan.results} is full. Free some space and type the same command again: nothing is lost."
        )


def end_run():
    """Print the verdict, the best loss and the place of the chapter, once the study is complete."""
    verdict = Path(plan.results) / "chapter" / "verdict.txt"
    if workflow.exec_mode == ExecMode.DEFAULT and not workflow.touch and verdict.is_file():
        compiled = verdict.with_name("compiled.txt")
        logger.info(verdict.read_text(encoding="utf-8").rstrip())
        if compiled.is_file():
            logger.info(
                f"Chapter: {verdict.parent}: {compiled.read_text(encoding='utf-8').rstrip()}"
            )
