"""The Wasserstein distance of a column's fine bins, robust against single outliers, and its null."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.stats import monte_carlo
from monitor.stats.bins import NumericBins, NumericCounts, NumericReference

Floats: TypeAlias = NDArray[np.float64]

BULK = 0.005
"""The share on each side of a reference beyond which values may be outliers."""

REACH = 4.0
"""How many robust standard deviations beyond the bulk a value counts in full."""

GROUPS = 32
"""The null is drawn on this many groups of fine bins."""


def wasserstein(bins: NumericBins, reference: NumericCounts, live: NumericCounts) -> float:
    """Wasserstein-1 distance `integral |F - G| dx` in robust standard deviations, in [0, inf).

    Values beyond the fences (see `fences`) are moved to the fences unless they are many, so that one
    outlier neither makes nor hides a shift. Within a bin rows are taken as evenly spread, in the two
    end bins as standing at their mean. ValueError for a constant column, which has no scale.
    """
    low, high = fences(bins, reference)
    for counts in (reference, live):
        # rows beyond the whole reference that are this many are no outliers
        low = min(low, float(bins.edges[0])) if _many(counts, 0) else low
        high = max(high, float(bins.edges[-1])) if _many(counts, -1) else high
    before, now = _ends(bins, reference, low, high), _ends(bins, live, low, high)
    difference = np.cumsum(now.shares - before.shares)[:-1]
    inside = np.clip(bins.edges, low, high)
    left, right = np.abs(difference[:-1]), np.abs(difference[1:])
    crosses = difference[:-1] * difference[1:] < 0
    both = left + right
    mean = np.where(crosses, (left**2 + right**2) / np.where(both > 0, 2 * both, 1.0), both / 2)
    tails = abs(now.low - before.low) + abs(now.high - before.high)
    return float(((mean * np.diff(inside)).sum() + tails) / bins.scale)


def fences(bins: NumericBins, reference: NumericCounts) -> tuple[float, float]:
    """Beyond which values count as outliers: (low, high).

    From the quantile that 0.5 % of the reference lie beyond, as far again as that quantile is from the
    center, and at least 4 robust standard deviations. ValueError for a constant column.
    """
    if not bins.scale > 0:
        message = "the reference is constant: there is no scale to measure a distance in"
        raise ValueError(message)
    if reference.observed == 0:
        message = "the reference has no finite value"
        raise ValueError(message)
    below = np.cumsum(reference.bins)[:-1] / reference.observed
    last = bins.edges.size - 1
    first = min(int(np.searchsorted(below, BULK, side="left")), last)
    final = max(int(np.searchsorted(below, 1 - BULK, side="right")) - 1, 0)
    low, high = float(bins.edges[first]), float(bins.edges[final])
    reach = REACH * bins.scale
    return low - max(reach, bins.center - low), high + max(reach, high - bins.center)


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Shares per fine bin, and the mean distance beyond the outermost edges times the share there."""

    shares: Floats
    low: float
    high: float


def _many(counts: NumericCounts, end: int) -> bool:
    """Whether more than 1 % of the rows lie in this end bin."""
    return int(counts.bins[end]) > 2 * BULK * counts.observed


def _ends(bins: NumericBins, counts: NumericCounts, low: float, high: float) -> _Ends:
    """One window as shares, its two end bins reduced to how far they reach on average, up to the fence."""
    rows = counts.observed
    if rows == 0:
        message = "no finite value"
        raise ValueError(message)
    below, above = int(counts.bins[0]), int(counts.bins[-1])
    first, last = float(bins.edges[0]), float(bins.edges[-1])
    start = _End(below, first * below - counts.low_sum, first - counts.low, first - low)
    end = _End(above, counts.high_sum - last * above, counts.high - last, high - last)
    least = REACH * bins.scale
    return _Ends(counts.bins / rows, _reach(start, rows, least), _reach(end, rows, least))


@dataclass(frozen=True, slots=True)
class _End:
    """The rows of an end bin: the sum of their distances beyond the edge, the furthest, the fence's."""

    count: int
    total: float
    furthest: float
    fence: float


def _reach(end: _End, rows: int, least: float) -> float:
    """The mean over all rows of the distance beyond the edge, outliers cut short.

    Only the sum and the furthest distance are known: the furthest is cut by itself, then the mean of the
    others is. Where more than 1 % of all rows lie there the limit is at least `least`, and grows with them.
    """
    share = end.count / rows
    many = share > 2 * BULK
    limit = max(end.fence, least) * share / (2 * BULK) if many else max(end.fence, 0.0)
    if end.count == 0 or limit == 0.0:
        return 0.0
    others = (end.total - end.furthest) / (end.count - 1) if end.count > 1 else 0.0
    return (min(max(end.furthest, 0.0), limit) + (end.count - 1) * min(max(others, 0.0), limit)) / rows


def wasserstein_null(reference: NumericReference, live_rows: int) -> monte_carlo.Table:
    """The null of `wasserstein` for `live_rows` finite values, by draws on groups of fine bins.

    Each group stands at the mean position of its reference rows, so that discrete columns are exact.
    """
    bins, counts = reference.bins, reference.counts
    low, high = fences(bins, counts)
    inside = np.clip(bins.edges, low, high)
    middles = np.concatenate([[inside[0]], (inside[:-1] + inside[1:]) / 2, [inside[-1]]])
    mass = counts.bins / counts.observed
    below = np.cumsum(mass)[:-1]
    # where the distance arises: evenly in mass, and in the noise of F times the width
    noise = np.sqrt(np.clip(below[:-1] * (1 - below[:-1]), 0.0, None)) * np.diff(inside)
    effort = mass + np.concatenate([[0.0], noise / max(float(noise.sum()), np.finfo(float).tiny), [0.0]])
    group = np.minimum((np.cumsum(effort) - effort / 2) / effort.sum() * GROUPS, GROUPS - 1).astype(np.int64)
    shares = np.bincount(group, weights=mass)
    positions = np.bincount(group, weights=mass * middles)
    some = shares > 0
    gaps = np.diff(positions[some] / shares[some]) / bins.scale
    measure = _Transport(tuple(gaps.tolist()))
    return monte_carlo.ordered_table(measure, 0.5, shares[some], counts.observed, live_rows)


@dataclass(frozen=True, slots=True)
class _Transport:
    """The distance of counts of shape (..., c) whose cells stand `gaps`, c - 1 of them, apart."""

    gaps: tuple[float, ...]

    def __call__(self, reference: ArrayLike, live: ArrayLike) -> Floats:
        """One distance for each pair."""
        before, now = np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)
        q, p = before / before.sum(axis=-1, keepdims=True), now / now.sum(axis=-1, keepdims=True)
        apart = np.abs(np.cumsum(p - q, axis=-1)[..., :-1])
        return np.asarray(apart @ np.asarray(self.gaps, dtype=np.float64))
