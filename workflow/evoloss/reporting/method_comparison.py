"""Methods against a reference method, paired by run seed: the numbers, and how tables write them."""

import math

import pandas as pd

from evoloss.reporting.latex_table import plus_minus, signed
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    MOST_RUNS,
    SMALLEST_TESTED,
    differing,
    holm,
    paired_difference,
    runs_for,
    smallest_p,
    wilcoxon_p,
)

SPACE = "\N{NO-BREAK SPACE}"
"""Keeps an interval together in a column that breaks lines."""

STAR_NOTE = (
    "* the interval leaves out 0, not corrected for the number of comparisons. A difference whose "
    "interval contains 0 is no difference shown."
)


def compare(
    values: pd.DataFrame, reference: str, confidence: float, overlap: float = 0.0
) -> pd.DataFrame:
    """Every method's paired difference to the reference: one row a column of `values` (runs x methods).

    Columns: difference, its s.d. over pairs, ci_low, ci_high, pairs, how many of them are `differing`, and
    p_value of the paired Wilcoxon test, Holm-corrected over the methods. A run where one of the two has no
    value is no pair. The reference's own row is nan. `overlap` as in `paired_difference`.
    """
    rows = {}
    for method in values:
        compared = method != reference and reference in values
        pairs = values[[method, reference]].dropna() if compared else pd.DataFrame(columns=[0, 1])
        ours, theirs = pairs.iloc[:, 0], pairs.iloc[:, 1]
        difference = paired_difference(ours, theirs, confidence, overlap)
        rows[method] = {
            "difference": difference.mean,
            "sd": (ours - theirs).std() if len(pairs) > 1 else math.nan,
            "ci_low": difference.low,
            "ci_high": difference.high,
            "pairs": difference.pairs,
            "differing": differing(ours, theirs),
            "p_value": wilcoxon_p(ours, theirs),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    return frame.assign(p_value=holm(frame["p_value"].tolist()))


def spread_text(mean: float, sd: float, digits: int, scale: float = 1.0) -> str:
    """`mean ± sd`, which may break before the sign."""
    return plus_minus(mean, sd, digits, scale).replace("± ", f"±{SPACE}")


def star(low: float, high: float) -> str:
    """The star of a difference whose interval leaves out 0; empty for another, and for one without interval."""
    return "*" if low > 0 or high < 0 else ""


def difference_text(
    mean: float, low: float, high: float, digits: int, scale: float = 1.0, absent: str = "–"
) -> str:
    """`+0.02* [+0.01, +0.03]`, starred when the interval leaves out 0; may break before the interval."""
    if pd.isna(mean):
        return absent
    text = signed(scale * mean, digits, plus=True)
    if pd.isna(low):
        return text
    ends = f",{SPACE}".join(signed(scale * end, digits, plus=True) for end in (low, high))
    return f"{text}{star(low, high)} [{ends}]"


def p_text(p: float) -> str:
    """A p-value in two digits; empty for none."""
    return "" if pd.isna(p) else f"{p:.2g}"


def p_note(
    p_values: pd.Series, differing: pd.Series, unit: str = "run seeds", overlap: float = 0.0
) -> str:
    """What the p-values are and the smallest they could be, which pairs without a difference raise."""
    tested = p_values.notna()
    if not tested.any():
        return f"No p-values: fewer than {SMALLEST_TESTED} {unit}."
    comparisons = int(tested.sum())
    ends = sorted(
        {smallest_p(int(n), comparisons) for n in (differing[tested].agg(["min", "max"]))}
    )
    return (
        f"p: paired Wilcoxon test, Holm-corrected over {comparisons} comparisons. It drops pairs without a "
        f"difference; the smallest p that those left allow is {' to '.join(f'{p:.2g}' for p in ends)}."
        + (" It knows nothing of images that splits share." if overlap else "")
    )


def few_note(
    differences: pd.Series,
    sds: pd.Series,
    unit: str,
    confidence: float,
    what: str = "runs",
    overlap: float = 0.0,
) -> str:
    """What is not said from so few runs, and how many the largest of these differences would need.

    `sds`: the s.d. of the pairs of each comparison, in the unit of `differences`; `overlap` as in
    `paired_difference`.
    """
    text = f"Fewer than {FEWEST_RUNS} {what}: single values, without interval, star or winner."
    largest = float(differences.abs().max())
    # Of few pairs an s.d. may be small by luck: no smaller than what all comparisons have together.
    own = sds[differences.abs() == largest].max()
    sd = max(float((sds.dropna() ** 2).mean() ** 0.5), 0.0 if pd.isna(own) else float(own))
    if not (sd > 0 and largest > 0):
        return f"{text} A p-value would need {SMALLEST_TESTED}."
    runs = runs_for(largest, sd, confidence, overlap)
    return (
        f"{text} For an interval that leaves out 0, a difference as large as the largest here "
        f"({signed(largest, 3)}{unit}, which varies by an s.d. of {signed(sd, 3)}{unit}) would need "
        + (
            f"about n = {runs} {what}."
            if runs
            else f"more than {MOST_RUNS} {what}, if any number will do: their splits share images."
        )
    )


def single_values(values: pd.Series, digits: int, scale: float = 1.0) -> str:
    """The values of few runs one by one, in order of their seeds: `0.932, 0.955`."""
    return ", ".join(signed(scale * value, digits) for value in values.dropna())
