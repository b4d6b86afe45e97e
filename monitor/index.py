"""What event times the live files hold: the file index, late rows, and where the data end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from monitor.plan import Plan
from monitor.sources.base import FileEntry, Interval
from monitor.state import FileRecord, ModelState
from monitor.types import Problem, Reason, iso
from monitor.values import event_time
from monitor.windows import MICROSECOND, micros, moment

FOREVER = np.iinfo(np.int64).max
AHEAD = timedelta(days=1)
"""How far ahead of the clock an event time may be before it counts as far in the future."""
AGAIN = ""
"""Stands for the version of a file that the next run reads again though it did not change."""


@dataclass(slots=True)
class _Seen:
    """What one pass over the times of one file found, in microseconds."""

    rows: int = 0
    first: int = FOREVER
    last: int = -FOREVER
    first_after_reference: int = FOREVER
    behind: int = 0
    future: int = 0
    unreadable: int = 0
    naive: bool = False


@dataclass(frozen=True, slots=True)
class TimeIndex:
    """The live files as they stand: `first` and `last` event time that count for windows."""

    files: Mapping[str, FileRecord]
    first: datetime | None
    last: datetime | None
    problems: tuple[Problem, ...] = ()
    faults: tuple[Problem, ...] = ()
    """What is wrong with files as such."""
    naive: bool = False


@dataclass(slots=True)
class _Totals:
    start: int
    first: int = FOREVER
    last: int = -FOREVER
    late: int = 0
    future: int = 0
    unreadable: int = 0
    naive: bool = False
    files: dict[str, FileRecord] = field(default_factory=dict)
    faults: list[Problem] = field(default_factory=list)


def index_times(plan: Plan, state: ModelState, now: datetime) -> TimeIndex:
    """Read the times of new and changed files; the others are known.

    Rows more than a day after `now` are far in the future: left alone. Rows behind the watermark
    that were not there when their window was evaluated are late.
    """
    assert plan.names.timestamp is not None
    watermark = state.watermark
    totals = _Totals(_start_bound(plan, state.origin))
    limit = now + AHEAD
    entries = plan.live.files()
    totals.faults += plan.live.problems()
    for entry in entries:
        record = state.files.get(entry.name)
        if record is not None and record.version == entry.version:
            _add_known(totals, record)
        else:
            _add_new(totals, plan, entry, record, watermark, limit)
            totals.faults += plan.live.problems()
    return TimeIndex(
        totals.files,
        moment(totals.first) if totals.first != FOREVER else None,
        moment(totals.last) if totals.last >= max(totals.start, 1 - FOREVER) else None,
        _problems(totals, plan, watermark, now),
        tuple(dict.fromkeys(totals.faults)),
        totals.naive,
    )


def _add_known(totals: _Totals, record: FileRecord) -> None:
    totals.files[record.name] = record
    if record.last is not None:
        totals.last = max(totals.last, micros(record.last))


def _add_new(
    totals: _Totals,
    plan: Plan,
    entry: FileEntry,
    record: FileRecord | None,
    watermark: datetime | None,
    limit: datetime,
) -> None:
    seen = _read(plan, entry.name, watermark, limit, totals.start)
    if not seen.rows:  # unreadable or empty: read again at the next run, and what was counted stays so
        if record is not None:
            totals.files[entry.name] = replace(record, version=AGAIN)
        return
    had = record.behind if record is not None else 0
    totals.late += max(0, seen.behind - had)
    totals.first = min(totals.first, seen.first_after_reference)
    totals.last = max(totals.last, seen.last)
    totals.future += seen.future
    totals.unreadable += seen.unreadable
    totals.naive |= seen.naive
    totals.files[entry.name] = FileRecord(
        entry.name,
        AGAIN if seen.future else entry.version,  # some of its rows may be due by the next run
        moment(seen.first) if seen.first != FOREVER else None,
        moment(seen.last) if seen.last != -FOREVER else None,
        seen.rows,
        seen.behind,
    )


def _read(plan: Plan, file: str, watermark: datetime | None, limit: datetime, start: int) -> _Seen:
    assert plan.names.timestamp is not None
    seen = _Seen()
    behind = micros(watermark) if watermark is not None else -FOREVER
    interval = Interval(plan.names.timestamp, plan.zone, None, None)
    for batch in plan.live.scan((plan.names.timestamp,), interval, file):
        seen.rows += batch.rows.num_rows
        if plan.names.timestamp not in batch.rows.schema.names:
            seen.unreadable += batch.rows.num_rows
            continue
        found = event_time(batch.rows.column(plan.names.timestamp), plan.zone)
        seen.naive |= found.naive
        times = found.micros[found.valid]
        seen.unreadable += batch.rows.num_rows - len(times)
        near = times[times < micros(limit)]
        seen.future += len(times) - len(near)
        if not len(near):
            continue
        seen.first = min(seen.first, int(near.min()))
        seen.last = max(seen.last, int(near.max()))
        after = near[near >= start]
        if len(after):
            seen.first_after_reference = min(seen.first_after_reference, int(after.min()))
            seen.behind += int(np.count_nonzero(after < behind))
    return seen


def _start_bound(plan: Plan, origin: datetime | None) -> int:
    """The first event time that can be live: as the model file says, else the first window's start.

    Before there is one, the first time after the reference.
    """
    if plan.live_start is not None:
        return micros(plan.live_start)
    if origin is not None:
        return micros(origin)
    return micros(plan.reference.end) + 1 if plan.reference.end is not None else -FOREVER


def files_within(index: Mapping[str, FileRecord], start: datetime, end: datetime) -> tuple[str, ...]:
    """The files that hold rows in `[start, end)`, as far as their first and last time tell."""
    return tuple(record.name for record in index.values() if _share(record, start, end) > 0)


def rows_within(index: Mapping[str, FileRecord], start: datetime, end: datetime) -> float:
    """About how many rows lie in `[start, end)`, were they spread evenly over each file's time."""
    return sum(record.rows * _share(record, start, end) for record in index.values())


def _share(record: FileRecord, start: datetime, end: datetime) -> float:
    """The part of the file's time that lies in `[start, end)`."""
    if record.first is None or record.last is None or record.first >= end or record.last < start:
        return 0.0
    length = record.last - record.first + MICROSECOND
    return (min(record.last + MICROSECOND, end) - max(record.first, start)) / length


def counted(files: Mapping[str, FileRecord], rows: Mapping[str, int]) -> dict[str, FileRecord]:
    """The index after a window was evaluated: its rows, by file, are now behind the watermark."""
    after = dict(files)
    for name, count in rows.items():
        if name in after:
            after[name] = replace(after[name], behind=after[name].behind + count)
    return after


def _problems(totals: _Totals, plan: Plan, watermark: datetime | None, now: datetime) -> tuple[Problem, ...]:
    name = plan.names.timestamp or ""
    problems = []
    if totals.late and watermark is not None:
        text = (
            f"{totals.late} rows have event times before {iso(watermark)}, up to which {plan.model} is "
            f"evaluated; they are not counted. A longer window.lateness waits for such rows"
        )
        problems.append(Problem(name, Reason.LATE_ROWS, text))
    if totals.future:
        text = (
            f"{totals.future} rows have event times more than a day after {iso(now)}; "
            "they are left alone until then"
        )
        problems.append(Problem(name, Reason.FUTURE_ROWS, text))
    if totals.unreadable:
        text = (
            f"{totals.unreadable} rows have no event time that can be read in {name!r}; they are in no window"
        )
        problems.append(Problem(name, Reason.NO_TIMESTAMP, text))
    return tuple(problems)
