"""Wasserstein: how far values moved on average, in robust standard deviations of the reference."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Null
from monitor.detectors.sides import check_values, numeric
from monitor.errors import DetectorError
from monitor.stats import transport
from monitor.stats.bins import ColumnCounts, ColumnReference, NumericCounts, NumericReference
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class WassersteinParameters:
    """Nothing to choose: the scale is the reference's."""


@DETECTORS.register(
    "wasserstein", "Wasserstein-1 distance of the finite values in robust sd", WassersteinParameters
)
@dataclass(frozen=True, slots=True)
class Wasserstein:
    """The distance of the finite values of a numeric column, outliers moved to the fences."""

    parameters: WassersteinParameters
    token: str = "wasserstein"  # noqa: S105 - the detector's name, no secret
    types: frozenset[ColumnType] = frozenset({ColumnType.NUMERIC})
    quality: bool = False

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """At least 0; DetectorError for a constant reference or where a side has no finite value."""
        before, now = _scaled(reference, live)
        return transport.wasserstein(before.bins, before.counts, now)

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """The distance's law at these sizes, drawn from the reference's own distribution."""
        before, now = _scaled(reference, live)
        return transport.wasserstein_null(before, now.observed)


def _scaled(reference: ColumnReference, live: ColumnCounts) -> tuple[NumericReference, NumericCounts]:
    """Both sides, of a column that has a scale."""
    check_values(reference, live)
    before, now = numeric(reference, live)
    if not before.bins.scale > 0:
        message = "the reference is constant: there is no scale to measure a distance in"
        raise DetectorError(message)
    return before, now
