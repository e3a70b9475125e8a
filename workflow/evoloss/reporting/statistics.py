"""Means, paired differences and tests, always with n; nan where the data do not allow a statement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST_RUNS = 5
"""Intervals, spreads, stars and winners only from so many runs on. Of two, the t interval is 9 s.d. wide and
the sample s.d. is off by a factor of two either way."""

SMALLEST_TESTED = 9
"""p-values only from so many pairs on. The smallest that n pairs can give is 2 / 2**n, times the number
of comparisons under Holm: with fewer pairs nothing could be significant."""


@dataclass(frozen=True)
class Difference:
    """A paired difference: its mean, the ends of its t interval, and how many pairs there are."""

    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class Median:
    """A median, the ends of its order-statistic interval, and how many values it is of."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def weighted_sum(counts: Sequence[tuple[int, int, float]], confidence: float) -> Estimate:
    """The sum of `weight * hits / n` over `(hits, n, weight)`, shares of independent samples, with interval.

    Its ends are as far from the sum as those of the shares' Clopper-Pearson intervals together, by the
    root of their squares (MOVER: Zou & Donner, Construction of confidence limits about effect measures,
    Statistics in Medicine 27, 2008). It holds for few hits and none, where resampling sees no variation.
    """
    value = below = above = 0.0
    for hits, n, weight in counts:
        share = hits / n
        interval = stats.binomtest(hits, n).proportion_ci(confidence, method="exact")
        value += weight * share
        below += (weight * (share - interval.low)) ** 2
        above += (weight * (interval.high - share)) ** 2
    return Estimate(value, max(0.0, value - math.sqrt(below)), value + math.sqrt(above))


def standard_deviation(values: Sequence[float]) -> float:
    """The sample standard deviation; nan for fewer than FEWEST_RUNS values."""
    return float(np.std(values, ddof=1)) if len(values) >= FEWEST_RUNS else math.nan


def paired_difference(
    values: Sequence[float],
    baseline: Sequence[float],
    confidence: float,
    overlap: float = 0.0,
) -> Difference:
    """The mean of `values - baseline` with its t interval; no interval below FEWEST_RUNS pairs.

    `overlap` is validation images over training images when pairs are re-splits of one pool: they
    share images, and their differences vary by 1/n + overlap instead of 1/n (Nadeau & Bengio,
    Inference for the generalization error, Machine Learning 52, 2003).
    """
    differences = np.asarray(values, dtype=float) - np.asarray(baseline, dtype=float)
    n = len(differences)
    if n == 0:
        return Difference(math.nan, math.nan, math.nan, 0)
    mean = float(differences.mean())
    if n < FEWEST_RUNS:
        return Difference(mean, math.nan, math.nan, n)
    spread = differences.std(ddof=1) * math.sqrt(1 / n + overlap)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * spread)
    return Difference(mean, mean - half, mean + half, n)


def crossed_mean(cells: np.ndarray, confidence: float) -> Difference:
    """The mean of values (runs x training seeds) with an interval that covers both: `pairs` are the runs.

    A two-way random-effects layout: runs are a sample, and so are the training seeds, which all runs share.
    With mean squares R, S and E of runs, seeds and the rest, the mean of r runs and s seeds has the variance
    (R + S - E) / (r s), with Satterthwaite's degrees of freedom (Searle, Linear Models, 1971, chapter 9).
    Never less than R or S alone would give. No interval below FEWEST_RUNS runs, or below two seeds.
    """
    r, s = cells.shape
    if not cells.size:
        return Difference(math.nan, math.nan, math.nan, 0)
    mean = float(cells.mean())
    if r < FEWEST_RUNS or s < 2:
        return Difference(mean, math.nan, math.nan, r)
    of_runs, of_seeds = cells.mean(axis=1), cells.mean(axis=0)
    rest = cells - np.add.outer(of_runs, of_seeds) + mean
    squares = [s * of_runs.var(ddof=1), r * of_seeds.var(ddof=1)]
    error = (rest**2).sum() / ((r - 1) * (s - 1))
    total = sum(squares) - error
    terms = [squares[0] ** 2 / (r - 1), squares[1] ** 2 / (s - 1), error**2 / ((r - 1) * (s - 1))]
    freedom = total**2 / sum(terms) if sum(terms) else math.inf
    larger = int(np.argmax(squares))
    if total < squares[larger]:
        total, freedom = squares[larger], (r, s)[larger] - 1
    half = float(stats.t.ppf((1 + confidence) / 2, freedom) * math.sqrt(total / (r * s)))
    return Difference(mean, mean - half, mean + half, r)


MOST_RUNS = 1000
"""More runs than this are no plan."""


def runs_for(half_width: float, sd: float, confidence: float, overlap: float = 0.0) -> int | None:
    """How many runs make the interval of a mean as narrow as +- `half_width`, if one run varies by `sd`.

    None: more than MOST_RUNS, or no number of them, since with an `overlap` (as in `paired_difference`) what
    the splits share does not average out.
    """
    for n in range(FEWEST_RUNS, MOST_RUNS + 1):
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd * math.sqrt(1 / n + overlap)
        if half <= half_width:
            return n
    return None


def censored_median(values: Sequence[float], confidence: float) -> Median:
    """The median, with infinity for a value that was not reached; nan entries are left out.

    The ends of its interval are two of the values themselves, chosen by the binomial distribution, so it
    holds for any distribution and may be infinite. So few values that none will do (at 95 %: fewer
    than 6) have no interval.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return Median(math.nan, math.nan, math.nan, 0)
    if len(known) < FEWEST_RUNS:
        return Median(float(np.median(known)), math.nan, math.nan, len(known))
    interval = stats.quantile_test(known, p=0.5).confidence_interval(confidence)
    return Median(float(np.median(known)), float(interval.low), float(interval.high), len(known))


def wilcoxon_p(values: Sequence[float], baseline: Sequence[float]) -> float:
    """Two-sided p-value of the paired Wilcoxon test; nan below SMALLEST_TESTED pairs, 1 for all ties."""
    differences = np.asarray(values, dtype=float) - np.asarray(baseline, dtype=float)
    if len(differences) < SMALLEST_TESTED:
        return math.nan
    # Without the zeros, which it drops anyway, SciPy takes the exact distribution.
    left = differences[differences != 0]
    return float(stats.wilcoxon(left).pvalue) if len(left) else 1.0


def differing(values: Sequence[float], baseline: Sequence[float]) -> int:
    """How many pairs differ: Wilcoxon's test drops the others."""
    return int(np.count_nonzero(np.asarray(values, float) - np.asarray(baseline, float)))


def smallest_p(differing_pairs: int, comparisons: int) -> float:
    """The smallest p-value that Wilcoxon's exact test of so many differing pairs can give, after Holm."""
    return min(1.0, 2.0 ** (1 - differing_pairs) * comparisons)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of one family; nan entries are no members of it and stay nan."""
    corrected = [math.nan] * len(p_values)
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    running = 0.0
    for rank, (p, index) in enumerate(order):
        running = max(running, min(1.0, p * (len(order) - rank)))
        corrected[index] = running
    return corrected
