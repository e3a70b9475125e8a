"""Methods against a reference method, paired by run seed: the numbers, and how tables write them."""

import pandas as pd

from evoloss.reporting.latex_table import plus_minus, signed
from evoloss.reporting.statistics import SMALLEST_TESTED, holm, paired_difference, wilcoxon_p

SPACE = "\N{NO-BREAK SPACE}"
"""Keeps an interval together in a column that breaks lines."""

STAR_NOTE = (
    "* the interval leaves out 0, not corrected for the number of comparisons. A difference whose "
    "interval contains 0 is no difference shown."
)


def compare(values: pd.DataFrame, reference: str, confidence: float) -> pd.DataFrame:
    """Every method's paired difference to the reference: one row a column of `values` (runs x methods).

    Columns: difference, ci_low, ci_high, pairs, and p_value of the paired Wilcoxon test, Holm-corrected
    over the methods. A run where one of the two has no value is no pair. The reference's own row is nan.
    """
    rows = {}
    for method in values:
        compared = method != reference and reference in values
        pairs = values[[method, reference]].dropna() if compared else pd.DataFrame(columns=[0, 1])
        ours, theirs = pairs.iloc[:, 0], pairs.iloc[:, 1]
        difference = paired_difference(ours, theirs, confidence)
        rows[method] = {
            "difference": difference.mean,
            "ci_low": difference.low,
            "ci_high": difference.high,
            "pairs": difference.pairs,
            "p_value": wilcoxon_p(ours, theirs),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    return frame.assign(p_value=holm(frame["p_value"].tolist()))


def spread_text(mean: float, sd: float, digits: int, scale: float = 1.0) -> str:
    """`mean ± sd`, which may break before the sign."""
    return plus_minus(mean, sd, digits, scale).replace("± ", f"±{SPACE}")


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
    return f"{text}{'*' if low > 0 or high < 0 else ''} [{ends}]"


def p_text(p: float) -> str:
    """A p-value in two digits; empty for none."""
    return "" if pd.isna(p) else f"{p:.2g}"


def p_note(p_values: pd.Series, pairs: pd.Series) -> str:
    """What the p-values are and the smallest they could be; or why there are none."""
    tested = p_values.notna()
    if not tested.any():
        return (
            f"No p-values: fewer than {SMALLEST_TESTED} run seeds. From so few pairs the test "
            "cannot come under 0.05 once it is corrected for the comparison of seven methods."
        )
    smallest = min(1.0, 2 / 2 ** int(pairs[tested].max()) * int(tested.sum()))
    return (
        f"p: paired Wilcoxon test, Holm-corrected over {int(tested.sum())} comparisons; the smallest "
        f"that so many runs and comparisons allow is {smallest:.2g}."
    )
