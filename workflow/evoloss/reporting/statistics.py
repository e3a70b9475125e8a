"""Means, paired differences and tests; nan where the data do not allow a statement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST_RUNS = 5
"""The fewest runs for intervals, spreads, stars and winners. With two runs the half-width of a t interval is 9 s.d.,
and the sample s.d. is easily wrong by a factor of two either way."""

SMALLEST_TESTED = 9
"""The fewest pairs for p-values. The smallest p that n pairs can give is 2 / 2**n, times the number of comparisons
under Holm: with fewer pairs nothing could be significant."""


@dataclass(frozen=True)
class Difference:
    """A paired difference: its mean, the ends of its t interval, and how many pairs there are."""

    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class Median:
    """A median, the ends of its order-statistic interval, and the number of values."""

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
    """The sum of `weight * hits / n` over `(hits, n, weight)`, with its interval; the samples are independent.

    The distance of each end from the sum is the root of the summed squares of the weighted distances in the shares'
    Clopper-Pearson intervals (MOVER: Zou & Donner, Construction of confidence limits about effect measures, Statistics
    in Medicine 27, 2008). It holds for few or no hits too, where resampling sees no variation.
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
    values: Sequence[float], baseline: Sequence[float], confidence: float, overlap: float = 0.0
) -> Difference:
    """The mean of `values - baseline` with its t interval; no interval below FEWEST_RUNS pairs.

    If the pairs are different splits of the same images, `overlap` is (validation images) / (training images). The
    splits share images, so the variance of the mean is sd^2 * (1/n + overlap) instead of sd^2 / n (Nadeau & Bengio,
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
    """The mean of `cells` (runs x training seeds) with an interval for both kinds of variation; `pairs` = runs.

    A two-way random-effects layout: runs are a sample, and so are the training seeds, which all runs share.
    With mean squares R, S and E of runs, seeds and residuals, the mean of r runs and s seeds has the variance
    (R + S - E) / (r s), with Satterthwaite's degrees of freedom (Searle, Linear Models, 1971, chapter 9). The
    variance is at least what R or S alone would give. No interval below FEWEST_RUNS runs or two seeds.
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
"""`runs_for` looks no further: more runs than this are not feasible."""


def runs_for(half_width: float, sd: float, confidence: float, overlap: float = 0.0) -> int | None:
    """How many runs make the interval of a mean as narrow as +- `half_width`, if `sd` is the s.d. over runs.

    None: more than MOST_RUNS, or no number is enough. The latter happens with an `overlap` (as in
    `paired_difference`), because the variation from shared images does not average out.
    """
    for n in range(FEWEST_RUNS, MOST_RUNS + 1):
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd * math.sqrt(1 / n + overlap)
        if half <= half_width:
            return n
    return None


def censored_median(values: Sequence[float], confidence: float) -> Median:
    """The median of values that are infinity where a level was not reached; nan entries are left out.

    The ends of its interval are two of the values, chosen by the binomial distribution. So it holds for any
    distribution, and an end may be infinite. Too few values (at 95 %: fewer than 6) have no interval.
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
    # The test drops zeros anyway; without them SciPy uses the exact distribution.
    left = differences[differences != 0]
    return float(stats.wilcoxon(left).pvalue) if len(left) else 1.0


def differing(values: Sequence[float], baseline: Sequence[float]) -> int:
    """How many pairs differ; Wilcoxon's test drops the others."""
    return int(np.count_nonzero(np.asarray(values, float) - np.asarray(baseline, float)))


def smallest_p(differing_pairs: int, comparisons: int) -> float:
    """The smallest p-value that Wilcoxon's exact test can give, after Holm's correction."""
    return min(1.0, 2.0 ** (1 - differing_pairs) * comparisons)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of one family of p-values; nan entries do not count and stay nan."""
    corrected = [math.nan] * len(p_values)
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    running = 0.0
    for rank, (p, index) in enumerate(order):
        running = max(running, min(1.0, p * (len(order) - rank)))
        corrected[index] = running
    return corrected
