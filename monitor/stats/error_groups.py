"""The reference's mean error in groups of one column: by class, or along a number.

Within an interval the expected error is a line, so that a shift inside of it is explained as well.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

INTERVALS = 10
"""Numbers are grouped by the reference's deciles."""

SLOPE_ROWS = 30
"""An interval with fewer rows has one mean; with more, a line."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The reference's errors by group; all arrays float64 (k + 1,), but `edges` (k,).

    Groups are classes (`edges` their sorted codes) or intervals `(edges[j-1], edges[j]]` of a number
    (`edges[k-1]` is inf). The last one stands for what the reference does not have: it has the mean and
    the variance of all rows, the variance at least 1 / (n + 2) after the rule of succession. `mean` and
    `variance` of each group's errors are drawn towards those by one row's weight, so that no group is
    ever certain; `rows` counts that row. In an interval the expected error is
    `mean + slope * (x - center)`, x held to `[low, high]`, the reference's own range there; `spread` is
    the sum of `(x - center)^2`.
    """

    classes: bool
    edges: Floats
    rows: Floats
    mean: Floats
    variance: Floats
    center: Floats
    slope: Floats
    spread: Floats
    low: Floats
    high: Floats


def learn_groups(errors: Floats, values: Floats, *, classes: bool, cut: float | None = None) -> Groups:
    """Group the reference's `errors` by `values`, both (n,), n >= 1; values that are not finite are left out.

    `classes` makes every value its own group, else deciles do. `cut` is one more edge.
    """
    everywhere, noise = float(errors.mean()), max(float(errors.var()), 1 / (len(errors) + 2))
    known = np.isfinite(values)
    errors, values = errors[known], values[known]
    edges = np.unique(values) if classes else _deciles(values, cut)
    group, k = np.searchsorted(edges, values), len(edges) + 1

    def total(weights: Floats) -> Floats:
        return np.bincount(group, weights=weights, minlength=k).astype(np.float64)

    size = total(np.ones(len(values)))
    center = total(values) / np.maximum(size, 1)
    mean = (total(errors) + everywhere) / (size + 1)
    away = values - center[group]
    spread = total(away**2)
    sloped = (size >= SLOPE_ROWS) & (spread > 0) & (not classes)
    slope = np.divide(total(away * (errors - mean[group])), spread, out=np.zeros(k), where=sloped)
    variance = (total((errors - mean[group] - slope[group] * away) ** 2) + noise) / np.maximum(size, 1)
    low, high = np.full(k, np.inf), np.full(k, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    empty = size == 0
    low[empty], high[empty] = 0.0, 0.0
    return Groups(classes, edges, size + 1, mean, variance, center, slope, spread, low, high)


def group_of(groups: Groups, values: Floats) -> Codes:
    """The group of each value, int64 (n,); k, the last, for NaN and for an unseen class."""
    k = len(groups.edges)
    found = np.searchsorted(groups.edges, values).astype(np.int64)
    known = np.append(groups.edges, np.nan)[found] == values if groups.classes else ~np.isnan(values)
    return np.where(known, found, k)


def expected(groups: Groups, values: Floats) -> Floats:
    """The error to expect at each value: float64 (n,) in [0, 1]; that of all rows where unseen."""
    group = group_of(groups, values)
    line = groups.mean[group] + groups.slope[group] * _away(groups, values, group)
    return np.clip(line, 0.0, 1.0)


def learned_variance(groups: Groups, values: Floats) -> float:
    """The variance of the mean expected error of these rows, from the reference's finite size.

    `sum over groups of (n_b / n)^2 sigma_b^2 (1 / m_b + d_b^2 / spread_b)`, d_b the mean distance to the
    group's center: the variance of a fitted line at a point.
    """
    group = group_of(groups, values)
    k = len(groups.mean)
    count = np.bincount(group, minlength=k)
    distance = np.bincount(group, weights=_away(groups, values, group), minlength=k) / np.maximum(count, 1)
    leverage = np.divide(distance**2, groups.spread, out=np.zeros(k), where=groups.slope != 0)
    each = groups.variance * (1 / groups.rows + leverage)
    return float((count / len(values)) ** 2 @ each)


def _away(groups: Groups, values: Floats, group: Codes) -> Floats:
    """The distance of each value, held to its group's range, to the group's center; 0 for the last."""
    held = np.clip(values, groups.low[group], groups.high[group])
    return np.where(group < len(groups.edges), held - groups.center[group], 0.0)


def _deciles(values: Floats, cut: float | None) -> Floats:
    """The upper ends of the intervals, the last one inf."""
    if not len(values):
        return np.array([np.inf])
    inner = np.quantile(values, np.arange(1, INTERVALS) / INTERVALS, method="inverted_cdf")
    inner = np.append(inner, [] if cut is None else [cut])
    return np.append(np.unique(inner[inner < values.max()]), np.inf)
