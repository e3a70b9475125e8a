"""Differences: of each method to a reference method, and how tables write any difference, its interval and its star."""

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
"""Keeps an interval on one line in a column that breaks lines."""

STAR_NOTE = (
    "* the interval excludes 0; it is not corrected for the number of comparisons. An interval that contains "
    "0 shows no difference."
)


def compare(
    values: pd.DataFrame, reference: str, confidence: float, overlap: float = 0.0
) -> pd.DataFrame:
    """The paired difference of every method to the reference: one row per column of `values` (runs x methods).

    Columns: `difference` (a mean over pairs), `sd` (over pairs), `ci_low`, `ci_high`, `pairs`, `differing` (pairs with
    a difference) and `p_value` (paired Wilcoxon test, Holm-corrected over the methods). A run in which either of the
    two has no value is not a pair. The row of the reference itself has no pairs. `overlap` as in `paired_difference`.
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


def breakable(text: str) -> str:
    """A text `mean ± sd` in which a line may break before the sign only."""
    return text.replace("± ", f"±{SPACE}")


def spread_text(mean: float, sd: float, digits: int, scale: float = 1.0) -> str:
    """`mean ± sd`; a line may break before the sign only."""
    return breakable(plus_minus(mean, sd, digits, scale))


def star(low: float, high: float) -> str:
    """`*` if the interval excludes 0; empty if it does not, or if there is no interval (nan)."""
    return "*" if low > 0 or high < 0 else ""


def difference_text(
    mean: float, low: float, high: float, digits: int, scale: float = 1.0, absent: str = "–"
) -> str:
    """`+0.02* [+0.01, +0.03]`, with a star if the interval excludes 0; a line may break before the interval only."""
    if pd.isna(mean):
        return absent
    text = signed(scale * mean, digits, plus=True)
    if pd.isna(low):
        return text
    ends = f",{SPACE}".join(signed(scale * end, digits, plus=True) for end in (low, high))
    return f"{text}{star(low, high)} [{ends}]"


def p_text(p: float) -> str:
    """A p-value with two significant digits; empty for nan."""
    return "" if pd.isna(p) else f"{p:.2g}"


def p_note(
    p_values: pd.Series, differing: pd.Series, unit: str = "run seeds", overlap: float = 0.0
) -> str:
    """A note on the p-values and on the smallest possible p; pairs without a difference raise that."""
    tested = p_values.notna()
    if not tested.any():
        return f"No p-values: fewer than {SMALLEST_TESTED} {unit}."
    comparisons = int(tested.sum())
    ends = sorted(
        {smallest_p(int(n), comparisons) for n in (differing[tested].agg(["min", "max"]))}
    )
    return (
        f"p: paired Wilcoxon test, Holm-corrected over {comparisons} comparisons. The test drops pairs without a "
        f"difference; the smallest p that the other pairs allow is {' to '.join(f'{p:.2g}' for p in ends)}."
        + (" It does not allow for images that the splits share." if overlap else "")
    )


def few_note(
    differences: pd.Series,
    sds: pd.Series,
    unit: str,
    confidence: float,
    what: str = "runs",
    overlap: float = 0.0,
) -> str:
    """A note for few runs: what the table omits, and how many runs the largest of these differences would need.

    `sds`: the s.d. over pairs of each comparison, in the unit of `differences`; `overlap` as in `paired_difference`.
    """
    text = f"Fewer than {FEWEST_RUNS} {what}: single values, without intervals, stars or a winner."
    largest = float(differences.abs().max())
    # With few pairs an s.d. may be small by luck, so take at least the pooled s.d. of all comparisons.
    own = sds[differences.abs() == largest].max()
    sd = max(float((sds.dropna() ** 2).mean() ** 0.5), 0.0 if pd.isna(own) else float(own))
    if not (sd > 0 and largest > 0):
        return f"{text} A p-value would need {SMALLEST_TESTED} {what}."
    runs = runs_for(largest, sd, confidence, overlap)
    return (
        f"{text} For an interval that excludes 0, a difference as large as the largest here "
        f"({signed(largest, 3)}{unit}, with an s.d. of {signed(sd, 3)}{unit} over pairs) would need "
        + (
            f"about n = {runs} {what}."
            if runs
            else f"more than {MOST_RUNS} {what}; perhaps no number is enough, because their splits share images."
        )
    )


def single_values(values: pd.Series, digits: int, scale: float = 1.0) -> str:
    """The values of few runs, in the order of their seeds: `0.932, 0.955`."""
    return ", ".join(signed(scale * value, digits) for value in values.dropna())


def accuracy_text(mean: float, sd: float, single: str, n: int) -> str:
    """`96.66 ± 0.26` in percent; below FEWEST_RUNS, the `single` accuracies (shares, with blanks between)."""
    if 0 < n < FEWEST_RUNS:
        return single_values(pd.Series(map(float, single.split())), 2, 100)
    return plus_minus(mean, sd, 2, 100) or "failed"
