"""Table stages: what stands before each method's trainings in this study, and what its source describes."""

from typing import Any

import pandas as pd

from evoloss.functional_check.settings import STAGES
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.tables.parameters import MARKS, MEANINGS

WORDS = {(True, True): "both", (True, False): "here", (False, True): "source"}


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a method.

    `stages` are those of the functional check in this study, in their order; `source_stages` those that come
    nearest to what the source describes: empty where it describes none of them, null where it says nothing
    of checks or nothing was found, which `evidence` tells apart. `attempts` are draws a child, `initial`
    whether the initial population is checked, `reuse` whether a loss that trains like an earlier one
    takes its fitness. `source_...` is null where nothing is known.
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
    # Objects, so that whole numbers and truth values stay what they are beside nulls.
    return pd.DataFrame(rows, dtype=object)


def _listed(stages: list[str] | None) -> str | None:
    return None if stages is None else " ".join(stage for stage in STAGES if stage in stages)


def _stated(published: dict[str, Any] | None) -> Any:
    """A published value; None where the source leaves it open and the value is ours."""
    return None if published is None or published["evidence"] == "chosen" else published["value"]


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """A column a stage; published values in parentheses, as far as they are known."""
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
            "Stages of the functional check that a candidate passes before training: in this study (here), or "
            "as far as they come near to what the method's source describes (source), or both.",
            "Draws: a child is drawn so often at most, until one passes; failed ones leave their place empty. "
            "Initial: the initial population is checked too. Reuse: a loss that trains like an earlier one "
            "takes its fitness; otherwise stage novel, where it is on, rejects it. In parentheses: what the "
            "source says, where it says so.",
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
