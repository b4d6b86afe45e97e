"""Frozen bins of one column, and mergeable counts in them.

A numeric column has *fine* bins, `(edges[j-1], edges[j]]` with open ends, so that a value that has
mass of its own gets its own bin by an edge just below it. *Cells* are what the distances compare:
the reference's deciles merged from fine bins, or its categories.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Counts: TypeAlias = NDArray[np.int64]

UNSEEN_NAMES = 20
"""How many names of unseen categories a profile keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class NumericBins:
    """What the reference fixes for a numeric column.

    `edges`: float64 (k,), strictly increasing. `cells`: int64 (k + 1,), the cell of each fine bin,
    not decreasing from 0. `low`, `high`: the reference's range. `center`: its median. `scale`: its
    robust standard deviation, IQR / 1.349; where that is 0 the standard deviation winsorised at
    0.1 and 99.9 %; 0 means a constant column.
    """

    edges: NDArray[np.float64]
    cells: Counts
    low: float
    high: float
    center: float
    scale: float


@dataclass(frozen=True, eq=False)
class NumericCounts:
    """One window of a numeric column; two add up.

    `bins`: int64 (k + 1,). `null`, `nan`, `pos_inf`, `neg_inf`, `invalid` (values that are no
    numbers) count rows outside of the bins. `total` and `square` are the sum of `(x - center)` and
    of its square over the finite values, `low_sum` and `high_sum` the sum of x over the two end bins.
    """

    bins: Counts
    null: int = 0
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    invalid: int = 0
    total: float = 0.0
    square: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    low_sum: float = 0.0
    high_sum: float = 0.0

    @cached_property
    def observed(self) -> int:
        """How many finite values."""
        return int(self.bins.sum())

    @property
    def missing(self) -> int:
        """How many rows without a usable value: null, NaN or not a number."""
        return self.null + self.nan + self.invalid

    @property
    def rows(self) -> int:
        """All rows."""
        return self.observed + self.missing + self.pos_inf + self.neg_inf

    def __add__(self, other: "NumericCounts") -> "NumericCounts":
        """The counts of both windows together."""
        return NumericCounts(
            self.bins + other.bins,
            self.null + other.null,
            self.nan + other.nan,
            self.pos_inf + other.pos_inf,
            self.neg_inf + other.neg_inf,
            self.invalid + other.invalid,
            self.total + other.total,
            self.square + other.square,
            min(self.low, other.low),
            max(self.high, other.high),
            self.low_sum + other.low_sum,
            self.high_sum + other.high_sum,
        )


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalBins:
    """What the reference fixes for a categorical column: its categories, the most frequent first.

    `rare` are the reference's categories that share the cell `other`. `high_cardinality` marks a
    column of ids or free text: it is reported, not tested.
    """

    categories: tuple[str, ...]
    rare: frozenset[str] = frozenset()
    high_cardinality: bool = False
    singletons: int = 0
    """Categories seen once in the reference: what Good-Turing needs to expect unseen ones."""
    digests: bool = False
    """The column is private: digests stand for the names of its categories."""


@dataclass(frozen=True, eq=False)
class CategoricalCounts:
    """One window of a categorical column; two add up.

    `categories`: int64 (c,), then the pooled rare ones, the unseen ones and the missing ones.
    `unseen_names`: the most frequent unseen categories, at most `UNSEEN_NAMES`, a lower bound each.
    """

    categories: Counts
    other: int = 0
    unseen: int = 0
    null: int = 0
    unseen_names: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def observed(self) -> int:
        """How many rows with a value, unseen ones included."""
        return int(self.categories.sum()) + self.other + self.unseen

    @property
    def missing(self) -> int:
        """How many rows without a value."""
        return self.null

    @property
    def rows(self) -> int:
        """All rows."""
        return self.observed + self.missing

    def __add__(self, other: "CategoricalCounts") -> "CategoricalCounts":
        """The counts of both windows together."""
        names = dict(self.unseen_names)
        for name, count in other.unseen_names.items():
            names[name] = names.get(name, 0) + count
        most = sorted(names.items(), key=lambda item: (-item[1], item[0]))[:UNSEEN_NAMES]
        return CategoricalCounts(
            self.categories + other.categories,
            self.other + other.other,
            self.unseen + other.unseen,
            self.null + other.null,
            dict(most),
        )


@dataclass(frozen=True, eq=False)
class NumericReference:
    """A numeric column of the reference: its bins and its own counts in them."""

    bins: NumericBins
    counts: NumericCounts

    @cached_property
    def cells(self) -> Counts:
        """Its own counts per cell, as `cells` gives them; not to be written to."""
        return _numeric_cells(self.bins, self.counts)

    @cached_property
    def present(self) -> "NumericReference":
        """The same without the rows that are missing or infinite."""
        return NumericReference(
            self.bins, replace(self.counts, null=0, nan=0, pos_inf=0, neg_inf=0, invalid=0)
        )


@dataclass(frozen=True, eq=False)
class CategoricalReference:
    """A categorical column of the reference: its categories and its own counts of them."""

    bins: CategoricalBins
    counts: CategoricalCounts

    @cached_property
    def cells(self) -> Counts:
        """Its own counts per cell, as `cells` gives them; not to be written to."""
        return _categorical_cells(self.counts)

    @cached_property
    def present(self) -> "CategoricalReference":
        """The same without the rows that are missing or unseen."""
        return CategoricalReference(self.bins, replace(self.counts, null=0, unseen=0, unseen_names={}))


ColumnCounts: TypeAlias = NumericCounts | CategoricalCounts
ColumnReference: TypeAlias = NumericReference | CategoricalReference


def cells(reference: ColumnReference, counts: ColumnCounts) -> Counts:
    """Counts per cell, then one cell of missing rows and one of unseen (or infinite) ones.

    Shape (c + 2,): the deciles or categories (with the pooled rare ones last), missing, unseen.
    """
    if counts is reference.counts:
        return reference.cells
    if isinstance(reference, NumericReference):
        if not isinstance(counts, NumericCounts):
            message = "numeric reference, categorical counts"
            raise TypeError(message)
        return _numeric_cells(reference.bins, counts)
    if not isinstance(counts, CategoricalCounts):
        message = "categorical reference, numeric counts"
        raise TypeError(message)
    return _categorical_cells(counts)


def _numeric_cells(bins: NumericBins, counts: NumericCounts) -> Counts:
    inner = np.bincount(bins.cells, weights=counts.bins).astype(np.int64)
    return np.concatenate([inner, [counts.missing, counts.pos_inf + counts.neg_inf]])


def _categorical_cells(counts: CategoricalCounts) -> Counts:
    return np.concatenate([counts.categories, [counts.other, counts.missing, counts.unseen]])


def present(counts: ColumnCounts) -> ColumnCounts:
    """The same counts without the rows that are missing, unseen or infinite."""
    if isinstance(counts, NumericCounts):
        return replace(counts, null=0, nan=0, pos_inf=0, neg_inf=0, invalid=0)
    return replace(counts, null=0, unseen=0, unseen_names={})
