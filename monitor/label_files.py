"""Labels that come by themselves, read file by file: only what may be new to a window."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.join import LabelTable, label_table, no_labels
from monitor.plan import LabelSource, Plan
from monitor.rows import Classes, outcome
from monitor.sources.base import Batch, FileEntry, Interval
from monitor.state import LabelFile, ModelState
from monitor.types import Problem, Reason, Window
from monitor.values import event_time, identity_hash
from monitor.windows import micros, moment

CLOCK_SKEW = timedelta(days=1)
"""How much earlier than its row's window a label may claim to be known."""
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """The labels of one run, what was wrong with their files, and the files as they were read."""

    table: LabelTable
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, LabelFile] = field(default_factory=dict)


def read_labels(
    plan: Plan, state: ModelState, ready: Sequence[Window], classes: Classes, first: datetime
) -> LabelsRead:
    """The labels that windows of this run may await and do not have yet.

    A label without a time counts as known at `first`, the first tick of this run; files that hold such labels
    are read again in each run, since their rows may be of any later window. Of another file that did not
    change only what became known since the last tick is read again, and what rows of the windows that are
    `ready` may have.
    """
    if plan.labels is None or plan.labelled is None or not (state.pending or ready):
        return LabelsRead(no_labels(), files=state.label_files)
    reader = _Reader(plan, plan.labels, classes, _earliest(state, ready))
    since = _since(state, ready)
    entries = plan.labels.source.files()
    reader.tell()
    for entry in entries:
        known = state.label_files.get(entry.name)
        if known is None or known.version != reader.version_of(entry):
            reader.read(entry, None, first)
        elif since is None or known.last >= since:
            reader.read(entry, since, first)
        else:
            reader.files[entry.name] = known
    if not entries:
        reader.read(None, None, first)
    return reader.finish()


def read_all(plan: Plan, source: LabelSource, interval: Interval, classes: Classes) -> LabelTable:
    """The labels that became known in the interval, whoever awaits them."""
    reader = _Reader(plan, source, classes, interval.start)
    reader.read(None, None, NEVER)
    return reader.finish().table


class _Reader:
    """Labels on their way from files to one table."""

    def __init__(self, plan: Plan, source: LabelSource, classes: Classes, earliest: datetime | None) -> None:
        self._plan, self._source, self._classes, self._earliest = plan, source, classes, earliest
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]] = []
        self._problems: list[Problem] = []
        self._faults = _Faults()
        self.files: dict[str, LabelFile] = {}

    def version_of(self, entry: FileEntry) -> str:
        """Changes with the file, and with what is read of it."""
        source = self._source
        asked = json.dumps([source.id, source.label, source.timestamp, self._plan.zone])
        return f"{entry.version} {asked}"

    def read(self, entry: FileEntry | None, since: datetime | None, first: datetime) -> None:
        """The labels of one file, or of a source without files, that became known from `since` on."""
        source = self._source
        interval = None
        if source.timestamp is not None:
            interval = Interval(source.timestamp, self._plan.zone, since or self._earliest, None)
        columns = [source.id, source.label, *([source.timestamp] if source.timestamp else [])]
        last, good, untimed = self._earliest, source.timestamp is not None, self._faults.untimed
        for batch in source.source.scan(columns, interval, entry.name if entry else None):
            absent = [name for name in columns if name not in batch.rows.schema.names]
            for name in absent:
                self._faults.without[name] = self._faults.without.get(name, 0) + batch.rows.num_rows
            good &= not absent
            if source.id not in absent and source.label not in absent:
                part = _of_batch(self._plan, source, batch, self._classes, micros(first), self._faults)
                self._parts.append(part)
                if len(part[2]):
                    newest = moment(int(part[2].max()))
                    last = newest if last is None else max(last, newest)
        good &= not self.tell() and self._faults.untimed == untimed
        if entry is not None and last is not None and good:
            self.files[entry.name] = LabelFile(self.version_of(entry), last)

    def tell(self) -> tuple[Problem, ...]:
        """What the source met in its last listing or scan; it is told at the end."""
        problems = tuple(_file_problems(self._source))
        self._problems += problems
        return problems

    def finish(self) -> LabelsRead:
        """One table of everything that was read."""
        problems = (*dict.fromkeys(self._problems), *_label_problems(self._source, self._faults))
        if not self._parts:
            return LabelsRead(no_labels(), problems, self.files)
        ids, values, times = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        return LabelsRead(label_table(ids, values, times), problems, self.files)


@dataclass(slots=True)
class _Faults:
    """What is wrong with rows of labels: how many lack which column, an id, a time."""

    without: dict[str, int] = field(default_factory=dict)
    unidentified: int = 0
    untimed: int = 0


def _earliest(state: ModelState, ready: Sequence[Window]) -> datetime | None:
    """From when on labels may belong to windows that await them."""
    starts = [window.window.start for window in state.pending[:1]] + [window.start for window in ready[:1]]
    known = [start for start in starts if start is not None]
    return min(known) - CLOCK_SKEW if known else None


def _since(state: ModelState, ready: Sequence[Window]) -> datetime | None:
    """From when on labels of unchanged files may be new to a window; None where any may be.

    Pending windows have had all that was known at the last tick; rows that are new may have labels that
    are older.
    """
    if state.tick is None or (ready and ready[0].start is None):
        return None
    moments = [state.tick, *(window.start - CLOCK_SKEW for window in ready[:1] if window.start is not None)]
    return min(moments)


def _of_batch(
    plan: Plan, source: LabelSource, batch: Batch, classes: Classes, first: int, faults: _Faults
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]:
    ids, valid = identity_hash(batch.rows.column(source.id))
    faults.unidentified += int(np.count_nonzero(~valid))
    values = outcome(batch.rows, source.label, plan.task, classes)
    times = np.full(len(ids), first, np.int64)
    if source.timestamp is not None and source.timestamp in batch.rows.schema.names:
        found = event_time(batch.rows.column(source.timestamp), plan.zone)
        faults.untimed += int(np.count_nonzero(~found.valid))
        times = np.where(found.valid, found.micros, first)
    return ids[valid], values[valid], times[valid]


def _file_problems(source: LabelSource) -> Iterator[Problem]:
    for each in source.source.problems():
        if each.reason is not Reason.ABSENT_COLUMN:
            yield Problem(each.column, each.reason, f"ground_truth: {each.message}")


def _label_problems(source: LabelSource, faults: _Faults) -> Iterator[Problem]:
    for name, rows in faults.without.items():
        what = "they count as known when first read" if name == source.timestamp else "they are left out"
        text = f"ground_truth: {rows} rows are in files without the column {name!r}; {what}"
        yield Problem(name, Reason.ABSENT_COLUMN, text)
    if faults.unidentified:
        text = f"ground_truth: {faults.unidentified} rows have no id in {source.id!r}; they are left out"
        yield Problem(source.id, Reason.UNKNOWN_ID, text)
    if faults.untimed and source.timestamp is not None:
        text = (
            f"ground_truth: {faults.untimed} rows have no time that can be read in {source.timestamp!r}; "
            "they count as known when first read"
        )
        yield Problem(source.timestamp, Reason.NO_TIMESTAMP, text)
