"""Kolmogorov-Smirnov: the largest difference of the distribution functions, from fine bins."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Null
from monitor.detectors.sides import check_values, numeric
from monitor.stats import distances
from monitor.stats.bins import ColumnCounts, ColumnReference
from monitor.stats.nulls import Kolmogorov
from monitor.types import ColumnType


@dataclass(frozen=True, slots=True)
class KsParameters:
    """Nothing to choose."""


@DETECTORS.register("ks", "Kolmogorov-Smirnov distance of the finite values", KsParameters)
@dataclass(frozen=True, slots=True)
class Ks:
    """The distance of the finite values of a numeric column; missing and infinite ones stay out."""

    parameters: KsParameters
    token: str = "ks"  # noqa: S105 - the detector's name, no secret
    types: frozenset[ColumnType] = frozenset({ColumnType.NUMERIC})
    quality: bool = False

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """Between 0 and 1; DetectorError where a side has no finite value."""
        check_values(reference, live)
        before, now = numeric(reference, live)
        return float(distances.ks(before.counts.bins, now.bins))

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """Kolmogorov's law at these sizes, conservative where values repeat."""
        check_values(reference, live)
        before, now = numeric(reference, live)
        return Kolmogorov(before.counts.observed, now.observed)
