"""What one model remembers between ticks, and what one tick writes: frozen, passed in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.types import AlarmState, Decision, EstimateRecord, Evaluation, Kind, Window


@dataclass(frozen=True, slots=True)
class Reading:
    """What calibration reads of one kind in one window.

    `rows`: behind each column. `values`: contrasts, then cells as shares, 0 where a column has no rows.
    `words`: by column, what moved, from what to what.
    """

    rows: tuple[float, ...]
    values: tuple[float, ...]
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PendingWindow:
    """An evaluated window that still awaits labels: one entry per row that has an id of its own.

    `ids`: uint64 (n,). `times`: int64 (n,), event time in microseconds UTC. `predictions`: float64
    (n,), a class code or a number, NaN where missing. `scores`: float32 (n, k), the probabilities
    that the file names, k may be 0. `labels`: float64 (n,), NaN until known. `label_times`: int64
    (n,), when the label became known, 0 until then.
    """

    window: Window
    rows: int
    ids: NDArray[np.uint64]
    times: NDArray[np.int64]
    predictions: NDArray[np.float64]
    scores: NDArray[np.float32]
    labels: NDArray[np.float64]
    label_times: NDArray[np.int64]
    passed: int = 0
    """How many of the coverage marks (50, 80, 95 %) have been printed."""
    conflicts: int = 0
    """Labels that came again with another value; the first holds."""
    decisions: Mapping[Kind, Decision] = field(default_factory=dict)
    """By kind that reads labels, what its newest labels decide without memory of other windows."""
    readings: Mapping[Kind, Reading] = field(default_factory=dict)
    """By kind that reads labels, what calibration reads of its newest labels; none while they are too few."""
    hits: frozenset[str] = frozenset()
    """The kinds, as text, in which a stream detector found a change for the worse within this window."""
    estimate: Decision | None = None
    """What predictions alone say of the class shares; it holds until there are labels enough."""
    conflicted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(n,): whether a row's label came again with another value; of no length where none did."""
    sampled: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(m,): some of the rows, whose features are kept until their labels come."""
    features: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), np.float16))
    """(m, p): those features as the relation of labels and features encodes them."""
    encoding: str = ""
    """A digest of how they are encoded."""
    moved: bool = False
    """Whether inputs were in alarm, of covariate or quality, in this window."""

    @cached_property
    def labelled(self) -> int:
        """How many rows have their label."""
        return int(np.count_nonzero(~np.isnan(self.labels)))

    def labels_only(self) -> "PendingWindow":
        """The window without its rows but for their labels: how many are known is still asked."""
        none = slice(0)
        return replace(
            self,
            ids=self.ids[none],
            times=self.times[none],
            predictions=self.predictions[none],
            scores=self.scores[none],
            label_times=self.label_times[none],
            conflicted=self.conflicted[none],
            sampled=self.sampled[none],
            features=self.features[none],
        )


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream detector between ticks: its own bytes, and whether its stream stands worse."""

    detector: str
    state: bytes
    worse_since: datetime | None = None
    """Start of the window in which the error rose; None where it did not, or came back."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One live file as it was last read; `behind` counts its rows that were before the watermark."""

    name: str
    version: str
    first: datetime | None
    last: datetime | None
    rows: int
    behind: int


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One file of labels as it was last read: `last` is when the newest label in it became known."""

    version: str
    last: datetime


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One alarm from open to close; unique by (model, kind, segment, since)."""

    kind: Kind
    segment: str
    since: datetime
    closed: datetime | None
    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was seen up to a moment was accepted as normal.

    `at`: when. `watermark`: the event time up to which windows were accepted; for windows without time,
    the tick of the last one.
    """

    at: datetime
    watermark: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ModelState:
    """Everything that the next tick of a model depends on, besides its configuration and the data.

    `alarms` holds, for the kinds that read labels, the memory before the oldest pending window: what
    follows from the pending windows is recomputed at each tick, since their labels still change it.
    """

    model: str
    reference: str = ""
    origin: datetime | None = None
    watermark: datetime | None = None
    tick: datetime | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    streams: Mapping[str, StreamState] = field(default_factory=dict)
    alarms: Mapping[Kind, AlarmState] = field(default_factory=dict)
    memories: Mapping[Kind, bytes] = field(default_factory=dict)
    """What earlier windows left in the calibrated statistics of each kind; with labels as `alarms` does."""
    pending: tuple[PendingWindow, ...] = ()
    classes: tuple[str, ...] = ()
    said: frozenset[str] = frozenset()
    """What was said once and is not repeated."""
    standing: Mapping[Kind, AlarmState] = field(default_factory=dict)
    """What each kind remembers after everything that is known, pending windows included."""
    label_files: Mapping[str, LabelFile] = field(default_factory=dict)
    """Files of labels by name: what they told up to the last tick is known."""
    delays: bytes = b""
    """How late the labels of final windows came, for models whose reference does not tell."""
    estimates: Mapping[str, EstimateRecord] = field(default_factory=dict)
    """By metric, how right the estimates of final windows were."""
    accepted: int = 0
    """How many pending windows, the oldest ones, were accepted: they open no alarm, whatever labels say."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A window as the store keeps it: its compact profile, and the kinds whose alarm was open after it."""

    window: Window
    profile: bytes
    open: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Commit:
    """What one tick writes, all or nothing.

    `changed`: keys of the pending windows that are new or differ from the last commit; a pending
    window that is no longer in `state.pending` is dropped. `alarms`: every alarm that this tick
    opened, changed or closed. `profiles`: compact profiles of newly evaluated windows by key.
    """

    model: str
    evaluations: tuple[Evaluation, ...]
    state: ModelState
    changed: frozenset[str] = frozenset()
    alarms: tuple[AlarmRecord, ...] = ()
    withdrawn: tuple[tuple[Kind, str, datetime], ...] = ()
    """Alarms (kind, segment, since) that a restatement showed not to have been."""
    profiles: Mapping[str, bytes] = field(default_factory=dict)
    acceptance: Acceptance | None = None

    def to_write(self) -> "Commit":
        """What a writer needs: the store has the rows of pending windows that did not change."""
        pending = tuple(
            window if window.window.key in self.changed else window.labels_only()
            for window in self.state.pending
        )
        return replace(self, state=replace(self.state, pending=pending))
