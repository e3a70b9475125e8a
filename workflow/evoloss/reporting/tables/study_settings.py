"""Table study_settings: every setting of the study except those of its methods (table `parameters`)."""

from typing import Any

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.tables.parameters import as_text, flattened


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per setting: section, name (of the task or pool), setting, value."""
    config = records.description["config"]
    search, rows = config["search"], []

    def add(section: str, name: str | None, settings: dict[str, Any]) -> None:
        for setting, value in flattened(settings).items():
            rows.append(
                {"section": section, "name": name, "setting": setting, "value": as_text(value)}
            )

    inner = ("methods", "pools", "functional_check", "rescore")
    add("search", None, {key: value for key, value in search.items() if key not in inner})
    for name, pool in search["pools"].items():
        add("pool", name, pool)
    add("functional_check", None, search["functional_check"])
    add("rescore", None, search["rescore"])
    for name, task in config["tasks"].items():
        add("task", name, task)
    add("retrain", None, config["retrain"])
    add("report", None, config["report"])
    return pd.DataFrame(rows)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row per setting; where pools or tasks differ, each value has its name."""
    rows = []
    for section in frame["section"].unique():
        part = frame[frame["section"] == section]
        for setting in part["setting"].unique():
            of_setting = part[part["setting"] == setting]
            values = [
                (name, "none" if pd.isna(value) else value)
                for name, value in zip(of_setting["name"], of_setting["value"], strict=True)
            ]
            rows.append(
                {
                    "Section": section.replace("_", " "),
                    "Setting": setting,
                    "Value": _joined(values, len(part["name"].unique())),
                }
            )
    shown = pd.DataFrame(rows)
    shown["Section"] = shown["Section"].where(~shown["Section"].duplicated(), "")
    return Dressed(shown, long=True)


def _joined(values: list[tuple[str | None, str]], names: int) -> str:
    if len({value for _, value in values}) == 1 and len(values) == names:
        return values[0][1]
    return "; ".join(f"{name}: {value}" for name, value in values)
