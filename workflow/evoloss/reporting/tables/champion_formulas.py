"""Table champion_formulas: the champions themselves: formula, size, where they are lowest, scale, fitness, and run."""

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
"""Of the text's width."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a run: its champion.

    `minimiser`: the p_t at which the loss is lowest, the other classes sharing the rest equally. `factor`: what makes
    its gradient as large as cross entropy's at the classes of the first search task. `fitness`: re-scored, leave-one-out.
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
    """Formulas that can be broken into lines in math, others as text."""
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
        "The loss is summed over classes; p is the softmax probability and y the one-hot target, of class k in formulas. "
        "Guards are not shown. A formula that no line holds is given as the text that evoloss reads. Lowest at: the "
        "probability of the target, the other classes sharing the rest equally, between 0.005 and 0.995. Factor: what the "
        "loss is multiplied by, so that its first gradient is as large as cross entropy's. Fitness: re-scored, each fresh "
        "training counting for the champion that the other ones choose; cross entropy is 1.",
    )
    return Dressed(
        table,
        notes=notes,
        math=frozenset({"Loss of one class"}),
        widths={"Loss of one class": FORMULA_WIDTH},
        long=True,
    )
