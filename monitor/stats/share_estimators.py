"""Class shares of rows without labels by moments (BBSE and its kin), and intervals of any such shares.

Lipton, Wang and Smola (2018), Azizzadenesheli et al. (2019). A solution is a center that may leave the
simplex, the nearest shares on it, and what tells how the center would vary were the shares others. All
errors hold the sampling of the live rows and that of the reference. A wide normal prior about the
reference's shares (the ridge of RLLS, on w - 1) decides where the rows say nothing: there the interval
is [0, 1].
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from monitor.stats.intervals import Z

Floats: TypeAlias = NDArray[np.float64]

PRIOR_DEVIATION = 1.0
"""Standard deviation of the prior of the shares: as wide as all that they can be."""
PSEUDO_ROWS = 0.5
"""Rows of the reference's mixture added to each label: no share of a cell is taken as exactly 0."""
ROUNDS = 4
"""Rounds of generalised least squares, each with the weights of the last solution."""
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """m functions of a row given its label: `mean` (m, k), effective `rows` (k,) by label.

    `second` (k, m, m): mean products given the label; None for indicators of m cells, whose means say it.
    The functions of a row sum to 1.
    """

    mean: Floats
    second: Floats | None
    rows: Floats

    def covariance(self, shares: Floats) -> Floats:
        """Covariance (m, m) of one row where labels have these shares."""
        mean = self.mean @ shares
        found: Floats = self._products(shares) - np.outer(mean, mean)
        return found

    def learned(self, shares: Floats) -> Floats:
        """Covariance (m, m) of what the reference says of the mean where labels have these shares."""
        weights = shares**2 / self.rows
        found: Floats = self._products(weights) - (self.mean * weights) @ self.mean.T
        return found

    def squares(self, gain: Floats) -> Floats:
        """Mean square (k, k) of linear functions `gain` (k, m) given each label."""
        if self.second is None:
            found: Floats = gain**2 @ self.mean
            return found
        return np.stack([((gain @ each) * gain).sum(axis=1) for each in self.second], axis=1)

    def _products(self, weights: Floats) -> Floats:
        if self.second is None:
            return np.diag(self.mean @ weights)
        found: Floats = np.tensordot(weights, self.second, axes=1)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Shares (k,) on the simplex, the unconstrained `center` (k,), and how one row moves the center.

    `mean` and `square` (k, k): of the influence of a row on each center (first axis) given its label.
    `rows` (k,): effective reference rows by label whose influences were averaged; None where `fixed` (k,)
    has the reference's variance. `prior` (k,): variance by the prior. `n`: live rows.
    """

    share: Floats
    center: Floats
    mean: Floats
    square: Floats
    rows: Floats | None
    fixed: Floats
    prior: Floats
    n: float


def cell_features(counts: NDArray[np.int64]) -> Features:
    """Indicators of cells, from the reference's rows by (cell, label), int64 (m, k)."""
    m = len(counts)
    pooled = (counts.sum(axis=1) + PSEUDO_ROWS) / (counts.sum() + PSEUDO_ROWS * m)
    rows: Floats = counts.sum(axis=0) + PSEUDO_ROWS
    return Features((counts + PSEUDO_ROWS * pooled[:, None]) / rows, None, rows)


def soft_features(mean: Floats, second: Floats, counts: NDArray[np.int64]) -> Features:
    """Probabilities as features: their `mean` (k, k) and `second` (k, k, k) by label, rows by label (k,)."""
    shares = counts / counts.sum()
    rows: Floats = (counts + PSEUDO_ROWS).astype(np.float64)
    own, more = counts / rows, PSEUDO_ROWS / rows
    pooled, pooled_second = mean @ shares, np.tensordot(shares, second, axes=1)
    return Features(
        mean * own + pooled[:, None] * more,
        second * own[:, None, None] + pooled_second * more[:, None, None],
        rows,
    )


def tangent(k: int) -> Floats:
    """An orthonormal basis (k, k - 1) of the directions whose coordinates sum to 0."""
    basis: Floats = linalg.helmert(k).T
    return basis


def residual_covariance(features: Features, shares: Floats, n: float) -> Floats:
    """Covariance (m, m) of live mean minus expected mean, of n live rows and the finite reference."""
    return features.covariance(shares) / n + features.learned(shares)


