"""One model ready to run: its configuration resolved against its reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from monitor import alarms
from monitor.budget import MOST_DAYS, bonferroni, level
from monitor.calibration import Calibrated, Calibrations
from monitor.calibration_rows import CalibrationRows
from monitor.delays import Delays
from monitor.detectors.base import Detector, RowDetector
from monitor.estimators import Estimators
from monitor.losses import LossEstimator
from monitor.panels import Panels, watched
from monitor.reference import Reference
from monitor.relations import Relation
from monitor.sample import Sample
from monitor.sources.base import Source
from monitor.state import Kept
from monitor.stats.effects import MinimumEffect
from monitor.stats.residuals import ErrorReference
from monitor.stats.season import Season
from monitor.types import Column, ColumnType, Kind, Problem, Role, Task, Window
from monitor.windows import Calendar

MOST_SAMPLED, FEWEST_SAMPLED = 5_000, 500
"""Rows of a sample: more tell little more of a change that matters."""
SAMPLED_VALUES = 2_000_000
"""Values of a sample."""
PARTS = 2
"""A kind of which only a part is calibrated spends its budget in so many equal parts, one of them on that."""


@dataclass(frozen=True, slots=True)
class Planned:
    """How many windows a run will evaluate, for progress bars, and of which task the model is.

    `problems`: what is wrong where there is no window whose line could tell it.
    """

    windows: int
    problems: tuple[Problem, ...] = ()
    task: Task | None = None


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """What is known beforehand of `[start, end)`, such as maintenance."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Names:
    """Which column plays which role in the live rows; `probabilities` maps class to column."""

    timestamp: str | None
    id: str | None
    prediction: str | None
    probabilities: Mapping[str, str]
    label: str | None
    version: str | None
    private: bool = False
    """Whether digests stand for the names of the classes."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the model predicts: `probabilities` are the classes that have a probability, in column order."""

    task: Task | None
    classes: tuple[str, ...]
    positive: str | None
    probabilities: tuple[str, ...]

    @property
    def scored(self) -> bool:
        """Whether the reference's errors are binned by a probability rather than by the prediction."""
        return self.task is Task.BINARY and bool(self.probabilities)

    @property
    def positive_column(self) -> int:
        """Which probability is the positive class's."""
        return self.probabilities.index(self.positive) if self.positive in self.probabilities else 0


@dataclass(frozen=True, slots=True)
class LabelSource:
    """Labels that arrive apart from the rows; without a timestamp a label counts as new when read."""

    source: Source
    id: str
    label: str
    timestamp: str | None
    horizon: timedelta


@dataclass(frozen=True, slots=True)
class Test:
    """One detector on one column; `fixed` is the user's own line, outside of the budget."""

    column: Column
    detector: Detector
    kind: Kind
    fixed: float | None = None
    default: bool = True


