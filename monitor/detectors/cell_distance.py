"""What the distances of cells share: counts of one column in, a distance and its null out."""

from dataclasses import dataclass

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
        return cell_null(self.statistic, before, now, _expected_unseen(reference, live))


def _cells(reference: ColumnReference, live: ColumnCounts) -> tuple[Counts, Counts]:
    """The cells of both sides, which hold values."""
    check_values(reference, live)
    return cells(reference, reference.counts), cells(reference, live)


def _expected_unseen(reference: ColumnReference, live: ColumnCounts) -> float:
    """The share of rows in new categories that is to be expected: Good and Turing (1953).

    0 where the counts hold no unseen row, which may also be because they were left out.
    """
    if not isinstance(reference, CategoricalReference) or not cells(reference, live)[-1]:
        return 0.0
    return min(reference.bins.singletons / reference.counts.rows, 0.5)
