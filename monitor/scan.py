"""Live rows, streamed once: counted in the reference's bins and kept per row where labels need them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.plan import Plan
from monitor.profile import Folder, Profile
from monitor.rows import Classes, Rows, concatenate, rows_of
from monitor.sample import Sample
from monitor.sampling import WindowSamples
from monitor.sources.base import Batch, Interval
from monitor.types import Problem, Role, Window
from monitor.values import categorical, event_time
from monitor.windows import assign

CHUNK_CELLS = 16_000_000
"""Counts held at once: how many windows one scan may fold is this over the columns' bins."""
CHUNK_WINDOWS = 256
CHUNK_ROWS = 2_000_000
"""About how many rows are kept at once for the join; a window with more is alone."""
CHUNK_SAMPLED = 10_000_000
"""About how many values of sampled rows are kept at once."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowData:
    """One window as it was read."""

    window: Window
    profile: Profile
    rows: Rows
    versions: Mapping[str, int]
    files: Mapping[str, int]
    """Rows of this window by file."""
    sample: Sample | None = None
    """Some of its rows; None where the plan needs none."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """The windows as they were read, and what was wrong with the files."""

    windows: tuple[WindowData, ...]
    problems: tuple[Problem, ...]


def scan(
    plan: Plan, windows: tuple[Window, ...], files: Sequence[str], classes: Classes, threads: int
) -> Scanned:
    """Read the rows of adjoining windows from these files in one pass; a window of a file is read alone."""
    rows_needed = plan.labelled is not None or plan.names.id is not None
    columns = wanted(plan, rows_needed=rows_needed)
    references = {
        column.name: reference
        for column, reference in plan.reference.columns.values()
        if column.role in {Role.FEATURE, Role.PREDICTION, Role.PROBABILITY}
    }
    folder = Folder(references, len(windows), threads)
    samples = _samples(plan, len(windows))
    gathered = _Gathered(versions=[{} for _ in windows], files=[{} for _ in windows])
    problems: list[Problem] = []
    for file in files:
        for batch in plan.live.scan(columns, _interval(plan, windows), file):
            index, times = _place(plan, windows, batch)
            if not (index >= 0).any():
                continue
            folder.add(batch.rows, index)
            if samples is not None:
                samples.add(batch, index)
            _gather(gathered, plan, batch, index, times, classes, rows_needed=rows_needed)
        problems += plan.live.problems()
    rows = concatenate(gathered.rows, len(plan.names.probabilities))
    found = _split(windows, folder.finish(), rows, gathered)
    if samples is not None:
        found = tuple(
            replace(data, sample=sample) for data, sample in zip(found, samples.finish(), strict=True)
        )
    return Scanned(found, tuple(problems))


def _samples(plan: Plan, windows: int) -> WindowSamples | None:
    numeric, categorical = plan.sampled
    return WindowSamples(numeric, categorical, windows, plan.sampled_rows) if numeric or categorical else None


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


def _split(
    windows: tuple[Window, ...], profiles: tuple[Profile, ...], rows: Rows, gathered: _Gathered
) -> tuple[WindowData, ...]:
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


def chunks(plan: Plan, windows: Sequence[Window], rows: float) -> Iterator[tuple[Window, ...]]:
    """The windows in groups that one scan can hold in memory; `rows` is about how many they have together."""
    if plan.calendar is None:
        yield from ((window,) for window in windows)
        return
    by_rows = int(CHUNK_ROWS * len(windows) / max(rows, 1))
    size = max(1, min(chunk_size(plan, rows / max(len(windows), 1)), by_rows))
    for start in range(0, len(windows), size):
        yield tuple(windows[start : start + size])


def chunk_size(plan: Plan, rows: float) -> int:
    """How many windows, of about so many rows each, can be counted and sampled at once in bounded memory."""
    columns = sum(map(len, plan.sampled))
    sampled = int(CHUNK_SAMPLED / max(columns * min(rows, plan.sampled_rows), 1))
    cells = sum(
        len(reference.counts.bins) if hasattr(reference.counts, "bins") else len(reference.counts.categories)
        for _, reference in plan.reference.columns.values()
    )
    return max(1, min(CHUNK_WINDOWS, CHUNK_CELLS // max(cells, 1), sampled))
