"""A domain classifier that names few columns: logistic regression with an L1 penalty."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats import correlation
from monitor.stats.bins import Counts
from monitor.stats.tables import Table, pooled

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]

RARE = 20
"""Categories, and missing values, of fewer rows have no feature of their own."""
MOST_CATEGORIES = 30
MOST_PRODUCTS = 500
CONSTANT = 1e-6
"""A feature whose standard deviation is smaller tells nothing."""
MOST_FEATURES = 200
"""So many features, those with the largest differences between the sides, are tried in a fold."""
SLACK, MISTAKE = 1.1, 0.1
"""The constants of Belloni, Chernozhukov and Wei (2016)."""


class Sparse:
    """Logistic regression on few features.

    Numeric columns count as normal scores of their ranks among all rows, 0 (the median) where missing, with
    a feature that says so. Beside them stand their squares and the products of two: where both sides are
    normal, the logarithm of their ratio is exactly of this form, so a change of mean, of spread and of
    correlation are each seen. Categories have a feature each, the rare ones one together. Every feature
    is standardised; a column's weight is the sum of its features' absolute coefficients.
    """

    noise = 0.0
    """What the penalty leaves is no chance."""

    def __init__(self, table: Table, _folds: int) -> None:
        self._scores, missing = _normal_scores(table.numbers)
        self._filled = np.where(missing, 0.0, self._scores).astype(np.float32)
        numeric, categorical = table.columns
        features = [self._filled, self._filled**2]
        owners = [np.arange(numeric), np.arange(numeric)]
        gaps = np.flatnonzero(missing.sum(axis=0) >= RARE)
        features.append(missing[:, gaps].astype(np.float32))
        owners.append(gaps)
        for column in range(categorical):
            codes = pooled(table.codes[:, column], RARE, MOST_CATEGORIES)
            features.append((codes[:, None] == np.arange(-1, codes.max(initial=-1) + 1)).astype(np.float32))
            owners.append(np.full(features[-1].shape[1], numeric + column))
        self._single = np.column_stack(features)
        self._owner = np.concatenate(owners)
        self._pairs = correlation.pairs(numeric, numeric**2)
        self._columns = numeric + categorical

    def fold(self, _number: int, live: Flags, train: Rows, test: Rows) -> tuple[Floats, Floats]:
        """The score of each test row, and the weight of each column."""
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - it takes a second to import

        flags, weights = live[train], np.zeros(self._columns)
        pairs = self._changed(train[flags], train[~flags])
        owners = np.concatenate([np.column_stack([self._owner, self._owner]), pairs])
        rows = self._features(train, pairs)
        mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        live_mean = rows[flags].mean(axis=0, dtype=np.float64)
        apart = np.where(spread > CONSTANT, np.abs(live_mean - mean) / np.maximum(spread, CONSTANT), -1.0)
        tried = np.sort(np.argsort(-apart, kind="stable")[: min(MOST_FEATURES, int((apart >= 0).sum()))])
        if not len(tried):
            return np.zeros(len(test)), weights
        factor = self._factors(flags, len(pairs))
        unit = (factor.min() / factor / np.maximum(spread, CONSTANT))[tried]
        model = LogisticRegression(
            solver="liblinear",
            l1_ratio=1.0,
            C=1 / factor.min(),
            class_weight="balanced",
            max_iter=500,
            random_state=0,
        )
        model.fit((rows[:, tried] - mean[tried]) * unit, flags)
        scores = model.decision_function((self._features(test, pairs)[:, tried] - mean[tried]) * unit)
        sizes = np.abs(model.coef_[0]) * unit * spread[tried]
        for (left, right), size in zip(owners[tried].tolist(), sizes.tolist(), strict=True):
            for column in {left, right}:
                weights[column] += size
        return scores, weights

    def _factors(self, live: Flags, products: int) -> Floats:
        """The penalty of each feature, that of a product larger since there are more that it could be."""
        sides = int(live.sum()), int((~live).sum())
        own, shared = penalty(*sides, self._single.shape[1]), penalty(*sides, len(self._pairs))
        return np.repeat([own, shared], [self._single.shape[1], products])

    def _features(self, rows: Rows, pairs: Counts) -> NDArray[np.float32]:
        """Every feature of these rows: those of one column, then the products of pairs."""
        own = self._single.shape[1]
        found = np.empty((len(rows), own + len(pairs)), np.float32)
        filled = self._filled[rows]
        found[:, :own] = self._single[rows]
        np.multiply(filled[:, pairs[:, 0]], filled[:, pairs[:, 1]], out=found[:, own:])
        return found

    def _changed(self, live: Rows, reference: Rows) -> Counts:
        """The pairs of columns whose product is a feature: those whose correlation differs most."""
        if len(self._pairs) <= MOST_PRODUCTS:
            return self._pairs
        (z, rows), (other_z, other_rows) = (
            correlation.fisher(correlation.moments(self._scores[side], self._pairs))
            for side in (live, reference)
        )
        error = np.sqrt(1 / np.maximum(rows - 3, 1) + 1 / np.maximum(other_rows - 3, 1))
        change = np.nan_to_num(np.abs(z - other_z) / error)
        return self._pairs[np.sort(np.argsort(-change, kind="stable")[:MOST_PRODUCTS])]


def penalty(live: int, reference: int, features: int) -> float:
    """The factor of the L1 norm beside the log-likelihood at which nothing is chosen by chance.

    Where both sides are alike the derivative of the log-likelihood by one coefficient at 0 is normal, with
    standard deviation n/4 sqrt(1/n_live + 1/n_reference) for sides of equal weight. The penalty is 1.1 times
    the quantile 1 - g/2p of that, g = 0.1 / ln n: with probability 1 - g none of p features is chosen
    (Belloni, Chernozhukov and Wei 2016, there for sides of equal size).

    >>> round(penalty(4000, 4000, 100), 1)
    190.1
    """
    rows = live + reference
    deviation = rows / 4 * math.sqrt(1 / live + 1 / reference)
    return float(SLACK * deviation * -special.ndtri(MISTAKE / math.log(rows) / (2 * max(1, features))))


def _normal_scores(numbers: NDArray[np.float32]) -> tuple[Floats, Flags]:
    """Each column's normal scores, standardised, NaN where missing; and where that is."""
    missing = np.isnan(numbers)
    scores = np.full(numbers.shape, np.nan)
    for column in range(numbers.shape[1]):
        known = ~missing[:, column]
        _, place, counts = np.unique(numbers[known, column], return_inverse=True, return_counts=True)
        if len(counts) < 2:
            scores[known, column] = 0.0
            continue
        ranks = np.cumsum(counts) - counts / 2
        found = special.ndtri(ranks / counts.sum())[place]
        scores[known, column] = (found - found.mean()) / found.std()
    return scores, missing
