"""From YAML files to a checked configuration.

No step imports this module: a step gets the settings that it needs as flags. `python -m
evoloss.study.configuration` prints the JSON schema that `workflow/schemas/config.schema.json` keeps for editors.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml
from pydantic import ValidationError

from evoloss.errors import UserError
from evoloss.study.disagreements import disagreements
from evoloss.study.sentences import sentences, shown
from evoloss.study.settings import Config

DEFAULT = Path(__file__).resolve().parents[3] / "config" / "config.yaml"
"""The complete default configuration. Every other file is merged over it."""

NO_SEARCH = {"tasks": [], "run_seeds": [0], "generations": 1, "pools": {}, "methods": {}}
"""What `search: null` stands for: a study that only retrains."""


def load(raw: Mapping[str, Any]) -> Config:
    """The configuration from Snakemake's merged mapping. Raises UserError with one sentence per problem.

    Null entries of `tasks`, `search.pools` and `search.methods` are dropped, so that an overlay can remove what the
    default has; so are the methods in `search.leave_out`. `search: null` drops the whole search, and with it the
    champions and everything that compares methods.
    """
    raw = _without_nulls(_without_left_out(_plain(raw)))
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n".join(sentences(error, Config, raw))) from None
    if problems := list(disagreements(config)):
        raise UserError("\n".join(problems))
    return config


def load_files(overlays: Iterable[str | Path]) -> Config:
    """The default configuration with YAML files merged over it in order, as Snakemake merges them.

    Raises UserError as `load` does, and for a file that is missing or is not a YAML mapping.
    """
    if not DEFAULT.is_file():
        raise UserError(
            f"{DEFAULT} is missing: configurations and their tasks need a checkout of evoloss's repository; an installed "
            "package does not have them"
        )
    merged: dict[str, Any] = {}
    for path in [DEFAULT, *overlays]:
        merge(merged, read_yaml(path))
    return load(merged)


class _EachKeyOnce(yaml.SafeLoader):
    """A YAML loader that refuses a mapping with the same key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if key.value in seen:
                raise UserError(
                    f"{self.name}, line {line}: the key {key.value[:80]!r} stands in line {seen[key.value]} too; "
                    "keep one"
                )
            seen[key.value] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a configuration file. Raises UserError, also for a repeated key: YAML would silently take the last one."""
    try:
        loader = _EachKeyOnce(Path(path).read_text(encoding="utf-8"))
        loader.name = str(path)
        content = loader.get_single_data()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not text in UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} is not valid YAML: {shorten(str(error), 500)}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping of keys, as config/config.yaml does")
    return content


def as_yaml(config: Mapping[str, Any]) -> str:
    """A merged configuration as YAML text. Merged over the default, it gives the same configuration again."""
    plain = json.loads(json.dumps(config, default=str))
    return "# The configuration of the last run, complete.\n" + yaml.safe_dump(
        plain, allow_unicode=True, sort_keys=False
    )


def typed(given: Any) -> Any:
    """The values of Snakemake's `--config`, where nested values arrive as text, converted as YAML would read them."""
    if isinstance(given, Mapping):
        return {key: typed(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [typed(value) for value in given]
    if not isinstance(given, str):
        return given
    try:
        value = yaml.safe_load(given)
    except yaml.YAMLError:
        return given
    return value if isinstance(value, int | float | bool | None) else given


def merge(config: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    """Merge `overlay` into `config` in place, as Snakemake does (which an installed package may lack)."""
    for key, value in overlay.items():
        if not isinstance(value, Mapping):
            config[key] = value
        elif value or key not in config:
            if not isinstance(config.get(key), dict):
                config[key] = {}
            merge(config[key], value)


def _plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as plain JSON values; raises UserError for one that JSON cannot hold."""
    try:
        return json.loads(json.dumps(_text_keyed(raw), default=str))
    except (ValueError, RecursionError):
        raise UserError("the configuration is nested too deeply, or contains itself") from None


def _text_keyed(value: Any, key: str = "") -> Any:
    """`value` if all its keys are text; raises UserError for a key that YAML reads as a date or a number."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                written = name if isinstance(name, int | float | None) else str(name)
                raise UserError(
                    f"{key or 'the configuration'}: the key {shown(written)} is {type(name).__name__} for YAML, but must be "
                    "text; put it in quotes"
                )
        return {
            name: _text_keyed(inner, f"{key}.{name}".strip(".")) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_text_keyed(inner, key) for inner in value]
    return value


def _without_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    if "search" in raw and raw["search"] is None:
        raw["search"] = NO_SEARCH
    search = raw.get("search")
    holders = [(raw, "tasks")]
    if isinstance(search, dict):
        holders += [(search, "pools"), (search, "methods")]
    for holder, key in holders:
        if isinstance(holder.get(key), dict):
            holder[key] = {name: value for name, value in holder[key].items() if value is not None}
    return raw


def _without_left_out(raw: dict[str, Any]) -> dict[str, Any]:
    search = raw.get("search")
    methods = search.get("methods") if isinstance(search, dict) else None
    if not isinstance(search, dict) or not isinstance(methods, dict):
        return raw
    named = search.get("leave_out")
    if isinstance(named, list):
        unknown = [name for name in named if not isinstance(name, str) or name not in methods]
        if unknown:
            raise UserError(
                f"search.leave_out: {shown(unknown[0])} is no method; there are {', '.join(methods)}"
            )
        search["methods"] = {k: v for k, v in methods.items() if k not in named}
    return raw


def schema() -> str:
    """The JSON schema of the configuration, as text."""
    return json.dumps(Config.model_json_schema(), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Print the JSON schema, or with `--study FILE ...` the study's name in merged YAML files."""
    if sys.argv[1:2] == ["--study"]:
        texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]
        print({k: v for text in texts for k, v in (yaml.safe_load(text) or {}).items()}["study"])
    else:
        print(schema(), end="")


if __name__ == "__main__":
    main()
