"""What every step's command line shares: flags, the log's first line, errors as sentences."""

import argparse
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from evoloss.errors import UserError
from evoloss.run_life import watch_run

Flags = argparse.Namespace
Model = TypeVar("Model", bound=BaseModel)


def run_step(main: Callable[[Flags], None], parser: argparse.ArgumentParser) -> None:
    """Parse the flags, print a command that can be pasted into a shell, and run `main`.

    Ends with status 1 and one sentence on UserError, with a traceback on anything else (a bug).
    """
    parser.add_argument(
        "--study", required=True, help="name of the study, for the records' metadata"
    )
    parser.add_argument("--code", help="digest of the code that the step runs, for the records")
    flags = parser.parse_args()
    watch_run()
    _keep_pandas_out()
    if str(Path.cwd()) not in sys.path:
        # A user's own modules lie here; last in the path, they hide no other module.
        sys.path.append(str(Path.cwd()))
    print(pasteable_command(), flush=True)
    try:
        main(flags)
    except UserError as error:
        print(f"error: {error}", flush=True)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


class _NoPandas:
    """An import finder that says that pandas is not there."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ImportError("pandas is not wanted here")


def _keep_pandas_out() -> None:
    """Save 0.4 s in a step that has not imported pandas: pyarrow would import it to recognise its types.

    pyarrow tries once and remembers the result; pandas can still be imported afterwards.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)
        pa.array([])
        sys.meta_path.remove(_NoPandas)


def pasteable_command(arguments: Sequence[str] | None = None) -> str:
    """This process as one shell line, with the directory, the import path and the interpreter."""
    module = getattr(sys.modules["__main__"].__spec__, "name", "evoloss")
    folder = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", module, *(sys.argv[1:] if arguments is None else arguments)]
    where = f"cd {shlex.quote(str(Path.cwd()))}"
    variables = f"OMP_NUM_THREADS=1 PYTHONSAFEPATH=1 PYTHONPATH={shlex.quote(str(folder))}"
    return f"{where} && {variables} {shlex.join(command)}"


def parse_settings(model: type[Model], text: str) -> Model:
    """The settings from a `--settings` flag, checked again against their model. Raises UserError."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"--settings: {where}: {first['msg']}, got {first['input']!r}") from None
