"""What is shown of one model: a frozen record."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from monitor.types import (
    LABEL_KINDS,
    DriftNorm,
    Evaluation,
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Stage,
    Statistic,
    StreamSummary,
    Task,
    Verdict,
    Window,
)

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Outcome(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    FAILED = "failed"
    NO_DATA = "no_data"


class Detail(StrEnum):
    """How many series one model may cost: `export.detail` of the model file."""

    SUMMARY = "summary"
    COLUMNS = "columns"
    ALL = "all"


SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Upper bounds of the duration buckets: a window of a few rows up to an hour of backlog."""


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of seconds: `counts` per bucket of `SECONDS` and one beyond, not cumulative."""

    counts: tuple[int, ...] = (0,) * (len(SECONDS) + 1)
    total: float = 0.0

    def observe(self, seconds: float) -> "Durations":
        """The histogram with one more observation.

        >>> Durations().observe(0.05).counts[:3]
        (0, 1, 0)
        """
        place = bisect_left(SECONDS, seconds)
        counts = tuple(count + (index == place) for index, count in enumerate(self.counts))
        return Durations(counts, self.total + seconds)


def why_provisional(promises: Iterable[Promise]) -> Mapping[str, tuple[Kind, ...]]:
    """Why calibrations are provisional: by reason the kinds, in their order."""
    kinds: dict[str, tuple[Kind, ...]] = {}
    for each in promises:
        if each.provisional:
            kinds[each.reason] = (*kinds.get(each.reason, ()), each.kind)
    return kinds


def frozen(items: Mapping[K, V]) -> Mapping[K, V]:
    """A copy that nobody changes."""
    return MappingProxyType(dict(items))


def before(window: Window, other: Window) -> bool:
    """Whether the window is older; windows of files are in name order."""
    if window.start is not None and other.start is not None:
        return window.start < other.start
    return (window.file or "") < (other.file or "")


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """Something known, and the window that it is known from."""

    window: Window
    value: T


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event of the model file in whose windows alarms are noted, not opened."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """Everything that is shown of one model; made by `new_view`, changed only by the functions below."""

    model: str
    owner: str = ""
    task: Task | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    interval_seconds: float | None = None
    window_seconds: float | None = None
    """Length of a window, a day as 24 hours; None where every file is one window."""
    lateness_seconds: float | None = None
    """How long after its end a window waits for rows; None where every file is one window."""
    detail: Detail = Detail.COLUMNS
    private_classes: bool = False
    """Whether the label is a private column: the names of its classes are then shown nowhere."""
    planned: tuple[PlannedEvent, ...] = ()
    last_run: datetime | None = None
    next_run: datetime | None = None
    """When the next run was due as the last one ended; one that is late is not put off."""
    last_success: datetime | None = None
    last_outcome: Outcome | None = None
    window_end: datetime | None = None
    newest: Evaluation | None = None
    """The newest window in event time, whatever its number of rows."""
    evaluation: Evaluation | None = None
    """The newest window in event time with at least `min_rows`."""
    dated_verdicts: Mapping[tuple[Kind, str], Dated[Verdict]] = field(default_factory=dict)
    dated_performance: Mapping[tuple[str, str], Dated[PerformanceMetric]] = field(default_factory=dict)
    dated_statistics: Mapping[Kind, Dated[tuple[Statistic, ...]]] = field(default_factory=dict)
    dated_norms: Mapping[Kind, Dated[DriftNorm]] = field(default_factory=dict)
    dated_shares: Mapping[str, Dated[Mapping[str, float]]] = field(default_factory=dict)
    dated_promises: Dated[tuple[Promise, ...]] | None = None
    """What the newest window that tells of its calibration tells."""
    versions: Mapping[str, datetime | None] = field(default_factory=dict)
    """When each version of the model was first seen; None where older windows may have had it."""
    accepted: datetime | None = None
    """When what was seen was last accepted as normal."""
    stream: StreamSummary | None = None
    label_coverage: float | None = None
    alarms: frozenset[tuple[Kind, datetime]] = frozenset()
    """Every alarm that was ever open, so that each is counted once."""
    alarms_total: Mapping[Kind, int] = field(default_factory=dict)
    runs: Mapping[Outcome, int] = field(default_factory=dict)
    skipped: Mapping[Reason, int] = field(default_factory=dict)
    errors: Mapping[tuple[Stage, Reason], int] = field(default_factory=dict)
    window_problems: Mapping[Reason, int] = field(default_factory=dict)
    """Of the windows evaluated since the start, by reason."""
    durations: Mapping[Stage, Durations] = field(default_factory=dict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The current verdict of every kind and segment, in the order of the kinds."""
        return tuple(self.dated_verdicts[key].value for key in sorted(self.dated_verdicts, key=_kind_order))

    @property
    def performance(self) -> tuple[PerformanceMetric, ...]:
        """Every metric as it is newest known."""
        return tuple(self.dated_performance[key].value for key in sorted(self.dated_performance))

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics of the newest window; of kinds that read labels, of the newest with labels."""
        rows = self.evaluation.statistics if self.evaluation else ()
        labels = (dated.value for dated in self.dated_statistics.values())
        return (
            *(each for each in rows if each.kind not in LABEL_KINDS),
            *(each for group in labels for each in group),
        )

    @property
    def norms(self) -> tuple[DriftNorm, ...]:
        """The norms over columns, of the same windows as the statistics."""
        rows = self.evaluation.norms if self.evaluation else ()
        return (
            *(each for each in rows if each.kind not in LABEL_KINDS),
            *(dated.value for dated in self.dated_norms.values()),
        )

    @property
    def class_shares(self) -> Mapping[str, Mapping[str, float]]:
        """Class shares by source, each as it is newest known."""
        return {source: dated.value for source, dated in self.dated_shares.items()}

    @property
    def promises(self) -> tuple[Promise, ...]:
        """What the calibration of each kind promises, in the order of the kinds."""
        known = self.dated_promises.value if self.dated_promises else ()
        return tuple(sorted(known, key=lambda each: _kind_order((each.kind, ""))))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What stands in the way of measuring, in the newest window."""
        return self.newest.problems if self.newest else ()

    @property
    def alarming(self) -> bool:
        """Whether an alarm is open."""
        return any(verdict.alarm for verdict in self.verdicts)


def _kind_order(key: tuple[Kind, str]) -> tuple[int, str]:
    return (tuple(Kind).index(key[0]), key[1])
