"""Residuals of a regression with their sign: whether predictions became too high, too low or less sure.

A residual is label minus prediction in units of the reference's error scale, clipped to [-1, 1] so that no
outlier decides. The mean absolute error may stay while the mean or the spread moves.
"""

import math
from dataclasses import astuple, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SignedReference:
    """The reference's residuals: how many `rows`, their mean, its variance for one row, and the spread.

    `spread` is their standard deviation, `spread_variance` the variance of one of a single row: that of n
    rows is a nth of it, by the delta method.
    """

    rows: int
    mean: float
    variance: float
    spread: float
    spread_variance: float

    def numbers(self) -> Floats:
        """All fields in order, for `of_numbers`."""
        return np.array(astuple(self))

    @classmethod
    def of_numbers(cls, numbers: Floats) -> "SignedReference":
        """The reference `numbers` was asked of."""
        rows, *others = numbers.tolist()
        return cls(int(rows), *others)


@dataclass(frozen=True, slots=True)
class SignedTest:
    """How far a moment moved, its standard error, and P(this far | nothing changed).

    `two_sided`: whether both directions count.
    """

    moved: float
    standard_error: float
    p_value: float
    two_sided: bool

    def line(self, rows: int, alpha: float) -> float:
        """The move at which the p-value would be `alpha`."""
        return -self.standard_error * float(special.stdtrit(max(rows - 1, 1), alpha / (1 + self.two_sided)))


def residuals(label: Floats, prediction: Floats, scale: float) -> Floats:
    """Label minus prediction over the scale, in [-1, 1].

    >>> residuals(np.array([1.0, 2.0]), np.array([2.0, -9.0]), 4.0).tolist()
    [-0.25, 1.0]
    """
    with np.errstate(over="ignore"):
        return np.clip((label - prediction) / scale, -1.0, 1.0)


def learn(values: Floats) -> SignedReference:
    """What the reference's residuals (n,), n >= 1, say."""
    mean, variance = float(values.mean()), float(values.var())
    fourth = float(((values - mean) ** 4).mean())
    # the variance of a sample variance is (fourth - variance^2) / n; its root's derivative is 1 / (2 spread)
    spread_variance = (fourth - variance**2) / (4 * variance) if variance > 0 else 0.0
    return SignedReference(len(values), mean, variance, math.sqrt(variance), max(spread_variance, 0.0))


def compare(reference: SignedReference, values: Floats) -> tuple[SignedTest, SignedTest]:
    """Whether the mean of a window's residuals (n,), n >= 1, moved, and whether their spread rose.

    t tests; the variance of a row is the larger of the reference's and the window's own.
    """
    own = learn(values)
    return (
        _test(own.mean - reference.mean, (reference.variance, own.variance), reference, own, two_sided=True),
        _test(
            own.spread - reference.spread,
            (reference.spread_variance, own.spread_variance),
            reference,
            own,
            two_sided=False,
        ),
    )


def _test(
    moved: float,
    variances: tuple[float, float],
    reference: SignedReference,
    own: SignedReference,
    *,
    two_sided: bool,
) -> SignedTest:
    # the rule of succession's at least
    learned = max(variances[0], 1 / (reference.rows + 2))
    error = math.sqrt(max(learned, variances[1]) / own.rows + learned / reference.rows)
    size = abs(moved) if two_sided else moved
    tail = float(special.stdtr(max(own.rows - 1, 1), -size / error))
    return SignedTest(moved, error, min(1.0, tail * (1 + two_sided)), two_sided)
