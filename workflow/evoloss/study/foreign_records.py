"""Makes Snakemake's planning notice records that were written by another job than the planned one.

Snakemake remembers in `.snakemake` which settings made each file. If that memory is lost, or a file is not the one
that it remembers, the record's own metadata are checked. Only the main process uses this module.
"""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase
from snakemake.utils import format

from evoloss.errors import UserError
from evoloss.files import read_json
from evoloss.origin import order_of

RECORDS = (".parquet", ".json")
ASK_ALL = "EVOLOSS_ASK_ALL_RECORDS"
"""Environment variable: check the metadata of every record, whatever Snakemake remembers."""


def notice_foreign_records() -> None:
    """From now on, a planned job whose records are broken or of another order (`origin.order_of`) counts as changed."""
    known = PersistenceBase.params_changed
    found: dict[str, ParamsChange] = {}

    def params_changed(self: PersistenceBase, job: Any, file: Any = None) -> Any:
        change = known(self, job, file)
        if change or file is not None or not job.output:
            return change
        name = str(job.output[0])
        if name not in found:
            found[name] = _change(self, job)
        return found[name]

    PersistenceBase.params_changed = params_changed
    # Without this, Snakemake does not ask further if its memory is lost.
    PersistenceBase.has_metadata = lambda self, job: True


def _change(persistence: PersistenceBase, job: Any) -> ParamsChange:
    """Why a job has to run again although Snakemake knows of no change; empty if it has not to."""
    if lost := _lost(persistence, job):
        return _because(lost, "it is not there")
    outputs = [Path(output) for output in job.output]
    unknown = [Path(output) for output in job.output if not _is_remembered(persistence, output)]
    if not unknown or not all(path.exists() for path in outputs):
        return NO_PARAMS_CHANGE
    records = [path for path in outputs if path.suffix in RECORDS]
    if not records:  # Tables and figures hold no metadata, and are made in seconds.
        why = None if persistence.metadata(job.output[0]) else "nothing is known of how it was made"
        return _because(unknown[0], why)
    order = ordered(job)
    for path in records:
        if why := _foreign(path, order):
            logger.warning(f"{path}: {why}. It is made again.")
            return _because(path, why)
    return NO_PARAMS_CHANGE


def _lost(persistence: PersistenceBase, job: Any) -> Path | None:
    """A record that is missing although files made from it exist; Snakemake itself does not check this case.

    A killed job with other settings leaves such a gap. Images do not count: they may be deleted to save space.
    """
    missing = [path for path in map(Path, job.output) if not path.exists()]
    if not missing or job.rule.name == "prepare_dataset":
        return None
    made = (output for other in persistence.dag.depending[job] for output in other.output)
    return missing[0] if any(Path(output).exists() for output in made) else None


def _because(path: Path, why: str | None) -> ParamsChange:
    return ParamsChange({f"{path}: {why}"}, set(), {str(path)}) if why else NO_PARAMS_CHANGE


def _is_remembered(persistence: PersistenceBase, output: Any) -> bool:
    """Whether a file is the one that Snakemake saw when its job had ended, judged by its modification time."""
    path, known = Path(output), persistence.metadata(output)
    if os.environ.get(ASK_ALL) and path.suffix in RECORDS:
        return False
    if known is None or known.endtime is None or not path.exists():
        return False
    return abs(path.stat().st_mtime - known.endtime) < 1e-3


def ordered(job: Any) -> str:
    """The order of a planned job, from the command that its rule starts (see `origin.order_of`)."""
    names = ("input", "output", "params", "wildcards", "threads", "log")
    command = format(job.rule.shellcmd, **{name: getattr(job, name) for name in names})
    words = shlex.split(command.rpartition(" > ")[0].removesuffix(" 3>&2"))
    module = words.index("-m") + 1
    return order_of(words[module].rpartition(".")[2], words[module + 1 :])


def _foreign(path: Path, order: str) -> str | None:
    """Why a record is not what a job of this order writes at this path, or None."""
    # Imported here because pyarrow takes 0.3 s and is seldom needed.
    from evoloss.parquet import problem_of, read_metadata

    try:
        if path.suffix == ".json":
            read_json(path)
            return None
        problem = problem_of(path)
        if problem is None and read_metadata(path).get("order") != order:
            return "it was made with other settings, or by other code"
        return problem
    except UserError as error:
        return str(error)


def check_images(folders: Iterable[Path]) -> None:
    """Check prepared images against their seals and manifests, once per run: trainings do not check them.

    Raises UserError that names the file that differs.
    """
    from evoloss.parquet import problem_of, read_metadata

    for folder in folders:
        if not (folder / "manifest.json").exists():
            continue
        digests = read_json(folder / "manifest.json")["sha256"]
        for part, digest in digests.items():
            path = folder / f"{part}.parquet"
            if not path.exists():
                continue
            problem = problem_of(path)
            if problem is None and read_metadata(path).get("sha256") != digest:
                problem = "these are not the images of the manifest beside it"
            if problem:
                raise UserError(
                    f"{path}: {problem}. Delete {folder} and type the same command again."
                )
