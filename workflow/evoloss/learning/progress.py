"""A progress bar on the terminal, or if there is none, an occasional line in the log."""

import io
import os
import sys
from typing import TextIO

from tqdm import tqdm

TERMINAL = 3
"""The file descriptor on which a rule hands its own standard error to the step (`3>&2`)."""


def progress(total: int, what: str) -> tqdm:
    """A bar over `total` items. In a Snakemake job it is shown on the terminal, if there is one."""
    stream = _terminal()
    if stream is not None:
        return tqdm(total=total, desc=what, file=stream, mininterval=0.2, leave=False)
    return tqdm(total=total, desc=what, file=sys.stderr, mininterval=10, ascii=True)


def _terminal() -> TextIO | None:
    if sys.stderr.isatty():
        return sys.stderr
    try:
        if os.isatty(TERMINAL):
            return io.TextIOWrapper(os.fdopen(os.dup(TERMINAL), "wb"), write_through=True)
    except OSError:
        pass
    return None
