"""What the distances of cells share: counts of one column in, a distance and its null out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.detectors.base import Null
from monitor.detectors.sides import check_values
from monitor.stats.bins import CategoricalReference, ColumnCounts, ColumnReference, Counts, cells
from monitor.stats.nulls import CellStatistic, cell_null
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class CellDistance:
    """A detector from a distance of cells: deciles or categories, missing and unseen rows among them."""

    token: str
    statistic: CellStatistic
    types: frozenset[ColumnType] = frozenset(ColumnType)
    quality: bool = False

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """The distance; DetectorError where a side has no value at all."""
        before, now = _cells(reference, live)
        return float(self.statistic.measure(before, now))

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """The distance's law at these sizes where live rows are drawn as the reference rows were."""
        before, now = _cells(reference, live)
        return cell_null(self.statistic, before, now, _expected(reference, live))


def _cells(reference: ColumnReference, live: ColumnCounts) -> tuple[Counts, Counts]:
    """The cells of both sides, which hold values."""
    check_values(reference, live)
    return cells(reference, reference.counts), cells(reference, live)


def _expected(reference: ColumnReference, live: ColumnCounts) -> NDArray[np.float64] | None:
    """The counts by which clean live rows fall into cells, where the reference's own are biased.

    Good and Turing (1953): of the next rows, singletons / m are in categories never seen. The pooled
    rare ones had fewer than r rows by chance, too: they are to be expected more often, by r times the
    number of categories with just r rows, less the singletons, and the kept ones less often by as much.
    Unseen rows are expected only where the live counts hold some, since they may also have been left out.
    """
    if not isinstance(reference, CategoricalReference):
        return None
    before = cells(reference, reference.counts)
    expected = before.astype(np.float64)
    other, _, unseen = range(before.size - 3, before.size)
    if cells(reference, live)[unseen]:
        expected[unseen] += reference.bins.singletons
    named = reference.counts.categories
    if reference.bins.rare and named.size:
        fewest = named.min()
        lift = min(int(fewest) * int(np.count_nonzero(named == fewest)), int(named.sum()) // 2)
        expected[: named.size] *= 1 - lift / named.sum()
        expected[other] = max(expected[other] + lift - reference.bins.singletons, expected[other] / 2)
    return None if np.array_equal(expected, before) else expected
