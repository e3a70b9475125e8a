"""Table parameters: settings of the search methods and their sources, a column per method (others: `study_settings`)."""

from typing import Any

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name, short_method_name
from evoloss.reporting.study_records import StudyRecords

MARKS = {"draft": "ᵈ", "code": "ᶜ", "paper": "ᵖ", "recalled": "ʳ"}
"""Evidence for a published value -> its mark; a value chosen here has none."""

MEANINGS = {
    "draft": "thesis draft",
    "code": "the authors' code",
    "paper": "the paper's abstract or a summary of it",
    "recalled": "recalled, not checked",
}

LONGEST = 12
"""Most characters of a value in a cell. A longer value stands in the notes; its cell has only `[1]`."""


def flattened(settings: dict[str, Any]) -> dict[str, Any]:
    """Nested settings under dotted names."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": entry for inner, entry in flattened(value).items()}
        else:
            flat[name] = value
    return flat


def as_text(value: Any) -> str | None:
    """A value as the tables show it; None stays None."""
    if isinstance(value, list | tuple):
        return ", ".join(str(as_text(item)) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method and setting. `published`, `evidence` and `source` are null where nothing is known.

    `published` is also null where the source leaves a setting open and evoloss chose the value.
    """
    sources = records.description["sources"]
    rows = []
    for method, settings in records.description["config"]["search"]["methods"].items():
        known = sources.get(method, {})
        published = flattened({setting: entry["value"] for setting, entry in known.items()})
        for setting, value in flattened(settings).items():
            source = known.get(setting.partition(".")[0], {})
            evidence = source.get("evidence")
            stated = setting in published and evidence != "chosen"
            rows.append(
                {
                    "method": method,
                    "setting": setting,
                    "value": as_text(value),
                    "published": _or_none(published[setting]) if stated else None,
                    "evidence": evidence,
                    "source": source.get("where"),
                }
            )
    return pd.DataFrame(rows)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Values with marks for their evidence; abbreviations, long values and sources are in the notes."""
    methods = list(frame["method"].unique())
    cells = frame.set_index(["setting", "method"])
    long: dict[str, int] = {}

    def brief(text: str) -> str:
        return text if len(text) <= LONGEST else f"[{long.setdefault(text, len(long) + 1)}]"

    def cell(setting: str, method: str) -> str:
        if (setting, method) not in cells.index:
            return "–"
        row = cells.loc[(setting, method)]
        value = _or_none(row["value"])
        if setting == "algorithm":
            return brief(short_method_name(value))
        if pd.isna(row["published"]):
            return brief(value)
        differs = "" if row["published"] == value else f" ({brief(row['published'])})"
        return brief(value) + differs + MARKS[row["evidence"]]

    settings = frame["setting"].unique()
    columns = {
        short_method_name(method): [cell(setting, method) for setting in settings]
        for method in methods
    }
    notes = [
        _abbreviations(methods),
        "; ".join(f"{MARKS[evidence]} {meaning}" for evidence, meaning in MEANINGS.items())
        + "; no mark: chosen here. In parentheses: the published value, where this study uses another. "
        "–: the method has no such setting.",
        *(f"[{number}] {text}." for text, number in long.items()),
        *_sources(frame),
    ]
    return Dressed(
        pd.DataFrame({"Setting": settings, **columns}),
        notes=tuple(note for note in notes if note),
        long=True,
        keys=1,
    )


def _abbreviations(methods: list[str]) -> str:
    pairs = [(short_method_name(method), method_name(method)) for method in methods]
    texts = [f"{short}: {name}" for short, name in pairs if short != name]
    return "; ".join(texts) + "." if texts else ""


def _sources(frame: pd.DataFrame) -> list[str]:
    """One sentence per method: which settings each of its sources states."""
    stated = frame[frame["published"].notna()]
    return [
        f"{method_name(method)}: "
        + "; ".join(
            f"{', '.join(part['setting'])} – {source}"
            for source, part in rows.groupby("source", sort=False)
        )
        + "."
        for method, rows in stated.groupby("method", sort=False)
    ]


def _or_none(value: Any) -> str:
    return "none" if value is None or value != value else str(as_text(value))
