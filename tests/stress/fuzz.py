"""Hostile input to the readers of expressions, configurations and records, in large numbers.

    python tests/stress/fuzz.py --expressions 1000000 --configurations 100000 --records 10000

Every input must be read, or refused with a sentence (UserError): without a crash, within five seconds of a busy machine, in bounded memory,
with no code run, no process started and no file written. Ends with status 1 at the first that is not. A short form
of each runs with the unit tests.
"""

import argparse
import copy
import json
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.files import read_json, write_json
from evoloss.losses.champion_file import read_champion
from evoloss.study.configuration import load

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_SECONDS = 5.0
MEMORY_BYTES = 6 * 2**30
FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
)

watched = False
found: list[str] = []


def audit(event: str, arguments: tuple) -> None:
    """Note what hostile input must never bring about, while a reader is at work."""
    if not watched:
        return
    writes = event == "open" and any(flag in str(arguments[1]) for flag in "wax+")
    runs = event == "exec" and "fuzzed" in str(arguments[0])
    if event in FORBIDDEN or event == "pickle.find_class" or writes or runs:
        found.append(f"{event} {arguments}")


def tried(read: Callable[[Any], object], value: Any, counts: Counter) -> None:
    """Let a reader read, and count what came of it; AssertionError for what must not be."""
    global watched
    start, watched, refusal = time.process_time(), True, None
    try:
        read(value)
    except UserError as error:
        refusal = str(error)
    finally:
        watched = False
    assert refusal != "", "a refusal without a sentence"
    assert len(refusal or "") < 20_000, f"a sentence of {len(refusal):,} characters"
    counts["read" if refusal is None else "refused"] += 1
    seconds = time.process_time() - start
    counts["slowest"] = max(counts["slowest"], seconds)
    assert seconds < SLOWEST_SECONDS, f"took {seconds:.1f} s"
    assert not found, found


# Expressions: the language's own pieces in any order, Python's, and any text.

PIECES = [
    *("p", "y", "C", "log", "exp", "sqrt", "square", "tanh", "max", "min", "sigmoid", "abs", "cos"),
    *("(", ")", "((", "))", ",", "+", "-", "*", "/", "**", "1", "0.5", "1e308", "1e-400", "nan"),
    *("inf", "-", "=", ";", "a", "a = p; ", "a0", "lambda: 0", "__import__('os')", ".__class__"),
    *(
        "[p for p in y]",
        "{}",
        "'",
        '"',
        "\\",
        "\n",
        "\x00",
        "#",
        "if",
        "else",
        "import os",
        "f'{p}'",
    ),
    *(
        "await p",
        ":=",
        "9" * 400,
        "0x1f",
        "1j",
        "True",
        "None",
        "é",
        "\u202e",
        "𝟙",
        "p(y)",
        "exec('fuzzed')",
    ),
]
expressions = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
    st.text(max_size=60),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 3000)).map(lambda pair: pair[0] * pair[1]),
)


def read_expression(text: str) -> None:
    """An expression that is read is printed and read again as the same."""
    once = str(parse(text, 10))
    assert str(parse(once)) == once, text


# Configurations: the default with something else at some of its keys.

DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {}
EVERY_METHOD = DEFAULT | {"search": DEFAULT["search"] | {"leave_out": []}}


def paths_of(value: Any, before: tuple = ()) -> list[tuple]:
    """All keys and places of a configuration, as paths."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path for key, one in inner for path in ((*before, key), *paths_of(one, (*before, key)))]


PATHS = paths_of(EVERY_METHOD)
odd = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["os:system", "os:remove", "../x", "-x", "a\nb", "$(touch x)", "{study}", "'", "p - y"]
    )
    | st.dates()
    | st.binary(max_size=5)
)
odder = st.recursive(
    odd, lambda one: st.lists(one, max_size=3) | st.dictionaries(odd, one, max_size=3), max_leaves=6
)
changes = st.lists(st.tuples(st.sampled_from(PATHS), odder), min_size=1, max_size=3)


def read_configuration(given_changes: list[tuple[tuple, Any]]) -> None:
    """The default configuration with some keys changed."""
    config = copy.deepcopy(EVERY_METHOD)
    for path, value in given_changes:
        here: Any = config
        for part in path[:-1]:
            here = here[part] if isinstance(here, dict) and part in here else None
        if isinstance(here, dict):
            here[path[-1]] = value
    load(config)


# Records: what rescore and tune write, with bytes or fields changed.

CHAMPION = {
    **{"loss": "egp_seed0", "method": "egp", "run_seed": 0, "candidate_id": "g1s2"},
    **{
        "expression": "-(y * log(p))",
        "fitness": 1.01,
        "fitness_is": "an estimate",
        "fitness_sd": None,
    },
    "repeats": 2,
}
fields = st.dictionaries(st.sampled_from([*CHAMPION, "other"]), odder, min_size=1, max_size=3)


def read_champion_with(folder: Path) -> Callable[[dict], None]:
    """Reads a champion that lies outside a study, with some fields changed."""

    def read(changed: dict) -> None:
        global watched
        watched = False  # the writing is ours
        path = folder / "champion.json"
        path.write_text(
            json.dumps(CHAMPION | changed, default=str, skipkeys=True), encoding="utf-8"
        )
        watched = True
        read_champion(path)

    return read


def read_damaged(folder: Path) -> Callable[[tuple[int, bytes]], None]:
    """Reads a sealed record in which some bytes were replaced: it is as it was, or refused."""
    path = folder / "task.json"

    def read(damage: tuple[int, bytes]) -> None:
        global watched
        watched = False
        write_json(path, CHAMPION)
        content, place = bytearray(path.read_bytes()), damage[0] % path.stat().st_size
        content[place : place + len(damage[1])] = damage[1]
        path.write_bytes(content)
        watched = True
        assert read_json(path) == CHAMPION

    return read


def run(name: str, strategy: st.SearchStrategy, read: Callable[[Any], object], count: int) -> None:
    """So many inputs to one reader, in rounds of other random numbers."""
    counts: Counter = Counter()
    start = time.perf_counter()
    while counts["read"] + counts["refused"] < count:
        left = count - counts["read"] - counts["refused"]

        @settings(
            max_examples=min(left, 20_000),
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def once(value: Any) -> None:
            tried(read, value, counts)

        once()
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {counts['read'] + counts['refused']:,} inputs, {counts['read']:,} read, {counts['refused']:,} refused, "
        f"slowest {counts['slowest']:.2f} s, {seconds:.0f} s in all, peak memory {megabytes:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expressions", type=int, default=0)
    parser.add_argument("--configurations", type=int, default=0)
    parser.add_argument("--records", type=int, default=0)
    flags = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.setrecursionlimit(1000)
    warnings.simplefilter("ignore")  # of Python's parser, about odd literals
    sys.addaudithook(audit)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        damage = st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
        run("expressions", expressions, read_expression, flags.expressions)
        run("configurations", changes, read_configuration, flags.configurations)
        run("champions", fields, read_champion_with(folder), flags.records // 2)
        run("damaged records", damage, read_damaged(folder), flags.records // 2)


if __name__ == "__main__":
    main()
