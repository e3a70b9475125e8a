"""Table champion_formulas: every run's champion, with its formula, size, minimiser, scale factor and fitness."""

import numpy as np
import pandas as pd

from evoloss.expressions.latex import to_latex
from evoloss.expressions.parsing import parse
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import matching_factor
from evoloss.reporting.latex_layout import TEXT_WIDTH, breakable_math
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.shapes import shape
from evoloss.reporting.study_records import StudyRecords

FORMULA_WIDTH = 0.42
"""Share of the text width."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per run: its champion.

    `minimiser`: the p_t at which the loss is lowest if the other classes share 1 - p_t equally. `factor` makes its
    gradient as large as cross entropy's, at the classes of the first search task. `fitness`: re-scored, leave-one-out.
    """
    classes = records.manifests[0]["classes"]
    rows = []
    for champion in records.champions:
        expression = parse(champion["expression"])
        p_target, value, _ = shape(champion["expression"], classes)
        rows.append(
            {
                "method": champion["method"],
                "run_seed": champion["run_seed"],
                "expression": champion["expression"],
                "latex": to_latex(expression),
                "size": expression.size,
                "minimiser": float(p_target[int(np.argmin(value))]),
                "factor": matching_factor(ExpressionLoss(expression), classes),
                "fitness": champion["fitness"],
            }
        )
    return pd.DataFrame(rows)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """A formula is set in math if it can be broken into lines that fit, else as text."""
    formulas = []
    for row in frame.itertuples():
        _, fits = breakable_math(row.latex, FORMULA_WIDTH * TEXT_WIDTH)
        formulas.append(f"${row.latex}$" if fits else row.expression)
    names = frame["method"].map(method_name)
    table = pd.DataFrame(
        {
            "Method": names.where(~frame["method"].duplicated(), ""),
            "Run": frame["run_seed"].astype(str),
            "Loss of one class": formulas,
            "Size": frame["size"].astype(str),
            "Lowest at": [f"{value:.3f}" for value in frame["minimiser"]],
            "Factor": frame["factor"].map(lambda v: f"{v:.3g}"),
            "Fitness": frame["fitness"].map(lambda v: f"{v:.3f}"),
        }
    )
    notes = (
        "The loss is the sum of the formula over classes k; p and y are the softmax probability and the one-hot target of "
        "class k. Guards are not shown. A formula that does not fit is given as text in evoloss's notation. Lowest at: the "
        "target's probability, from 0.005 to 0.995, at which the loss is lowest if the other classes share the rest equally. "
        "Factor: makes the loss's first gradient as large as cross entropy's. Fitness: re-scored (chance = 0, cross "
        "entropy = 1); each fresh training scores the champion that the other fresh trainings choose.",
    )
    return Dressed(
        table,
        notes=notes,
        math=frozenset({"Loss of one class"}),
        widths={"Loss of one class": FORMULA_WIDTH},
        long=True,
    )
