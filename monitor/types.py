"""The words of driftd as frozen records: what a window is, what was measured, what was decided.

Every datetime is aware and in UTC; every interval is half-open `[start, end)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


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


class Stage(StrEnum):
    """Where the time of a run goes, and where an error arose; the `stage` label of the metrics."""

    CONFIG = "config"
    REFERENCE = "reference"
    SCAN = "scan"
    JOIN = "join"
    DETECT = "detect"
    STORE = "store"
    WORKER = "worker"
    EXPORT = "export"


class Reason(StrEnum):
    """Every token that can stand in `reason`: stable, each documented by its own line here."""

    # a window
    TOO_FEW_ROWS = "too_few_rows"  # under window.min_rows: nothing is measured
    EMPTY_WINDOW = "empty_window"  # no row at all, though later rows exist
    LATE_ROWS = "late_rows"  # rows behind the watermark: counted, never evaluated
    FUTURE_ROWS = "future_rows"  # rows far ahead of now: left alone until their window is due
    NO_TIMESTAMP = "no_timestamp"  # rows without an event time: in no window
    NAIVE_TIMESTAMP = "naive_timestamp"  # times without a zone: read in window.timezone
    # a file
    FILE_UNREADABLE = "file_unreadable"  # corrupt, truncated, wrong format or no permission
    FILE_EMPTY = "file_empty"  # a file without rows
    FILE_INCOMPLETE = "file_incomplete"  # still being written; tried again at the next run
    BAD_ENCODING = "bad_encoding"  # text that is not UTF-8
    NO_FILES = "no_files"  # nothing matches the path
    # a column
    ABSENT_COLUMN = "absent_column"  # the reference has it, the window has not
    ADDED_COLUMN = "added_column"  # the window has it, the reference has not: not measured
    TYPE_CHANGED = "type_changed"  # values that cannot be read as the reference's type
    UNSUPPORTED_TYPE = "unsupported_type"  # nested or binary values: not measured
    MIXED_TYPES = "mixed_types"  # numbers and text in one column
    ALL_MISSING = "all_missing"  # no value in the window
    CONSTANT = "constant"  # one value only where the reference had several
    INFINITE_VALUES = "infinite_values"  # plus or minus infinity: counted, in no distance
    OUTLIERS = "outliers"  # values far outside the reference's range
    UNSEEN_CATEGORY = "unseen_category"  # categories that the reference does not have
    HIGH_CARDINALITY = "high_cardinality"  # ids or free text: reported, not tested
    DETECTOR_FAILED = "detector_failed"  # the detector raised; the other columns go on
    UNDEFINED = "undefined"  # the statistic has no value on these counts
    # ids, predictions and labels
    DUPLICATE_ID = "duplicate_id"  # one id on several rows: the first row joins
    DUPLICATE_LABEL = "duplicate_label"  # several different labels for one id: the first holds
    UNKNOWN_ID = "unknown_id"  # labels for ids that no pending window has
    LATE_LABEL = "late_label"  # labels after the window was final
    NO_LABELS = "no_labels"  # no label in this window yet
    TOO_FEW_LABELS = "too_few_labels"  # labels, but too few for a verdict
    ONE_CLASS = "one_class"  # the metric needs rows of more than one class
    NO_PREDICTION = "no_prediction"  # the rows that have labels have no prediction
    NO_PROBABILITY = "no_probability"  # the metric needs probabilities
    BAD_PROBABILITY = "bad_probability"  # probabilities outside [0, 1]
    EXPLAINED_BY_INPUTS = "explained_by_inputs"  # the error moved no more than the scores imply
    EXPLAINED_BY_CLASS_SHARES = "explained_by_class_shares"  # no more than the class mix implies
    NO_REFERENCE_LABELS = "no_reference_labels"  # the reference has no labels: nothing to compare with
    # a run
    SOURCE_FAILED = "source_failed"  # the source could not be read at all
    CONFIG_INVALID = "config_invalid"  # the model file is not valid
    REFERENCE_INVALID = "reference_invalid"  # the reference cannot define normal
    REFERENCE_CHANGED = "reference_changed"  # the reference is another one: alarms closed
    STORE_FULL = "store_full"  # the disk is full
    STORE_LOCKED = "store_locked"  # the database is locked
    STORE_FAILED = "store_failed"  # any other failure of the store
    TIMED_OUT = "timed_out"  # the run took longer than --run-timeout
    OUT_OF_MEMORY = "out_of_memory"  # the run used more than --run-memory
    CRASHED = "crashed"  # the worker process died
    LEASED = "leased"  # another process evaluates this model
    OVERLAP = "overlap"  # the model's last run still goes on
    INTERNAL = "internal"  # a fault of driftd itself


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
class PerformanceMetric:
    """One metric of the model's performance with an interval; `value` None comes with a `reason`."""

    metric: str
    source: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    reference: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class DriftNorm:
    """Norms over columns of the largest value / threshold of each column's default detectors."""

    kind: Kind
    l0: float
    l1: float
    l2: float
    linf: float


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
    """Class shares by source: `reference` and, where labels are known, `observed`."""
    stream: StreamSummary | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    """Rows by version of the model that made the prediction."""


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
    """What hysteresis remembers of one kind between windows; the empty state is "no alarm"."""

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


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a `Z`, whole seconds where possible.

    >>> iso(datetime(2024, 2, 10, tzinfo=UTC))
    '2024-02-10T00:00:00Z'
    """
    return utc(moment).replace(tzinfo=None).isoformat() + "Z"
