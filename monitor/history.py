"""The reference cut into windows as live rows are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor import baseline, estimator_learning, given_label, labelled, outcomes, row_tests
from monitor.calibrating import FEWEST_WINDOWS, Past
from monitor.errors import DetectorError
from monitor.estimators import Estimators
from monitor.label_problems import too_few
from monitor.pairs import columns_of
from monitor.plan import Plan, Test
from monitor.profile import Folder, Profile, summarized
from monitor.rows import Classes, Rows, concatenate
from monitor.sample import Sample
from monitor.sampling import WindowSamples
from monitor.scan import chunk_size
from monitor.sources.base import Interval, Source
from monitor.state import PendingWindow, Reading
from monitor.stats import tails
from monitor.types import Kind, Window
from monitor.windows import MICROSECOND, assign, micros
from monitor.within import within

MEASURED_WINDOWS = 200
"""Of at most so many windows the single statistics are measured, for their lines."""
WHOLE_WINDOW = 0.5
"""The first and the last window count only with this part of the median's rows: they may be cut."""
AT_MOST_ONE = frozenset({"ks", "jensen_shannon", "hellinger", "linf", "missing", "unseen", "out_of_range"})
"""Statistics that never exceed 1; the tail of their values may."""
SHARE = 0.8
"""The quantile of a statistic above which its tail begins."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Windows of the past in time order, and how far the lines of statistics are above two-sample ones."""

    windows: tuple[Past, ...]
    excesses: Mapping[tuple[str, str], float] = field(default_factory=dict)
    typical: Profile | None = None
    """A window of about the usual number of rows."""
    measured: tuple[Window, ...] = ()
    estimators: Estimators | None = None
    """What its labelled rows teach of shares and performance without labels."""
    fixed: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    """By (column, detector) with a fixed line the value in each `measured` window; NaN where undefined."""


