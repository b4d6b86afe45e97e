"""Missing values: the share of rows without a usable value."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Null
from monitor.detectors.sides import check_rows
from monitor.stats.bins import ColumnCounts, ColumnReference
from monitor.stats.nulls import share_null
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class MissingParameters:
    """Nothing to choose."""


@DETECTORS.register("missing", "share of missing rows: null, NaN or of another type", MissingParameters)
@dataclass(frozen=True, slots=True)
class Missing:
    """The share of missing rows, against the reference's; only a rise is drift."""

    parameters: MissingParameters
    token: str = "missing"  # noqa: S105 - the detector's name, no secret
    types: frozenset[ColumnType] = frozenset(ColumnType)
    quality: bool = True

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """Between 0 and 1; DetectorError where a side has no rows."""
        check_rows(reference, live)
        return live.missing / live.rows

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """Fisher's exact test against the reference's share."""
        check_rows(reference, live)
        return share_null(reference.counts.missing, reference.counts.rows, live.rows)
