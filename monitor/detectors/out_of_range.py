"""Values out of range: the share of rows below or above everything in the reference, or infinite."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Null
from monitor.detectors.sides import numeric
from monitor.stats.bins import ColumnCounts, ColumnReference
from monitor.stats.nulls import share_null
from monitor.stats.outside import out_of_range
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class OutOfRangeParameters:
    """Nothing to choose: the range is the reference's."""


@DETECTORS.register(
    "out_of_range", "share of rows outside of the reference's range, or infinite", OutOfRangeParameters
)
@dataclass(frozen=True, slots=True)
class OutOfRange:
    """The share of rows out of range, against how often new extremes are to be expected."""

    parameters: OutOfRangeParameters
    token: str = "out_of_range"  # noqa: S105 - the detector's name, no secret
    types: frozenset[ColumnType] = frozenset({ColumnType.NUMERIC})
    quality: bool = True

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """Between 0 and 1; DetectorError where a side has no rows."""
        _, now = numeric(reference, live)
        return out_of_range(now) / now.rows

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """The exact law of how many of the next rows exceed either extreme of the reference rows.

        Beta-binomial for any continuous distribution (Wilks 1942), an upper bound for the others.
        """
        before, now = numeric(reference, live)
        rows = before.counts.rows
        return share_null(min(out_of_range(before.counts) + 1, rows), rows, now.rows)
