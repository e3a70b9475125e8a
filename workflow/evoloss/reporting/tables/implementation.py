"""Table implementation: hardware and software, from the metadata of the study's records."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per fact: group, item, value. If machines differ, their values are joined by `; `."""
    metadata = [entry["provenance"] for entry in records.metadata()]
    facts: dict[tuple[str, str], list[str]] = {}
    for provenance in metadata:
        for group, item, value in _facts(provenance):
            values = facts.setdefault((group, item), [])
            if value is not None and str(value) not in values:
                values.append(str(value))
    devices = sorted(set(records.retrained["device"].dropna()))
    facts[("hardware", "trained on")] = devices
    rows = [
        {"group": group, "item": item, "value": "; ".join(values) or None}
        for (group, item), values in facts.items()
    ]
    return pd.DataFrame(rows).sort_values("group", kind="stable", ignore_index=True)


def _facts(provenance: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    machine = provenance["machine"]
    memory = machine["memory_bytes"]
    yield "hardware", "processor", machine["cpu"]
    yield "hardware", "cores", machine["cores"]
    yield "hardware", "memory", memory and f"{memory / 2**30:.0f} GiB"
    yield "hardware", "architecture", machine["architecture"]
    yield "software", "operating system", machine["os"]
    yield "software", "kernel", machine["kernel"]
    yield "software", "Python", provenance["python"]
    for name, version in provenance["packages"].items():
        yield "software", name, version
    yield "software", "evoloss", provenance["version"]
    yield "software", "evoloss commit", provenance["commit"]


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """The same rows under display names."""
    shown = frame.fillna("unknown")
    return Dressed(
        pd.DataFrame(
            {
                "": shown["group"].where(~shown["group"].duplicated(), ""),
                "Item": shown["item"],
                "Value": shown["value"],
            }
        ),
        notes=("Read from the metadata of the study's records.",),
    )
