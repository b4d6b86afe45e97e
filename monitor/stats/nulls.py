"""Distributions of the statistics where nothing has moved: from a value to a p-value and back.

Each has `sf(value)`, P(statistic >= value) in (0, 1], and `isf(alpha)`, the value that is reached with
probability alpha at most; a value at or above `isf(alpha)` has `sf(value) <= alpha`, up to rounding.
The null is that the live rows are drawn as the reference rows were.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from monitor.stats import distances, monte_carlo
from monitor.stats.bins import Counts

Floats: TypeAlias = NDArray[np.float64]
Measure: TypeAlias = Callable[[ArrayLike, ArrayLike], Floats]

TINY = 1e-300
"""The smallest p-value: nothing is impossible, and a logarithm of it is finite."""

FEW = 50.0
"""With an expected count under this the tail of the chi-square law is too light."""

SPREAD = 1000.0
"""From this standard deviation on, in rows, a count is as good as continuous."""


@dataclass(frozen=True, slots=True)
class CellStatistic:
    """A distance of cells with what is known of its null.

    With c = 1/n + 1/m it grows as `c ** growth`. Where `factor` is given, large counts make it
    `(factor * c ** (growth / root) * chi2) ** root`, chi2 with one degree less than there are cells.
    """

    measure: Measure
    growth: float
    root: float = 1.0
    factor: float | None = None


PSI = CellStatistic(distances.psi, 1.0, 1.0, 1.0)
JENSEN_SHANNON = CellStatistic(distances.jensen_shannon, 0.5, 0.5, 1 / (8 * math.log(2)))
HELLINGER = CellStatistic(distances.hellinger, 0.5, 0.5, 1 / 8)
CHI2 = CellStatistic(distances.chi2, 0.0, 1.0, 1.0)
L0 = CellStatistic(distances.l0, 0.0)
L1 = CellStatistic(distances.l1, 0.5)
L2 = CellStatistic(distances.l2, 0.5)
LINF = CellStatistic(distances.linf, 0.5)


@dataclass(frozen=True, slots=True)
class ScaledChiSquare:
    """The law of `(scale * chi2) ** root` with `freedom` degrees.

    >>> null = ScaledChiSquare(9, 1 / 1000 + 1 / 100_000)
    >>> round(null.isf(0.05), 4)
    0.0171
    """

    freedom: int
    scale: float
    root: float = 1.0

    def sf(self, value: float) -> float:
        """P(statistic >= value)."""
        return _probability(special.chdtrc(self.freedom, max(value, 0.0) ** (1 / self.root) / self.scale))

    def isf(self, alpha: float) -> float:
        """The value reached with probability `alpha`."""
        return float((self.scale * special.chdtri(self.freedom, _level(alpha))) ** self.root)


MEDIUM, LARGE = 140, 10_000
"""Effective sizes from which the exact law's body, and all of it, is within 0.3 % of the corrected limit."""

FAR = 2.2
"""Size times squared distance from which both sides of the exact law add up, to 1e-6: p below 0.03."""