def read(
    plan: Plan, source: Source, interval: Interval | None, threads: int, *, fixed: bool = False
) -> History:
    """The windows of the reference with rows enough to be judged; its rows are read once more.

    `fixed`: measure the statistics whose line the model file fixes, too.
    """
    found: list[Past] = []
    windows = spans(plan, source)
    lines = _Lines(plan, max(1, len(windows) // MEASURED_WINDOWS))
    row_lines = row_tests.Lines(plan, len(windows))
    for window, profile, sample in _profiles(plan, source, interval, windows, threads):
        if profile.rows >= plan.min_rows:
            lines.take(profile)
            row_lines.take(sample)
            if fixed:
                lines.take_fixed(window, profile)
            stored = summarized(profile, plan.panels.summarizers)
            found.append(Past(window, replace(stored, correlations=plan.panels.correlations(sample))))
    kept = _whole(found)
    rows, slices = _labelled_rows(plan, source, interval, kept)
    readings = _label_readings(plan, rows, slices, kept)
    pasts = (replace(past, labels=labels) for past, labels in zip(kept, readings, strict=True))
    excesses = {**lines.excesses(), **row_lines.excesses()}
    estimators = estimator_learning.learn(plan, rows, slices) if plan.errors is not None else None
    if estimators is not None:
        features = given_label.read(plan, estimators.classes, source, interval, threads)
        estimators = replace(estimators, given_label=features)
    return History(tuple(pasts), excesses, lines.typical, tuple(lines.measured), estimators, lines.fixed())


def spans(plan: Plan, source: Source) -> list[Window]:
    """The windows that the reference's rows lie in; its files where there is no time."""
    if plan.calendar is None:
        return [Window(None, None, entry.name) for entry in source.files()]
    start, end = plan.reference.start, plan.reference.end
    if start is None or end is None:
        return []
    return list(plan.calendar.windows(start, end + MICROSECOND))


def _profiles(
    plan: Plan, source: Source, interval: Interval | None, windows: Sequence[Window], threads: int
) -> Iterator[tuple[Window, Profile, Sample]]:
    """Each window's rows, counted in the bins that all of the reference fixed, and a sample of them."""
    references = plan.panels.references
    numeric, categorical = plan.sampled if plan.row_tests else (columns_of(plan.panels.pairs), ())
    if interval is None:
        for window in windows:
            folder, samples = (
                Folder(references, 1, threads),
                WindowSamples(numeric, categorical, 1, plan.sampled_rows),
            )
            for batch in source.scan(tuple(references), None, window.file):
                folder.add(batch.rows, 0)
                samples.add(batch, 0)
            yield window, folder.finish()[0], samples.finish()[0]
        return
    size = chunk_size(plan, plan.reference.rows / max(len(windows), 1))
    for first in range(0, len(windows), size):
        chunk = tuple(windows[first : first + size])
        folder = Folder(references, len(chunk), threads)
        samples = WindowSamples(numeric, categorical, len(chunk), plan.sampled_rows)
        part = replace(interval, start=chunk[0].start, end=chunk[-1].end)
        for batch in source.scan((interval.timestamp, *references), part):
            if interval.timestamp in batch.rows.schema.names:
                places = _places(batch.rows, interval, chunk)
                folder.add(batch.rows, places)
                samples.add(batch, places)
        yield from zip(chunk, folder.finish(), samples.finish(), strict=True)


def _places(rows: pa.RecordBatch, interval: Interval, windows: tuple[Window, ...]) -> NDArray[np.int32]:
    """The window of each row; -1 outside of all, and outside of the reference."""
    times, inside = within(rows, interval)
    return np.where(inside, assign(times, windows), -1).astype(np.int32)


def _whole(found: list[Past]) -> list[Past]:
    """Without a first or last window that the reference's bounds seem to have cut."""
    if len(found) < FEWEST_WINDOWS:
        return found
    least = WHOLE_WINDOW * float(np.median([past.profile.rows for past in found]))
    first = int(found[0].profile.rows < least)
    return found[first : len(found) - int(found[-1].profile.rows < least)]


class _Lines:
    """Single statistics of the reference's windows: of every `each` one for their lines, and fixed ones."""

    def __init__(self, plan: Plan, each: int) -> None:
        self._tests = [test for test in plan.tests if test.fixed is None and test.kind is not Kind.LABEL]
        self._fixed = [test for test in plan.tests if test.fixed is not None and test.kind in plan.budgets]
        self._plan, self._each, self._seen = plan, each, 0
        self._values: dict[tuple[str, str], list[float]] = {}
        self._fixed_values: list[list[float]] = []
        self.measured: list[Window] = []
        self.typical: Profile | None = None

    def take(self, profile: Profile) -> None:
        """Measure one window; the one of the most usual size so far is kept for its null."""
        self._seen += 1
        if (self._seen - 1) % self._each:
            return
        usual = self._plan.reference.rows / max(self._seen, 1)
        if self.typical is None or abs(profile.rows - usual) < abs(self.typical.rows - usual):
            self.typical = profile
        for test in self._tests:
            with suppress(Exception):  # what fails has no line; that it fails is told when it evaluates
                self._values.setdefault((test.column.name, test.detector.token), []).append(
                    self._value(test, profile)
                )

    def take_fixed(self, window: Window, profile: Profile) -> None:
        """Measure what has a fixed line."""
        values = [np.nan] * len(self._fixed)
        for number, test in enumerate(self._fixed):
            with suppress(Exception):
                values[number] = self._value(test, profile)
        self.measured.append(window)
        self._fixed_values.append(values)

    def fixed(self) -> dict[tuple[str, str], NDArray[np.float64]]:
        """The values of each statistic with a fixed line, window by window."""
        values = np.array(self._fixed_values, np.float64).reshape(len(self._fixed_values), len(self._fixed))
        return {
            (test.column.name, test.detector.token): values[:, number]
            for number, test in enumerate(self._fixed)
        }

    def _value(self, test: Test, profile: Profile) -> float:
        live = profile.columns.get(test.column.name)
        if live is None or not live.observed:
            message = "no value in this window"
            raise DetectorError(message)
        return float(test.detector.value(self._plan.panels.references[test.column.name], live))

    def excesses(self) -> dict[tuple[str, str], float]:
        """How far the line of the reference's own windows is above the two-sample one."""
        found = {}
        for test in self._tests:
            values = np.array(self._values.get((test.column.name, test.detector.token), ()))
            if len(values) < FEWEST_WINDOWS or self.typical is None or not np.isfinite(values).all():
                continue
            level = self._plan.level_of(test.kind)
            line = tails.value_line(values, SHARE, 1 / level)
            line = min(line, 1.0) if test.detector.token in AT_MOST_ONE else line
            if line > 0:
                live = self.typical.columns[test.column.name]
                null = test.detector.null(self._plan.panels.references[test.column.name], live)
                found[test.column.name, test.detector.token] = max(0.0, line - null.isf(level))
        return found


def _labelled_rows(
    plan: Plan, source: Source, interval: Interval | None, pasts: Sequence[Past]
) -> tuple[Rows, list[slice]]:
    """The reference's rows with their labels in the order of event time, and where each window's are."""
    if plan.labelled is None:
        return concatenate(()), []
    names = replace(plan.names, id=None)
    classes = Classes(plan.target.classes, private=plan.names.private)
    rows = baseline.labelled_rows(names, source, interval, plan.task, classes)
    spans = [past.window for past in pasts] if interval is not None else []
    if not spans:
        return rows, []
    bounds = np.array([(micros(each.start), micros(each.end)) for each in spans if each.start and each.end])
    first, last = np.searchsorted(rows.times, bounds.T, side="left")
    return rows, [slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _label_readings(
    plan: Plan, rows: Rows, slices: Sequence[slice], pasts: Sequence[Past]
) -> list[dict[Kind, Reading]]:
    """What calibration reads of the labels of each window."""
    if not slices:
        return [{} for _ in pasts]
    return [
        _labels_in(plan, past.window, rows.take(np.arange(each.start, each.stop)))
        for past, each in zip(pasts, slices, strict=True)
    ]


def _labels_in(plan: Plan, window: Window, rows: Rows) -> dict[Kind, Reading]:
    pending = PendingWindow(
        window, len(rows), rows.ids, rows.times, rows.predictions, rows.scores, rows.labels, rows.times
    )
    if too_few(plan, pending, final=True):
        return {}
    return labelled.readings_of(plan, plan.target.classes, pending, outcomes.error_tests(plan, pending))
