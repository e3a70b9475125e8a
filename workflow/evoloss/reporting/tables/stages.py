"""Table stages: the checks before each method's trainings, in this study and in the method's source."""

from typing import Any

import pandas as pd

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.tables.parameters import MARKS, MEANINGS

WORDS = {(True, True): "both", (True, False): "here", (False, True): "source"}


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per method.

    `stages`: the stages of the functional check in this study, in order. `source_stages`: the stages that come nearest
    to what the source describes; empty if it describes none of them, null if it says nothing about checks or nothing
    was found (`evidence` tells which). `attempts`: the most draws per child. `initial`: whether the initial population
    is checked. `reuse`: whether a loss that trains like an earlier one takes its fitness. `source_...` is null where
    nothing is known.
    """
    rows = []
    for method, known in records.description["checks"].items():
        source = known["source"] or {}
        rows.append(
            {
                "method": method,
                "stages": _listed(known["stages"]),
                "source_stages": _listed(source.get("stages")),
                "attempts": known["attempts"],
                "source_attempts": _stated(known["published"].get("attempts")),
                "initial": known["initial"],
                "source_initial": source.get("initial"),
                "reuse": known["reuse"],
                "source_reuse": _stated(known["published"].get("reuse")),
                "evidence": source.get("evidence") or ("not found" if source else None),
                "source": source.get("where"),
            }
        )
    # dtype object, so that nulls do not change the type of integers and booleans.
    return pd.DataFrame(rows, dtype=object)


def _listed(stages: list[str] | None) -> str | None:
    return None if stages is None else " ".join(stage for stage in STAGES if stage in stages)


def _stated(published: dict[str, Any] | None) -> Any:
    """A published value; None where the source leaves it open and evoloss chose it."""
    return None if published is None or published["evidence"] == "chosen" else published["value"]


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One column per stage; published values in parentheses, as far as they are known."""
    shown: dict[str, list[str]] = {
        "Method": [
            method_name(row.method) + MARKS.get(row.evidence, "") for row in frame.itertuples()
        ]
    }
    for stage in STAGES:
        shown[stage.capitalize()] = [
            WORDS.get(
                (stage in row.stages.split(), stage in (row.source_stages or "").split()), "–"
            )
            for row in frame.itertuples()
        ]
    for column, title in (("attempts", "Draws"), ("initial", "Initial"), ("reuse", "Reuse")):
        shown[title] = [
            _text(here) + ("" if source is None else f" ({_text(source)})")
            for here, source in zip(frame[column], frame[f"source_{column}"], strict=True)
        ]
    return Dressed(
        pd.DataFrame(shown),
        notes=(
            "Stages of the functional check that a candidate must pass before training: in this study (here), "
            "as the nearest to what the method's source describes (source), in both (both), or in neither (–).",
            "Draws: a child is drawn at most this many times, until one passes; if none passes, its slot stays empty. "
            "Initial: the initial population is checked too. Reuse: a loss that trains like an earlier one takes the "
            "earlier fitness; without reuse, stage novel rejects it if that stage is on. In parentheses: what the "
            "source says, if it says anything.",
            "Evidence: "
            + "; ".join(f"{MARKS[key]} {text}" for key, text in MEANINGS.items())
            + ".",
            *(
                f"{method_name(row.method)}: {row.source}."
                for row in frame.drop_duplicates("source").itertuples()
                if row.source
            ),
        ),
    )


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
