"""Live rows, streamed once: counted in the reference's bins and kept per row where labels need them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.columns import digest
from monitor.plan import Names, Plan
from monitor.profile import Folder, Profile
from monitor.sources.base import Batch, Interval
from monitor.types import Role, Task, Window
from monitor.values import categorical, event_time, identity_hash, numeric
from monitor.windows import assign

CHUNK_CELLS = 16_000_000
"""Counts held at once: how many windows one scan may fold is this over the columns' bins."""
CHUNK_WINDOWS = 256


class Classes:
    """Class names as codes; a name that is new gets the next code.

    Of private classes only digests are kept as names.

    >>> classes = Classes(("no", "yes"))
    >>> classes.codes(("yes", "maybe")).tolist(), classes.names
    ([1.0, 2.0], ('no', 'yes', 'maybe'))
    """

    def __init__(self, names: Sequence[str], *, private: bool = False) -> None:
        self._codes = {name: code for code, name in enumerate(names)}
        self._private = private

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the order of its code."""
        return tuple(self._codes)

    def codes(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The code of each name."""
        known = map(digest, names) if self._private else names
        return np.array([self._codes.setdefault(name, len(self._codes)) for name in known], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What the join and the errors need of each row; arrays of equal length, in file order."""

    ids: NDArray[np.uint64]
    identified: NDArray[np.bool_]
    times: NDArray[np.int64]
    predictions: NDArray[np.float64]
    scores: NDArray[np.float32]
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ids)

    def take(self, index: NDArray[np.int64]) -> "Rows":
        """The rows at these places, in this order."""
        return Rows(
            self.ids[index],
            self.identified[index],
            self.times[index],
            self.predictions[index],
            self.scores[index],
            self.labels[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class WindowData:
    """One window as it was read."""

    window: Window
    profile: Profile
    rows: Rows
    versions: Mapping[str, int]
    files: Mapping[str, int]
    """Rows of this window by file."""

    @property
    def unique_ids(self) -> int:
        """How many different ids the rows have."""
        return len(np.unique(self.rows.ids[self.rows.identified]))


@dataclass(slots=True)
class _Gathered:
    """Arrays by batch, on their way to windows."""

    window: list[NDArray[np.int32]] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    versions: list[dict[str, int]] = field(default_factory=list)
    files: list[dict[str, int]] = field(default_factory=list)


def wanted(plan: Plan, *, rows_needed: bool) -> tuple[str, ...]:
    """The columns that a scan of the live rows reads."""
    names = plan.names
    columns = [column.name for column in plan.columns(Role.FEATURE, Role.PREDICTION, Role.PROBABILITY)]
    columns += [names.timestamp or "", names.version or "", names.id or ""]
    if rows_needed:
        columns += [names.prediction or "", *names.probabilities.values(), names.label or ""]
    return tuple(dict.fromkeys(column for column in columns if column))


def scan(plan: Plan, windows: tuple[Window, ...], classes: Classes, threads: int) -> tuple[WindowData, ...]:
    """Read the rows of adjoining windows in one pass; a window of a file is read alone."""
    rows_needed = plan.labelled is not None or plan.names.id is not None
    columns = wanted(plan, rows_needed=rows_needed)
    references = {
        column.name: reference
        for column, reference in plan.reference.columns.values()
        if column.role in {Role.FEATURE, Role.PREDICTION, Role.PROBABILITY}
    }
    folder = Folder(references, len(windows), threads)
    gathered = _Gathered(versions=[{} for _ in windows], files=[{} for _ in windows])
    for batch in plan.live.scan(columns, _interval(plan, windows), windows[0].file):
        index, times = _place(plan, windows, batch)
        if not (index >= 0).any():
            continue
        folder.add(batch.rows, index)
        _gather(gathered, plan, batch, index, times, classes, rows_needed=rows_needed)
    return _split(windows, folder.finish(), gathered)


def _interval(plan: Plan, windows: tuple[Window, ...]) -> Interval | None:
    if plan.names.timestamp is None:
        return None
    return Interval(plan.names.timestamp, plan.zone, windows[0].start, windows[-1].end)


def _place(
    plan: Plan, windows: tuple[Window, ...], batch: Batch
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The window of each row (-1: none) and its event time."""
    count = batch.rows.num_rows
    if plan.names.timestamp is None:
        return np.zeros(count, np.int32), np.zeros(count, np.int64)
    if plan.names.timestamp not in batch.rows.schema.names:
        return np.full(count, -1, np.int32), np.zeros(count, np.int64)
    times = event_time(batch.rows.column(plan.names.timestamp), plan.zone)
    index = assign(times.micros, windows)
    if plan.live_start is not None:
        start = np.int64(plan.live_start.timestamp() * 1_000_000)
        index = np.where(times.micros < start, -1, index).astype(np.int32)
    return np.where(times.valid, index, -1).astype(np.int32), times.micros


def _gather(
    gathered: _Gathered,
    plan: Plan,
    batch: Batch,
    index: NDArray[np.int32],
    times: NDArray[np.int64],
    classes: Classes,
    *,
    rows_needed: bool,
) -> None:
    inside = np.flatnonzero(index >= 0)
    counts = np.bincount(index[inside], minlength=len(gathered.files))
    for window, count in enumerate(counts.tolist()):
        if count:
            files = gathered.files[window]
            files[batch.file] = files.get(batch.file, 0) + count
    if plan.names.version is not None and plan.names.version in batch.rows.schema.names:
        _count_versions(gathered, batch.rows.column(plan.names.version), index)
    if rows_needed:
        rows = rows_of(plan.names, plan.task, batch.rows, times, classes)
        gathered.window.append(index[inside])
        gathered.rows.append(rows.take(inside))


def _count_versions(gathered: _Gathered, array: pa.Array, index: NDArray[np.int32]) -> None:
    found = categorical(array)
    for window in np.unique(index[index >= 0]).tolist():
        codes = found.codes[index == window]
        counts = np.bincount(codes[codes >= 0], minlength=len(found.categories))
        versions = gathered.versions[window]
        for name, count in zip(found.categories, counts.tolist(), strict=True):
            if count:
                versions[name] = versions.get(name, 0) + count


def rows_of(
    names: Names, task: Task | None, batch: pa.RecordBatch, times: NDArray[np.int64], classes: Classes
) -> Rows:
    """What the join and the errors need of the rows of one batch."""
    count = batch.num_rows
    present = set(batch.schema.names)
    if names.id is not None and names.id in present:
        ids, identified = identity_hash(batch.column(names.id))
    else:
        ids, identified = np.zeros(count, np.uint64), np.zeros(count, bool)
    scores = [
        numeric(batch.column(column)).values if column in present else np.full(count, np.nan)
        for column in names.probabilities.values()
    ]
    return Rows(
        ids,
        identified,
        times,
        outcome(batch, names.prediction, task, classes),
        np.column_stack(scores).astype(np.float32) if scores else np.zeros((count, 0), np.float32),
        outcome(batch, names.label, task, classes),
    )


def outcome(
    batch: pa.RecordBatch, column: str | None, task: Task | None, classes: Classes
) -> NDArray[np.float64]:
    """Labels or predictions as numbers: class codes, or the values of a regression; NaN is missing."""
    if column is None or column not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    if task is Task.REGRESSION:
        return numeric(batch.column(column)).values
    found = categorical(batch.column(column))
    if not len(found.categories):
        return np.full(batch.num_rows, np.nan)
    codes = classes.codes(found.categories)[found.codes]
    return np.where(found.codes >= 0, codes, np.nan)


def concatenate(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, in order."""
    if not parts:
        nothing = np.zeros(0)
        return Rows(
            nothing.astype(np.uint64),
            nothing.astype(bool),
            nothing.astype(np.int64),
            nothing,
            np.zeros((0, 0), np.float32),
            nothing,
        )
    return Rows(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.identified for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.predictions for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _split(
    windows: tuple[Window, ...], profiles: tuple[Profile, ...], gathered: _Gathered
) -> tuple[WindowData, ...]:
    rows = concatenate(gathered.rows)
    window = np.concatenate(gathered.window) if gathered.window else np.zeros(0, np.int32)
    order = np.argsort(window, kind="stable")
    bounds = np.searchsorted(window[order], np.arange(len(windows) + 1))
    return tuple(
        WindowData(
            window_,
            profiles[number],
            rows.take(order[bounds[number] : bounds[number + 1]]),
            gathered.versions[number],
            gathered.files[number],
        )
        for number, window_ in enumerate(windows)
    )


def chunks(plan: Plan, windows: Sequence[Window]) -> Iterator[tuple[Window, ...]]:
    """The windows in groups that one scan can hold in memory."""
    if plan.calendar is None:
        yield from ((window,) for window in windows)
        return
    cells = sum(
        len(reference.counts.bins) if hasattr(reference.counts, "bins") else len(reference.counts.categories)
        for _, reference in plan.reference.columns.values()
    )
    size = max(1, min(CHUNK_WINDOWS, CHUNK_CELLS // max(cells, 1)))
    for start in range(0, len(windows), size):
        yield tuple(windows[start : start + size])
