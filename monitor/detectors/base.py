"""What a detector is: it measures; the frame picks the null, times, counts and catches.

A *distance* detector compares one window's counts with the reference's. A *quality* detector does
the same for what is broken rather than moved. A *row* detector compares samples of whole rows. A
*stream* detector reads every labelled row's error once, in order, and carries a state between windows.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.registry import Registry
from monitor.stats.bins import ColumnCounts, ColumnReference
from monitor.stats.domain_classifier import Separation
from monitor.stats.tables import Table
from monitor.types import ColumnType


class Null(Protocol):
    """The distribution of a statistic where nothing has moved."""

    def sf(self, value: float) -> float:
        """P(statistic >= value), in (0, 1]."""
        ...

    def isf(self, alpha: float) -> float:
        """The value that is reached with probability `alpha`: the threshold."""
        ...


class Detector(Protocol):
    """One statistic of one column, from counts alone."""

    @property
    def token(self) -> str:
        """The stable name: label value, JSON value, YAML value."""
        ...

    @property
    def types(self) -> frozenset[ColumnType]:
        """The column types that it can measure."""
        ...

    @property
    def quality(self) -> bool:
        """Whether its kind is `quality` whatever the column's role."""
        ...

    def value(self, reference: ColumnReference, live: ColumnCounts) -> float:
        """The statistic, >= 0, larger is worse; raises DetectorError where it is undefined."""
        ...

    def null(self, reference: ColumnReference, live: ColumnCounts) -> Null:
        """The two-sample null at these sizes: reference rows m, live rows n, same distribution."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a stream detector found: at which of the values just given, and which way."""

    index: int
    worse: bool


class StreamDetector(Protocol):
    """A detector on a stream of errors in [0, 1], each value once, in order."""

    @property
    def width(self) -> int:
        """How many values since the last change."""
        ...

    @property
    def estimate(self) -> float:
        """The mean error since the last change; NaN before the first value."""
        ...

    def update(self, values: NDArray[np.float64]) -> tuple[Change, ...]:
        """Take the values in order and tell where a change was found."""
        ...

    def to_state(self) -> bytes:
        """Everything that `from_state` needs; written by the store as it is."""
        ...


class RowDetector(Protocol):
    """One statistic of whole rows of features: how well live rows are told from reference rows."""

    @property
    def token(self) -> str:
        """The stable name."""
        ...

    @property
    def windows(self) -> int:
        """Of at most so many windows of the reference it is measured, for its line."""
        ...

    def separate(self, reference: Table, live: Table) -> Separation:
        """The area under the ROC curve and the columns used; raises DetectorError where it is undefined."""
        ...


DETECTORS: Registry[Detector] = Registry("detector", "driftd.detectors")
ROW_DETECTORS: Registry[RowDetector] = Registry("row detector", "driftd.detectors")
STREAM_DETECTORS: Registry[StreamDetector] = Registry("stream detector", "driftd.detectors")