def moments(features: Features, observed: Floats, n: float, prior: Floats) -> Solution:
    """Shares by generalised least squares: `observed` (m,) means of n >= 1 live rows, about `prior` (k,).

    Minimises r' Omega^-1 r + |q - prior|^2 / tau^2, r = observed - mean q, on the simplex. With as many
    features as classes and a good confusion matrix this is BBSE's direct solution.
    """
    basis = tangent(len(prior))
    shares = prior
    slope = features.mean[:-1] @ basis  # the features sum to 1: the last one says nothing more
    gap = (observed - features.mean @ prior)[:-1]
    for _ in range(ROUNDS):
        omega = residual_covariance(features, shares, n)[:-1, :-1]
        omega[np.diag_indices(len(omega))] += SMALLEST
        weighted = linalg.solve(omega, slope, assume_a="pos").T
        precision = weighted @ slope + np.eye(len(prior) - 1) / PRIOR_DEVIATION**2
        half = linalg.solve(precision, basis.T, assume_a="pos").T
        gain = half @ weighted
        center: Floats = prior + gain @ gap
        shares = nearest(center, precision)
    gain = np.column_stack([gain, np.zeros(len(prior))])
    by_prior = (half**2).sum(axis=1) / PRIOR_DEVIATION**2
    return Solution(
        share=shares,
        center=center,
        mean=gain @ features.mean,
        square=features.squares(gain),
        rows=features.rows,
        fixed=np.zeros(len(prior)),
        prior=by_prior,
        n=n,
    )


def nearest(center: Floats, precision: Floats) -> Floats:
    """The point of the simplex nearest to `center` (k,), sum 1, by `precision` (k - 1, k - 1)."""
    if center.min() >= 0:
        return center
    root = linalg.cholesky(precision) @ tangent(len(center)).T
    weight = 1e4 * np.abs(root).max()  # the sum is 1, nearly exactly
    system = np.vstack([root, np.full(len(center), weight)])
    try:
        found, _ = optimize.nnls(system, np.append(root @ center, weight))
    except RuntimeError:  # no convergence within its limit
        found = np.maximum(center, 0.0)
    shares: Floats = found / found.sum()
    return shares


def variances(solution: Solution, shares: Floats) -> Floats:
    """Variance (k,) of each center were the shares the rows of `shares` (k, k), without the prior's."""
    live = (shares * solution.square).sum(axis=1) - (shares * solution.mean).sum(axis=1) ** 2
    found: Floats = np.maximum(live, 0.0) / solution.n + solution.fixed
    if solution.rows is not None:
        spread = np.maximum(solution.square - solution.mean**2, 0.0)
        found = found + (shares**2 * spread / solution.rows).sum(axis=1)
    return found


def interval(solution: Solution, dispersion: Floats) -> tuple[Floats, Floats, Floats]:
    """Ends (k,), (k,) in [0, 1] of 95 % intervals, and standard errors (k,).

    Wilson's method for any linear estimator: the shares t that are not farther from the center than
    1.96 standard errors as they were at t, the others in proportion. That variance is a quadratic in t.
    `dispersion` (k,) multiplies it. No upper end exceeds what the others' lower ends leave: that bounds
    a class of which no row tells.
    """
    share = solution.share
    zero, half, one = (
        dispersion * variances(solution, _moved(share, at)) + solution.prior for at in (0.0, 0.5, 1.0)
    )
    second = 2 * (zero + one - 2 * half)
    first = one - zero - second
    a = 1 - Z**2 * second
    b = -2 * solution.center - Z**2 * first
    c = solution.center**2 - Z**2 * zero
    bounded = a > SMALLEST
    middle = -b / (2 * np.where(bounded, a, 1.0))
    reach = np.sqrt(np.maximum(middle**2 - c / np.where(bounded, a, 1.0), 0.0))
    lower = np.where(bounded, np.clip(middle - reach, 0.0, 1.0), 0.0)
    upper = np.where(bounded, np.clip(middle + reach, 0.0, 1.0), 1.0)
    upper = np.minimum(upper, 1 - (lower.sum() - lower))
    own = dispersion * variances(solution, np.tile(share, (len(share), 1))) + solution.prior
    return np.minimum(lower, share), np.maximum(upper, share), np.sqrt(own)


def _moved(share: Floats, at: float) -> Floats:
    """Shares (k, k) whose row c gives class c the share `at`, and the rest to the others in proportion."""
    left = 1 - share[:, None]
    others = np.where(left > SMALLEST, share / np.maximum(left, SMALLEST), 1 / (len(share) - 1))
    found: Floats = (1 - at) * others
    np.fill_diagonal(found, at)
    return found
