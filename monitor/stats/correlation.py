"""How two columns go together: mergeable second moments of normal scores, and Fisher's z of each pair.

A change that leaves every column alone, such as one column shuffled over the rows, changes how columns
go together and nothing else. The correlation of *normal scores* (van der Waerden 1952) is robust
against outliers and the same whatever a column's distribution: each value counts as the normal
quantile of its rank in the reference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import Counts, NumericReference
from monitor.stats.ranks import normal_scores

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.float32]

FEWEST_ROWS = 10
"""Fewer rows tell nothing of a correlation."""
GREATEST = 0.999
"""A stronger correlation counts as this one: between copies of one column only rounding is left."""
CONSTANT = 1e-10
"""A column whose variance is a smaller share of its mean square is constant."""
WORTH_PRODUCTS = 8
"""One matrix product pays while it gives at most so many times the pairs that are wanted."""
BLOCK = 4_000_000
"""Values held at once where pairs are taken one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What some rows say of each pair of columns; the moments of two parts add up to those of both.

    `pairs`: int64 (p, 2), the numbers of the columns. `rows`: int64 (p,), the rows that have both. `sums`:
    float64 (p, 5), over those rows the sums of left, right, left squared, right squared, left times right.
    """

    pairs: Counts
    rows: Counts
    sums: Floats

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of the rows of both; ValueError where their pairs differ."""
        if not np.array_equal(self.pairs, other.pairs):
            message = "moments of different pairs do not add"
            raise ValueError(message)
        return Moments(self.pairs, self.rows + other.rows, self.sums + other.sums)


def normal_score_matrix(references: Sequence[NumericReference], values: Numbers) -> Floats:
    """The normal score of each value, (n, k) for k columns; NaN where it is missing or infinite.

    A value that was rounded to float32 has the score that it had before, but for columns with more
    digits than float32 has.
    """
    found = np.full(values.shape, np.nan)
    for number, reference in enumerate(references):
        scores, column = normal_scores(reference.counts.bins), values[:, number]
        limit = np.finfo(values.dtype).max
        edges = np.clip(reference.bins.edges, -limit, limit).astype(values.dtype)
        # a value that has mass has an edge just below it, which in float32 is the value itself
        place = np.searchsorted(edges, column, "right")
        place -= edges[place - 1] == column
        known = np.isfinite(column)
        found[known, number] = scores[place[known]]
    return found


def pairs(columns: int, most: int, reference: Moments | None = None) -> Counts:
    """Which pairs of columns to watch, int64 (p, 2) in rising order, left before right.

    All of them where there are at most `most`; else the most strongly correlated ones among the
    reference's pairs, since only what holds can break: a pair without a correlation is left out as
    unlikely to get one. ValueError where there are too many and no reference.

    >>> pairs(3, 10).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    every = np.column_stack(np.triu_indices(columns, 1)).astype(np.int64)
    if len(every) <= most:
        return every
    if reference is None:
        message = (
            f"{columns} columns have more than {most} pairs: choosing some needs the reference's moments"
        )
        raise ValueError(message)
    strength = np.nan_to_num(np.abs(fisher(reference)[0]), nan=-1.0)
    strongest = np.argsort(-strength, kind="stable")[:most]
    chosen = reference.pairs[np.sort(strongest[strength[strongest] >= 0])]
    return np.asarray(chosen, np.int64)


def moments(scores: Floats, wanted: Counts) -> Moments:
    """The moments of these pairs of columns, int64 (p, 2), over rows of scores (n, k), NaN = missing.

    >>> found = moments(np.array([[1.0, 2.0], [3.0, 5.0], [np.nan, 7.0]]), np.array([[0, 1]]))
    >>> found.rows.tolist(), found.sums.tolist()
    ([2], [[4.0, 7.0, 10.0, 29.0, 17.0]])
    """
    used, place = np.unique(wanted, return_inverse=True)
    left, right = place.reshape(wanted.shape).T
    known = ~np.isnan(scores[:, used])
    values = np.where(known, scores[:, used], 0.0)
    if len(used) ** 2 <= WORTH_PRODUCTS * len(wanted):
        rows, sums = _by_product(values, known, left, right)
    else:
        rows, sums = _by_pair(values, known, left, right)
    return Moments(wanted, rows, sums)


def _by_product(
    values: Floats, known: NDArray[np.bool_], left: Counts, right: Counts
) -> tuple[Counts, Floats]:
    """Every pair of the columns by matrix products, then those wanted."""
    mask = known.astype(np.float64)
    rows, sums, squares = mask.T @ mask, values.T @ mask, (values**2).T @ mask
    parts = [sums[left, right], sums[right, left], squares[left, right], squares[right, left]]
    parts.append((values.T @ values)[left, right])
    return np.rint(rows[left, right]).astype(np.int64), np.column_stack(parts)


def _by_pair(values: Floats, known: NDArray[np.bool_], left: Counts, right: Counts) -> tuple[Counts, Floats]:
    """The pairs wanted, some at a time."""
    rows, sums = np.zeros(len(left), np.int64), np.zeros((len(left), 5))
    step = max(1, BLOCK // max(1, len(values)))
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        both = known[:, left[part]] & known[:, right[part]]
        one, other = values[:, left[part]] * both, values[:, right[part]] * both
        rows[part] = both.sum(axis=0)
        sums[part] = np.column_stack(
            [each.sum(axis=0) for each in (one, other, one**2, other**2, one * other)]
        )
    return rows, sums


def fisher(found: Moments) -> tuple[Floats, Counts]:
    """Fisher's z = artanh(r) of the correlation r of each pair, (p,), and the rows behind it, (p,).

    Between -3.8 and 3.8 (a correlation of 0.999). NaN where it is undefined: a column constant over these
    rows, or fewer than 10 rows. Over independent rows of normal scores its sampling variance is about
    1/(n - 3), whatever the correlation (Fisher 1921); rows that come in clusters vary more, so the
    variance between windows has to be learned.

    >>> rows = np.arange(12.0)
    >>> z, behind = fisher(moments(np.column_stack([rows, rows % 4, -rows]), pairs(3, 3)))
    >>> np.tanh(z).round(3).tolist(), behind.tolist()
    ([0.324, -0.999, -0.324], [12, 12, 12])
    """
    rows = found.rows
    left, right, left_square, right_square, product = found.sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        left_spread = left_square - left**2 / rows
        right_spread = right_square - right**2 / rows
        correlation = (product - left * right / rows) / np.sqrt(left_spread * right_spread)
    defined = (
        (rows >= FEWEST_ROWS)
        & (left_spread > CONSTANT * left_square)
        & (right_spread > CONSTANT * right_square)
    )
    z = np.arctanh(np.clip(np.where(defined, correlation, np.nan), -GREATEST, GREATEST))
    return z, rows


def fisher_error(rows: int) -> float:
    """The standard error of Fisher's z over so many independent rows; infinite for fewer than 4.

    >>> fisher_error(103)
    0.1
    """
    return 1 / math.sqrt(rows - 3) if rows > 3 else math.inf
