"""The first pass over the reference: a sample, the exact range, the categories of each column."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bottom_k import BottomK, row_hashes
from monitor.columns import digest
from monitor.stats.binning import bins_of
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    ColumnReference,
    NumericCounts,
    NumericReference,
)
from monitor.types import ColumnType
from monitor.values import categorical, numeric

MOST_DISTINCT = 100_000
"""Categories counted before a column is given up as one of ids or free text."""
HIGH_CARDINALITY = 10_000
ID_SHARE = 0.5
ID_ROWS = 100
"""A column with more distinct values than this share of this many rows holds ids or free text."""
DENSE = 4
"""Whole numbers, all different, within a range of fewer than so many per row are ids."""
FEWEST_STEPS = 10
"""A column of fewer values that never falls may be a phase of the business."""
KEPT_CATEGORIES = 500
FEW_CATEGORIES = 20
"""So many categories are all kept, however rare."""
FEWEST_ROWS = 5
"""A rarer category shares the cell `other`."""

Selection: TypeAlias = NDArray[np.int64]


class RowSample(BottomK):
    """Which rows belong to a random sample that depends on file and row number alone (bottom-k).

    Every row has a hash; the rows with the smallest ones are the sample. Batches of any size give
    the same rows. `take` says which rows of a batch may still be in it, `prune` which of the rows
    held stay.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._files: dict[str, int] = {}

    def take(self, file: str, numbers: Selection) -> Selection:
        """Positions within the batch of the rows that come into the sample for now."""
        place = self._files.setdefault(
            file, len(self._files)
        )  # not the name: a moved folder is the same data
        return self.offer(row_hashes(place + 1, numbers))


@dataclass(slots=True)
class NumericLearner:
    """A numeric column under way: values of the sampled rows (NaN where missing) and the exact range."""

    private: bool = False
    sample: list[NDArray[np.float64]] = field(default_factory=list)
    low: float = np.inf
    high: float = -np.inf
    invalid: int = 0
    examples: tuple[str, ...] = ()

    def add(self, array: pa.Array, inside: Selection | None, chosen: Selection) -> None:
        """Take the rows `inside` (None: all) of a batch; of these the chosen ones into the sample."""
        found = numeric(array)
        self.invalid += found.invalid
        self.examples = (self.examples + tuple(found.examples))[:3]
        values = found.values if inside is None else found.values[inside]
        self.sample.append(values[chosen])
        finite = values[np.isfinite(values)]
        if len(finite):
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))

    def add_absent(self, chosen: Selection) -> None:
        """The rows of a batch that lacks the column."""
        self.sample.append(np.full(len(chosen), np.nan))

    def prune(self, stay: NDArray[np.bool_]) -> None:
        """Keep these rows of the sample."""
        self.sample = [np.concatenate(self.sample)[stay]]

    @property
    def empty(self) -> bool:
        """Whether no finite value was seen."""
        return self.low > self.high

    @property
    def constant(self) -> bool:
        """Whether one value alone was seen."""
        return self.low == self.high

    def counts_rows(self, rows: int, *, ordered: bool) -> bool:
        """Whether the values are ids or grow with the rows: no other window can have the same.

        Either they are different whole numbers that nearly fill their range, in any order; or, where the
        rows are in the order of their times (`ordered`), they never fall.
        """
        sample = np.concatenate(self.sample)
        sample = sample[np.isfinite(sample)]
        if len(sample) < ID_ROWS:
            return False
        distinct = len(np.unique(sample))
        whole = bool((sample == np.trunc(sample)).all())
        if whole and distinct == len(sample) and self.high - self.low < DENSE * rows:
            return True
        return ordered and distinct >= FEWEST_STEPS and bool((sample[1:] >= sample[:-1]).all())

    def reference(self) -> ColumnReference:
        """The frozen bins, nothing counted yet."""
        sample = np.concatenate(self.sample)
        sample = sample[np.isfinite(sample)]
        # the sample of a column that is nearly always missing may be without a value
        sample = sample if len(sample) else np.array([self.low, self.high])
        bins = bins_of(sample, self.low + 0.0, self.high + 0.0)
        return NumericReference(bins, NumericCounts(np.zeros(len(bins.edges) + 1, np.int64)))


@dataclass(slots=True)
class CategoricalLearner:
    """A categorical column under way: rows by category, given up beyond `MOST_DISTINCT`."""

    private: bool = False
    names: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    given_up: bool = False

    def add(self, array: pa.Array, inside: Selection | None, _chosen: Selection) -> None:
        """Take the rows `inside` (None: all) of a batch."""
        if self.given_up:
            return
        found = categorical(array if inside is None else array.take(pa.array(inside)))
        counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.categories))
        self.rows += int(counts.sum())
        for name, count in zip(found.categories, counts.tolist(), strict=True):
            if count:
                self.names[name] = self.names.get(name, 0) + count
        self.given_up = len(self.names) > MOST_DISTINCT

    def add_absent(self, chosen: Selection) -> None:
        """The rows of a batch that lacks the column."""

    def prune(self, stay: NDArray[np.bool_]) -> None:
        """Nothing is sampled here."""

    @property
    def empty(self) -> bool:
        """Whether no value was seen."""
        return not self.rows

    @property
    def constant(self) -> bool:
        """Whether one category alone was seen."""
        return len(self.names) == 1 and not self.given_up

    @property
    def high_cardinality(self) -> bool:
        """Whether the column holds ids or free text."""
        distinct = len(self.names)
        many = distinct > ID_SHARE * self.rows and self.rows >= ID_ROWS
        return self.given_up or distinct > HIGH_CARDINALITY or many

    @property
    def described(self) -> str:
        """How many distinct values, in words."""
        return f"over {MOST_DISTINCT} values" if self.given_up else f"{len(self.names)} values"

    def reference(self) -> ColumnReference:
        """The frozen categories, nothing counted yet."""
        if self.high_cardinality:
            return CategoricalReference(
                CategoricalBins((), high_cardinality=True), CategoricalCounts(np.zeros(0, np.int64))
            )
        names = {digest(name): count for name, count in self.names.items()} if self.private else self.names
        ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
        # categories of equal counts are kept or pooled together: what is expected of the pool rests on it
        least = max(FEWEST_ROWS, ranked[KEPT_CATEGORIES][1] + 1 if len(ranked) > KEPT_CATEGORIES else 0)
        few = len(ranked) <= FEW_CATEGORIES
        kept = tuple(name for name, count in ranked if few or count >= least)
        rare = frozenset(names).difference(kept)
        singletons = sum(count == 1 for count in names.values())
        bins = CategoricalBins(kept, rare, singletons=singletons, digests=self.private)
        return CategoricalReference(bins, CategoricalCounts(np.zeros(len(kept), np.int64)))


Learner: TypeAlias = NumericLearner | CategoricalLearner
LEARNERS: dict[ColumnType, Callable[..., Learner]] = {
    ColumnType.NUMERIC: NumericLearner,
    ColumnType.CATEGORICAL: CategoricalLearner,
}
