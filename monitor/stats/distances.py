"""Distances between two windows, from their counts alone.

They take counts of cells, reference and live, of shape (..., c): the last axis holds the cells, the
others broadcast, so that thousands of draws are measured at once. A cell that is empty in both does not
count. Every distance is at least 0, larger for more change, 0 for equal proportions (`psi`: for equal
counts) and finite for empty cells; the order of cells matters to `ks` alone. ValueError where a side
has no rows. The Wasserstein distance, which needs positions, is in `transport`.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.stats import norms

Floats: TypeAlias = NDArray[np.float64]

SMALL_EXPECTED = 5.0
"""Pearson's statistic needs at least this many expected rows in every cell."""

MOVED = 3.0
"""A cell moved if its standard score is larger than this: by chance one cell in 370."""


def psi(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Population stability index `sum (p - q) ln(p / q)`, in [0, inf), symmetric.

    The shares are smoothed as (k + 1/2) / (n + c / 2) over the c cells that either side uses, so that
    an empty cell costs a bounded amount. Jeffreys' divergence; Yurdakul (2018) has its null.

    >>> round(float(psi([100, 100], [150, 50])), 3)
    0.272
    """
    before, now = _counts(reference, live)
    used = (before + now) > 0
    cells = used.sum(axis=-1, keepdims=True)
    q = (before + 0.5) / (before.sum(axis=-1, keepdims=True) + cells / 2)
    p = (now + 0.5) / (now.sum(axis=-1, keepdims=True) + cells / 2)
    return _total(np.where(used, (p - q) * (np.log(p) - np.log(q)), 0.0))


def jensen_shannon(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Jensen-Shannon distance: root of the divergence in bits, in [0, 1], symmetric, a metric.

    Lin (1991); Endres and Schindelin (2003). Not the divergence, and not in nats.

    >>> float(jensen_shannon([10, 0], [0, 10]))
    1.0
    """
    q, p = _shares(reference, live)
    middle = (p + q) / 2
    terms = _p_log_ratio(p, middle) + _p_log_ratio(q, middle)
    return np.asarray(np.sqrt(np.clip(_total(terms) / (2 * np.log(2)), 0.0, 1.0)))


def hellinger(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Hellinger distance `sqrt(1/2 sum (sqrt p - sqrt q)^2)`, in [0, 1], symmetric, a metric.

    >>> float(hellinger([10, 0], [0, 10]))
    1.0
    """
    q, p = _shares(reference, live)
    return np.asarray(np.minimum(norms.distance(np.sqrt(p), np.sqrt(q), 2, axis=-1) / np.sqrt(2), 1.0))


def chi2(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Two-sample chi-square statistic of homogeneity, in [0, inf), symmetric.

    Pearson's where every expected count is at least 5, else the likelihood ratio G (Wilks 1938), which
    a single row in an empty cell does not dominate.

    >>> round(float(chi2([100, 100], [150, 50])), 3)
    26.667
    """
    before, now = _counts(reference, live)
    m, n = before.sum(axis=-1, keepdims=True), now.sum(axis=-1, keepdims=True)
    both = before + now
    used = both > 0
    filled = np.where(used, both, 1.0)
    pearson = _total(np.where(used, (now * np.sqrt(m / n) - before * np.sqrt(n / m)) ** 2 / filled, 0.0))
    pooled = filled / (n + m)
    likelihood = 2 * _total(
        _p_log_ratio(now, np.where(used, n * pooled, 0.0))
        + _p_log_ratio(before, np.where(used, m * pooled, 0.0))
    )
    fewest = np.where(used, np.minimum(n, m) * pooled, np.inf).min(axis=-1)
    return np.asarray(np.where(fewest >= SMALL_EXPECTED, pearson, np.maximum(likelihood, 0.0)))


def total_variation(reference: ArrayLike, live: ArrayLike) -> Floats:
    """The share of rows that would have to change cell: half of `l1`, in [0, 1], a metric.

    >>> float(total_variation([100, 100], [150, 50]))
    0.25
    """
    return l1(reference, live) / 2


def l0(reference: ArrayLike, live: ArrayLike) -> Floats:
    """How many cells moved by more than `MOVED` standard errors of what their counts allow."""
    return norms.lp(_moved(reference, live), 0, axis=-1)


def l1(reference: ArrayLike, live: ArrayLike) -> Floats:
    """The sum over cells of the absolute difference of proportions, in [0, 2], a metric."""
    q, p = _shares(reference, live)
    return norms.distance(p, q, 1, axis=-1)


def l2(reference: ArrayLike, live: ArrayLike) -> Floats:
    """The Euclidean distance of the proportions, in [0, sqrt 2], a metric."""
    q, p = _shares(reference, live)
    return norms.distance(p, q, 2, axis=-1)


def linf(reference: ArrayLike, live: ArrayLike) -> Floats:
    """The largest difference of proportions of any cell, in [0, 1], a metric."""
    q, p = _shares(reference, live)
    return norms.distance(p, q, np.inf, axis=-1)


def standard_scores(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Each cell's change of share in standard errors, its sign the direction; shape (..., c).

    On the arcsine scale with Anscombe's (1948) correction, which holds for rare cells too: one row in
    a cell that was empty scores 2.2, three score 3.5.
    """
    before, now = _counts(reference, live)
    m, n = before.sum(axis=-1, keepdims=True), now.sum(axis=-1, keepdims=True)
    change = np.arcsin(np.sqrt((now + 0.375) / (n + 0.75))) - np.arcsin(
        np.sqrt((before + 0.375) / (m + 0.75))
    )
    return np.asarray(np.where(before + now > 0, 2 * change / np.sqrt(1 / n + 1 / m), 0.0))


def ks(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Kolmogorov-Smirnov `max |F - G|` at the edges of ordered bins, in [0, 1], a metric.

    At most the mass of one bin below the value on the rows themselves.

    >>> float(ks([50, 50, 0], [0, 50, 50]))
    0.5
    """
    q, p = _shares(reference, live)
    apart = norms.distance(np.cumsum(p, axis=-1), np.cumsum(q, axis=-1), np.inf, axis=-1)
    return np.asarray(np.minimum(apart, 1.0))


def _moved(reference: ArrayLike, live: ArrayLike) -> Floats:
    """The standard scores of the cells that moved, 0 for the others."""
    scores = standard_scores(reference, live)
    return np.where(np.abs(scores) > MOVED, scores, 0.0)


def _counts(reference: ArrayLike, live: ArrayLike) -> tuple[Floats, Floats]:
    """Both sides as float64 of one shape; counts are finite, not negative, and some on each side."""
    before, now = np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)
    if before.shape != now.shape:
        before, now = np.broadcast_arrays(before, now)
    for name, side in (("reference", before), ("live", now)):
        total = side.sum(axis=-1)
        if side.size and (not side.min() >= 0 or not np.isfinite(total).all()):
            message = f"{name} counts are finite and not negative"
            raise ValueError(message)
        if not (total > 0).all():
            message = f"the {name} side has no rows"
            raise ValueError(message)
    return before, now


def _shares(reference: ArrayLike, live: ArrayLike) -> tuple[Floats, Floats]:
    """Both sides as proportions."""
    before, now = _counts(reference, live)
    return before / before.sum(axis=-1, keepdims=True), now / now.sum(axis=-1, keepdims=True)


def _p_log_ratio(p: Floats, q: Floats) -> Floats:
    """`p ln(p / q)`, 0 where p is 0."""
    some = p > 0
    ratio = np.divide(p, q, out=np.ones_like(p), where=some)
    return np.asarray(p * np.log(ratio))


def _total(terms: Floats) -> Floats:
    """The sum over cells; rounding below 0 is 0."""
    return np.asarray(np.maximum(terms.sum(axis=-1), 0.0))
