"""The words of driftd as frozen records: what a window is, what was measured, what was decided.

Every datetime is aware and in UTC; every interval is half-open `[start, end)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from monitor.estimates import EstimateRecord as EstimateRecord  # noqa: PLC0414 - re-exported
from monitor.estimates import LabelArrival as LabelArrival  # noqa: PLC0414 - re-exported
from monitor.estimates import LabelShift as LabelShift  # noqa: PLC0414 - re-exported
from monitor.estimates import PerformanceChange as PerformanceChange  # noqa: PLC0414 - re-exported
from monitor.estimates import PerformanceMetric as PerformanceMetric  # noqa: PLC0414 - re-exported
from monitor.tokens import Reason as Reason  # noqa: PLC0414 - re-exported: one place to import words from
from monitor.tokens import Stage as Stage  # noqa: PLC0414 - re-exported


class Kind(StrEnum):
    """What a verdict is about."""

    COVARIATE = "covariate"  # P(x)
    PREDICTION = "prediction"  # P(y-hat)
    LABEL = "label"  # P(y)
    PERFORMANCE = "performance"  # the error or loss itself
    CONCEPT = "concept"  # P(y | x)
    QUALITY = "quality"  # broken rather than moved


LABEL_KINDS = frozenset({Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT})
"""The kinds that read labels; only these change when a window is restated."""


class Role(StrEnum):
    """What a column is for the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    PROBABILITY = "probability"
    LABEL = "label"
    TIMESTAMP = "timestamp"
    ID = "id"
    VERSION = "version"


KIND_OF = {
    Role.FEATURE: Kind.COVARIATE,
    Role.PREDICTION: Kind.PREDICTION,
    Role.PROBABILITY: Kind.PREDICTION,
    Role.LABEL: Kind.LABEL,
}


class ColumnType(StrEnum):
    """How a column's values are compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Task(StrEnum):
    """What the model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class State(StrEnum):
    """What a verdict says of one window."""

    OK = "ok"
    ALARM = "alarm"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How much a score at or above 1 matters: `low` is significant but not material."""

    NONE = "none"
    LOW = "low"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open interval of event time, or one file where there is no time."""

    start: datetime | None
    end: datetime | None
    file: str | None = None

    @property
    def key(self) -> str:
        """What identifies the window within its model: its start, or its file."""
        if self.start is not None:
            return iso(self.start)
        if self.file is None:
            message = "a window has a start or a file"
            raise ValueError(message)
        return self.file


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a model as the reference defines it."""

    name: str
    role: Role
    type: ColumnType
    private: bool = False


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number for one (kind, column, detector) of one window; larger is always worse.

    `value` is None exactly where `reason` says why. Column `""` is the whole model.
    """

    kind: Kind
    column: str
    detector: str
    value: float | None
    threshold: float | None = None
    p_value: float | None = None
    drifted: bool = False
    reason: Reason | None = None
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the user should know and that stopped nothing else."""

    column: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision of one kind for one window, as the interface prints it."""

    kind: Kind
    state: State
    alarm: bool
    score: float | None
    severity: Severity
    material: bool
    days_by_chance: float | None
    since: datetime | None
    columns: tuple[str, ...]
    column_since: Mapping[str, datetime]
    reason: str
    segment: str = ""


@dataclass(frozen=True, slots=True)
class DriftNorm:
    """Norms over columns of the largest value / threshold of each column's default detectors."""

    kind: Kind
    l0: float
    l1: float
    l2: float
    linf: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What the reference lets be promised of one kind's false alarms.

    `budget_per_30d`: what it may spend; None where windows are counted, not days. `false_alarms_per_30d`:
    what its line is expected to give on data as variable as the reference, with `lower` and `upper` 90 %
    limits; None where it was not replayed. `effective_windows`: of the reference's windows, as many as
    count as independent. `provisional`: with a wider guard, or not replayed; `reason` says why.
    """

    kind: Kind
    budget_per_30d: float | None
    false_alarms_per_30d: float | None = None
    lower: float | None = None
    upper: float | None = None
    effective_windows: float | None = None
    provisional: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Where the error stream stands after this window."""

    width: int
    error_rate: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One line of the interface: what was found in one window, at one tick."""

    model: str
    window: Window
    tick: datetime
    rows: int
    labelled_rows: int
    restated: bool
    final: bool
    seconds: float
    verdicts: tuple[Verdict, ...]
    statistics: tuple[Statistic, ...]
    performance: tuple[PerformanceMetric, ...]
    problems: tuple[Problem, ...]
    norms: tuple[DriftNorm, ...] = ()
    class_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Class shares by source: `reference`, `estimated` and, where labels are known, `observed`."""
    stream: StreamSummary | None = None
    promises: tuple[Promise, ...] = ()
    """By kind, what the calibration behind this line promises."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Rows by version of the model that made the prediction."""
    label_arrival: LabelArrival | None = None
    """Of windows before this one, at its first tick; None where it is not known how labels usually come."""
    label_shift: LabelShift | None = None
    """Estimated from predictions, whether or not labels are there."""
    estimates: Mapping[str, EstimateRecord] = field(default_factory=dict)
    """By metric, the estimator's own record up to this line."""
    change: PerformanceChange | None = None
    """What explains the performance of this window, where it can be estimated."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one kind finds in one window before the memory of earlier windows.

    `quiet` is true where the window alone is under the line; `known` false says unknown.
    """

    kind: Kind
    known: bool
    score: float | None = None
    days_by_chance: float | None = None
    material: bool = False
    quiet: bool = False
    columns: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What hysteresis remembers of one kind between windows; the empty state is "no alarm".

    `quiet_since`: start of the `quiet_windows` that are under the line, later by the length of each
    window since then of which nothing is known.
    """

    since: datetime | None = None
    column_since: Mapping[str, datetime] = field(default_factory=dict)
    reason: str = ""
    quiet_since: datetime | None = None
    quiet_windows: int = 0

    @property
    def open(self) -> bool:
        """Whether the alarm stands."""
        return self.since is not None


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; a datetime without a zone is refused."""
    if moment.tzinfo is None:
        message = f"{moment} has no zone"
        raise ValueError(message)
    return moment.astimezone(UTC)


@lru_cache(maxsize=16_384)
def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a `Z`, whole seconds where possible.

    >>> iso(datetime(2024, 2, 10, tzinfo=UTC))
    '2024-02-10T00:00:00Z'
    """
    return utc(moment).replace(tzinfo=None).isoformat() + "Z"


def span(window: Window) -> str:
    """The window in words for a log: `start/end`, or its file.

    >>> span(Window(datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 2, 11, tzinfo=UTC)))
    '2024-02-10T00:00:00Z/2024-02-11T00:00:00Z'
    """
    if window.start is None or window.end is None:
        return window.key
    return f"{iso(window.start)}/{iso(window.end)}"