@dataclass(frozen=True, slots=True)
class RowTest:
    """One detector on whole rows of features; `fixed` is the user's own line, outside of the budget."""

    detector: RowDetector
    fixed: float | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream detector on the errors, with the parameters that the file gives."""

    detector: str
    parameters: object
    start: Mapping[str, bytes]
    """State by stream name after the reference's own errors."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the reference's labelled rows fix: errors by score and by class, and performance.

    `errors` is None where the reference has no predictions beside its labels: label shift alone is judged.
    """

    errors: ErrorReference | None
    performance: Mapping[str, float]
    class_shares: Mapping[str, float]
    stream: Stream


@dataclass(frozen=True)
class Plan:
    """Everything that is fixed while a model runs, and what follows from it, found once."""

    model: str
    target: Target
    calendar: Calendar | None
    zone: str
    lateness: timedelta
    min_rows: int
    live: Source
    live_start: datetime | None
    names: Names
    labels: LabelSource | None
    reference: Reference
    tests: tuple[Test, ...]
    labelled: Labelled | None
    budgets: Mapping[Kind, float]
    """The days between false alarms that each kind of this model may spend; windows without time."""
    minimum: MinimumEffect
    panels: Panels
    """Which columns calibration watches."""
    seasons: tuple[Season, ...] = tuple(Season)
    """The positions of the calendar that a column's expectation may follow."""
    calibrations: Calibrations = field(default_factory=Calibrations)
    """What the windows of the reference taught, by kind; a kind without is judged by two-sample nulls."""
    estimators: Estimators | None = None
    """What tells class shares and performance before labels are there; None where nothing does."""
    losses: LossEstimator | None = None
    """What tells the error of a regression before labels are there."""
    calibration_rows: CalibrationRows | None = None
    """What is weighted to calibrate probabilities for one window; None where the file does not ask for it."""
    relation: Relation | None = None
    """How labels depend on features; None where nothing tells."""
    delays: Delays | None = None
    """How late the labels of the reference's windows came; None where no source of labels tells."""
    keep: timedelta | None = None
    """How long a rolling reference remembers; None for a fixed one."""
    past: tuple[Kept, ...] = ()
    """The windows of the reference, from which a rolling one sets out."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the reference, and columns that are new: told with every window."""
    events: tuple[Event, ...] = ()
    """Planned events, by start: in their windows alarms are noted, not opened."""
    row_tests: tuple[RowTest, ...] = ()
    reference_sample: Callable[[], Sample] | None = None
    """Reads some rows of the reference, to tell after an alarm what sets live rows apart from them."""

    def event_in(self, window: Window) -> Event | None:
        """The first planned event that the window overlaps."""
        start, end = window.start, window.end
        if start is None or end is None:
            return None
        return next((each for each in self.events if each.start < end and start < each.end), None)

    @property
    def task(self) -> Task | None:
        """What kind of thing the model predicts."""
        return self.target.task

    @cached_property
    def window_days(self) -> float:
        """A window's length in days; 1 where windows are files and budgets count windows."""
        return self.calendar.nominal_days if self.calendar is not None else 1.0

    @cached_property
    def counted(self) -> int:
        """What one alarm counts, at least, in measures of false alarms."""
        return alarms.counted_days(self.window_days) if self.calendar is not None else 1

    @property
    def errors(self) -> ErrorReference | None:
        """The reference's errors; None where it has no labels, or no predictions."""
        return self.labelled.errors if self.labelled is not None else None

    def columns(self, *roles: Role) -> tuple[Column, ...]:
        """The reference's columns in these roles."""
        return tuple(column for column, _ in self.reference.columns.values() if column.role in roles)

    @cached_property
    def sampled(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The numeric and the categorical columns that a sample of rows has; none where none is needed."""
        needed = (self.reference_sample, self.losses, self.relation)
        if not self.panels.pairs and all(each is None for each in needed):
            return (), ()
        numeric, categorical = features_of(self.reference)
        return (*numeric, self.losses.prediction) if self.losses is not None else numeric, categorical

    @property
    def sampled_rows(self) -> int:
        """The most rows that a sample has; fewer of many columns."""
        return sampled_rows(sum(map(len, self.sampled)))

    def calibrated(self, kind: Kind) -> Calibrated | None:
        """What calibration learned of a kind; None where its null is the two-sample one."""
        return self.calibrations.kinds.get(kind)

    def days_of(self, kind: Kind, rarity: float) -> float:
        """Days between chance events of a calibrated statistic, given log10 of the windows between them."""
        return float(min(10.0 ** min(rarity, 15.0) * self.window_days / self.parts_of(kind), MOST_DAYS))

    def parts_of(self, kind: Kind) -> int:
        """Into how many parts a kind's budget goes, of which one is for what is calibrated."""
        split = kind is Kind.QUALITY or (kind is Kind.CONCEPT and self.splits_concept)
        return PARTS if split else 1

    @property
    def splits_concept(self) -> bool:
        """Whether the relation of labels and features may open an alarm beside the calibrated residuals."""
        return (
            self.relation is not None and self.relation.decides and self.calibrated(Kind.CONCEPT) is not None
        )

    def tests_of(self, kind: Kind) -> int:
        """Over how many tests the budget of a kind is split; quality tests for more than detectors."""
        return self._tests[kind]

    def level_of(self, kind: Kind) -> float:
        """The probability of a false alarm that one test of this kind may have in one window."""
        return bonferroni(level(self.budgets[kind], self.window_days), self.tests_of(kind))

    def excess_of(self, test: Test) -> float:
        """How far above the two-sample line the reference's own windows put the line of this statistic.

        What varies between windows adds to what varies within them, so the excess that was found at the
        reference's usual window holds at any size.
        """
        return self.calibrations.excesses.get((test.column.name, test.detector.token), 0.0)

    @cached_property
    def _tests(self) -> Mapping[Kind, int]:
        split = [test.kind for test in self.tests if test.fixed is None]
        split += [Kind.COVARIATE for test in self.row_tests if test.fixed is None]
        facts = {Kind.QUALITY: len(self.reference.columns) + (self.labels is not None)}
        return {kind: max(1, split.count(kind) + facts.get(kind, 0)) for kind in Kind}


def sampled_rows(columns: int) -> int:
    """The most rows that a sample of so many columns has.

    >>> [sampled_rows(columns) for columns in (14, 1_000, 10_000)]
    [5000, 2000, 500]
    """
    return max(FEWEST_SAMPLED, min(MOST_SAMPLED, SAMPLED_VALUES // max(1, columns)))


def features_of(reference: Reference) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The numeric and the categorical features whose values can be compared, row by row: no ids, no text."""
    features = {column: each for column, each in reference.columns.values() if column.role is Role.FEATURE}
    known = {column.name: each for column, each in features.items()}
    numeric = {column.name for column in features if column.type is ColumnType.NUMERIC}
    names = watched(list(known), known)
    return tuple(each for each in names if each in numeric), tuple(
        each for each in names if each not in numeric
    )
