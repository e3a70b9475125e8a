"""Table losses: formulas and sources of the configured losses of the final retraining."""

import pandas as pd

from evoloss.expressions.latex import to_latex
from evoloss.expressions.parsing import ExpressionError, parse
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import loss_name
from evoloss.reporting.study_records import StudyRecords

OWN = "own"
UNVERIFIED = "unverified"


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per loss, in the order of the configuration; champions are in `losses/`.

    `latex` is the formula for one sample. It is empty for a user's own loss that is a function or contains C.
    """
    return pd.DataFrame(
        [
            {
                "loss": entry["loss"],
                "display": loss_name(entry["loss"]),
                "formula": entry["formula"],
                "latex": entry.get("latex") or _latex(entry["formula"]),
                "defaults": entry.get("defaults", ""),
                "minimum": entry.get("minimum", ""),
                "source": entry.get("source", ""),
                "evidence": entry.get("evidence", OWN),
            }
            for entry in records.description["catalogue"]
        ]
    )


def _latex(formula: str) -> str:
    try:
        # Not \left[: TeX breaks no line between \left and \right.
        return rf"\sum_k \bigl[ {to_latex(parse(formula))} \bigr]"
    except ExpressionError:
        return ""


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Formulas set in math; a dagger marks a formula that was not checked against the paper."""
    unverified = frame["evidence"] == UNVERIFIED
    names = frame["display"] + unverified.map({True: "†", False: ""})
    formulas = frame["formula"].where(frame["latex"] == "", "$" + frame["latex"] + "$")
    notes = [
        "t: target class; p: softmax probabilities; y: one-hot target; z: logits; C: number of classes. "
        "Formulas are for one sample; guards of divisors near zero are not shown."
    ]
    if unverified.any():
        notes.append("† formula recalled, not checked against the paper.")
    return Dressed(
        pd.DataFrame(
            {
                "Loss": names,
                "Formula": formulas,
                "Defaults": frame["defaults"],
                "Minimum $p_t$": frame["minimum"],
                "Source": frame["source"].where(frame["evidence"] != OWN, "own"),
            }
        ),
        notes=tuple(notes),
        long=True,
        math=frozenset({"Formula", "Minimum $p_t$"}),
        widths={
            "Loss": 0.13,
            "Formula": 0.32,
            "Defaults": 0.14,
            "Minimum $p_t$": 0.10,
            "Source": 0.18,
        },
    )