@dataclass(frozen=True, slots=True)
class Kolmogorov:
    """Kolmogorov's law of `max |F - G|` at the effective size n m / (n + m), rounded down.

    The exact one-sample law of that size (Simard and L'Ecuyer 2011), or its limit with the correction of
    Vrbik 2018: for p above 0.03 from the size `MEDIUM` on, for all from `LARGE`. Conservative for ties
    and bins.

    >>> round(Kolmogorov(2000, 2000).isf(0.05), 4)
    0.0428
    """

    reference_rows: int
    live_rows: int

    @property
    def size(self) -> int:
        """The effective number of rows."""
        return max(self.reference_rows * self.live_rows // (self.reference_rows + self.live_rows), 1)

    def sf(self, value: float) -> float:
        """P(statistic >= value)."""
        size = self.size
        if size < MEDIUM:
            return _kolmogorov(size, value)
        z = math.sqrt(size) * value
        if size < LARGE and z * z >= FAR:
            return _probability(2 * special.smirnov(size, min(value, 1.0)))
        return _probability(special.kolmogorov(z + 1 / (6 * math.sqrt(size)) + (z - 1) / (4 * size)))

    def isf(self, alpha: float) -> float:
        """The value reached with probability `alpha`."""
        size = self.size
        if size < LARGE:
            return _inverse_kolmogorov(size, _level(alpha))
        z = float(special.kolmogi(_level(alpha))) - 1 / (6 * math.sqrt(size)) + 1 / (4 * size)
        return max(z, 0.0) / (1 + 1 / (4 * size)) / math.sqrt(size)


@dataclass(frozen=True, slots=True)
class ShareNull:
    """The law of a share of `rows` live rows, given what the reference showed: beta-binomial.

    The number of rows has the beta-binomial law of `(rows, a, b)`. With a = k + 1 and b = m - k, for k
    of m reference rows, its upper tail is the one-sided p-value of Fisher's exact test; exact where
    counts are small, a beta law of equal moments where the standard deviation is above 1000 rows.

    >>> null = ShareNull(1000, 1, 20_000)
    >>> round(null.sf(1 / 1000), 3), round(null.sf(2 / 1000), 4)
    (0.048, 0.0023)
    """

    rows: int
    a: float
    b: float

    def sf(self, value: float) -> float:
        """P(share >= value)."""
        if value <= 0:
            return 1.0
        if self._spread() > SPREAD:
            a, b = self._matched()
            return _probability(special.betaincc(a, b, min(value, 1.0)))
        first, tail = _share_tail(self.rows, self.a, self.b)
        count = math.ceil(value * self.rows - 1e-6)
        if count < first:
            return 1.0
        return _probability(tail[count - first] if count - first < tail.size else 0.0)

    def isf(self, alpha: float) -> float:
        """The smallest share that is reached with probability `alpha` at most; above 1 where none is."""
        level = _level(alpha)
        if level >= 1:
            return 0.0
        if self._spread() > SPREAD:
            a, b = self._matched()
            return float(special.betainccinv(a, b, level))
        first, tail = _share_tail(self.rows, self.a, self.b)
        return float(first + int(np.searchsorted(-tail, -level, side="left"))) / self.rows

    def _spread(self) -> float:
        """The standard deviation in rows."""
        total = self.a + self.b
        variance = self.rows * self.a * self.b * (total + self.rows) / (total**2 * (total + 1))
        return math.sqrt(variance)

    def _matched(self) -> tuple[float, float]:
        """The beta law of the same mean and variance."""
        total = self.a + self.b
        matched = (total + 1) * self.rows / (total + self.rows) - 1
        return matched * self.a / total, matched * self.b / total


def share_null(reference_count: int, reference_rows: int, live_rows: int) -> ShareNull:
    """Fisher's exact null of a share that `reference_count` of `reference_rows` rows had; more is worse."""
    if not 0 <= reference_count <= reference_rows or reference_rows == 0 or live_rows == 0:
        message = (
            f"{reference_count} of {reference_rows} reference rows, {live_rows} live rows: no share to test"
        )
        raise ValueError(message)
    # where every reference row counts, the share cannot rise: half a row keeps the law proper
    return ShareNull(live_rows, reference_count + 1, max(reference_rows - reference_count, 0.5))


def cell_null(
    statistic: CellStatistic, reference: Counts, live: Counts, expected: Floats | None = None
) -> ScaledChiSquare | monte_carlo.Table:
    """The null of a distance of cells, given the counts of both sides, shape (c,) each.

    The chi-square law where every used cell expects at least `FEW` rows, else multinomial draws.
    `expected`, float64 (c,), are the counts by which live rows are drawn where it is known that they
    differ from the reference's: a pooled cell, or one for what the reference has not seen.
    """
    m, n = int(reference.sum()), int(live.sum())
    if m == 0 or n == 0:
        message = f"{m} reference rows, {n} live rows: no null without rows on both sides"
        raise ValueError(message)
    both = reference + live
    used = both[both > 0]
    enough = min(n, m) * used.min() / (n + m) >= FEW and used.size > 1
    if statistic.factor is not None and enough and expected is None:
        noise = (1 / n + 1 / m) ** (statistic.growth / statistic.root)
        return ScaledChiSquare(used.size - 1, statistic.factor * noise, statistic.root)
    return monte_carlo.cell_table(statistic.measure, statistic.growth, reference, n, expected)


@lru_cache(maxsize=1024)
def _kolmogorov(size: int, value: float) -> float:
    """Asked twice where missing rows are left out: they do not change the distance."""
    return _probability(stats.kstwo.sf(value, size))


@lru_cache(maxsize=4096)
def _inverse_kolmogorov(size: int, alpha: float) -> float:
    """The inverse takes a search; few sizes and levels are asked for, many times."""
    return float(stats.kstwo.isf(alpha, size))


@lru_cache(maxsize=1024)
def _share_tail(rows: int, a: float, b: float) -> tuple[int, Floats]:
    """P(count >= k) for k from the first number on; that number, and the falling probabilities."""
    total = a + b
    mean = rows * a / total
    spread = math.sqrt(rows * a * b * (total + rows) / (total**2 * (total + 1)))
    first = max(0, math.floor(mean - 15 * spread - 10))
    last = min(rows, math.ceil(mean + 60 * spread + 100))
    k = np.arange(first, last + 1, dtype=np.float64)
    log_probability = (
        special.betaln(k + a, rows - k + b)
        - special.betaln(a, b)
        - special.betaln(k + 1, rows - k + 1)
        - math.log1p(rows)
    )
    tail = np.cumsum(np.exp(log_probability)[::-1])[::-1]
    return first, np.clip(tail, TINY, 1.0)


def _probability(value: float | np.floating) -> float:
    """A p-value in (0, 1]."""
    return min(max(float(value), TINY), 1.0)


def _level(alpha: float) -> float:
    """A level in (0, 1]; anything else is refused."""
    if not 0 < alpha <= 1:
        message = f"alpha is {alpha}; it is a probability above 0"
        raise ValueError(message)
    return max(alpha, TINY)
