"""Unseen categories: the share of rows in categories that the reference does not have."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Null
from monitor.detectors.sides import categorical
from monitor.stats.bins import ColumnCounts, ColumnReference
from monitor.stats.nulls import share_null
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class UnseenParameters:
    """Nothing to choose."""


@DETECTORS.register(
    "unseen", "share of rows in categories that the reference does not have", UnseenParameters
)
@dataclass(frozen=True, slots=True)
class Unseen:
    """The share of unseen categories, against what a finite reference must have left unseen."""

    parameters: UnseenParameters
    token: str = "unseen"  # noqa: S105 - the detector's name, no secret
    types: frozenset[ColumnType] = frozenset({ColumnType.CATEGORICAL})
    quality: bool = True

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """Between 0 and 1; DetectorError where a side has no rows."""
        _, now = categorical(reference, live)
        return now.unseen / now.rows

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """The next rows are new as often as reference rows were alone in their category, and once more.

        Good and Turing's estimate (Good 1953) with the uncertainty of its counts.
        """
        before, now = categorical(reference, live)
        rows = before.counts.rows
        return share_null(min(before.bins.singletons, rows), rows, now.rows)
