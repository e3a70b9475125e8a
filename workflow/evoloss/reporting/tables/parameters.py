"""Table parameters: every setting of the study, one column a method for those of methods."""

from typing import Any

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a setting: section, name (of the task, pool or method), setting, value."""
    config = records.description["config"]
    search, rows = config["search"], []

    def add(section: str, name: str | None, settings: dict[str, Any]) -> None:
        for setting, value in settings.items():
            if isinstance(value, dict):
                add(section, name, {f"{setting}.{key}": inner for key, inner in value.items()})
            else:
                rows.append(
                    {"section": section, "name": name, "setting": setting, "value": _text(value)}
                )

    for name, method in search["methods"].items():
        add("method", name, method)
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


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(str(_text(item)) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Settings of methods, tasks and pools side by side, one column of values for the rest."""
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
                    "Value": _joined(values, section, len(part["name"].unique())),
                }
            )
    shown = pd.DataFrame(rows)
    shown["Section"] = shown["Section"].where(~shown["Section"].duplicated(), "")
    return Dressed(shown, long=True)


def _joined(values: list[tuple[str | None, str]], section: str, names: int) -> str:
    texts = {value for _, value in values}
    if len(texts) == 1 and len(values) == names:
        return values[0][1]
    display = method_name if section == "method" else str
    return "; ".join(f"{display(str(name))}: {value}" for name, value in values)
