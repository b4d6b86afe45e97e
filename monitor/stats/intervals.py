"""95 % intervals for shares, means and areas under the ROC curve; all deterministic."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats: TypeAlias = NDArray[np.float64]
Interval: TypeAlias = tuple[float, float]

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
Z = float(special.ndtri(1 - TAIL))

FEW = 50
"""Rows on one side of a ROC curve under which its standard error is not trusted alone."""


def share(successes: int, n: int) -> Interval:
    """Clopper and Pearson's exact interval of a binomial share, n >= 1; never narrower than its level.

    >>> [round(end, 3) for end in share(8, 10)]
    [0.444, 0.975]
    """
    lower = float(special.betaincinv(successes, n - successes + 1, TAIL)) if successes else 0.0
    upper = float(special.betaincinv(successes + 1, n - successes, 1 - TAIL)) if successes < n else 1.0
    return lower, upper


def f1(true_positives: int, false: int) -> Interval:
    """Exact interval of F1 = 2 TP / (2 TP + FP + FN), from TP and `false` = FP + FN, not both 0.

    Given TP + FP + FN, TP is binomial with the share J of which F1 = 2 J / (1 + J) is a rising function.

    >>> [round(end, 3) for end in f1(8, 2)]
    [0.615, 0.987]
    """
    lower, upper = share(true_positives, true_positives + false)
    return 2 * lower / (1 + lower), 2 * upper / (1 + upper)


def mean(value: float, deviation: float, n: int) -> Interval:
    """Student's interval of a mean of n >= 2 rows from their standard deviation (with n - 1)."""
    half = float(special.stdtrit(n - 1, 1 - TAIL)) * deviation / math.sqrt(n)
    return value - half, value + half


def root_mean_square(square: float, deviation: float, n: int) -> Interval:
    """Interval of a root mean square, from the mean and standard deviation of n >= 2 squares.

    Delta method on the logarithm of the mean square, which is closer to normal than the mean square.
    """
    if square == 0.0:
        return 0.0, 0.0
    half = float(special.stdtrit(n - 1, 1 - TAIL)) * deviation / (square * math.sqrt(n))
    return math.sqrt(square) * math.exp(-half / 2), math.sqrt(square) * math.exp(half / 2)


def area(value: float, error: float, positives: int, negatives: int) -> Interval:
    """Interval of an area under the ROC curve from its standard error, on the logit scale.

    With fewer than `FEW` rows on a side the standard error is often too small (88 % held the truth at 10
    positives), where all or no pairs are ordered it says nothing: then it holds Newcombe's (2006) method
    5 too, which solves `|A - value| = z sqrt(V(A))` with Hanley and McNeil's (1982) variance V at A.
    """
    ends = []
    if 0 < value < 1 and error > 0:
        logit, half = special.logit(value), Z * error / (value * (1 - value))
        ends.append((float(special.expit(logit - half)), float(special.expit(logit + half))))
    if not ends or min(positives, negatives) < FEW:
        ends.append(_newcombe(value, positives, negatives))
    return min(lower for lower, _ in ends), max(upper for _, upper in ends)


def macro(value: float, smoothed: float, error: float) -> Interval:
    """Interval of a macro average in [0, 1]: about the smoothed value, holding the value itself."""
    return max(min(value, smoothed - Z * error), 0.0), min(max(value, smoothed + Z * error), 1.0)


def smooth(confusion: NDArray[np.int64]) -> Floats:
    """A confusion matrix with z^2 more rows, half of them right: Agresti and Coull for many classes."""
    k = len(confusion)
    half = Z * Z / 2
    wrong = half / (k * max(k - 1, 1))
    more: Floats = np.where(np.eye(k, dtype=bool), half / k, wrong)
    return confusion.astype(np.float64) + more


def multinomial_error(proportions: Floats, gradient: Floats, n: float) -> float:
    """Delta method: the standard error of a function of n rows' cell proportions, given its gradient."""
    first = float((proportions * gradient).sum())
    second = float((proportions * gradient**2).sum())
    return math.sqrt(max(second - first * first, 0.0) / n)


def _newcombe(value: float, positives: int, negatives: int) -> Interval:
    pairs, more = positives * negatives, (positives + negatives) / 2 - 1

    def distance(a: float) -> float:
        variance = a * (1 - a) * (1 + more * ((1 - a) / (2 - a) + a / (1 + a))) / pairs
        return abs(a - value) - Z * math.sqrt(variance)

    step = 1e-9  # at 0 and at 1 the variance is 0: the other root is looked for
    lower = float(optimize.brentq(distance, 0.0, value - step)) if value > 2 * step else 0.0
    upper = float(optimize.brentq(distance, value + step, 1.0)) if value < 1 - 2 * step else 1.0
    return lower, upper
