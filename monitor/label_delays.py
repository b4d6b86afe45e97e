"""How late the labels of the reference's rows came, where a source of labels tells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.delays import MOST_WINDOWS, Delays, no_delays
from monitor.errors import SourceError
from monitor.join import LabelTable, first_of_each, match
from monitor.label_files import CLOCK_SKEW, NEVER, read_all
from monitor.maturity import FEWEST_WINDOWS, SECOND
from monitor.plan import Plan
from monitor.rows import Classes
from monitor.sources.base import Interval, Source
from monitor.types import Window
from monitor.values import identity_hash
from monitor.windows import assign, micros
from monitor.within import within


def read(plan: Plan, source: Source, interval: Interval | None, windows: Sequence[Window]) -> Delays | None:
    """By window of the reference; None where labels have no times, or too few windows have theirs."""
    labels, name = plan.labels, plan.names.id
    if labels is None or labels.timestamp is None or interval is None or name is None or not windows:
        return None
    windows = windows[-MOST_WINDOWS:]
    first, last = windows[0].start, windows[-1].end
    if name not in source.schema().names or first is None or last is None:
        return None
    span = Interval(labels.timestamp, plan.zone, first - CLOCK_SKEW, last + labels.horizon)
    try:
        table = read_all(plan, labels, span, Classes(plan.target.classes, private=plan.names.private))
    except SourceError:
        return None  # the run tells what is wrong with it
    if not len(table.ids):
        return None
    windows = _whole(windows, table, labels.horizon)
    if len(windows) < FEWEST_WINDOWS:
        return None
    found = no_delays()
    ids, times = _rows(source, replace(interval, start=first, end=windows[-1].end), name)
    order = np.argsort(times, kind="stable")
    ids, times = ids[order], times[order]
    place = assign(times, tuple(windows))
    seconds = _seconds(ids, times, table, labels.horizon.total_seconds())
    for number in range(len(windows)):
        here = slice(*np.searchsorted(place, [number, number + 1]).tolist())
        if here.stop - here.start >= plan.min_rows:
            found = found.with_window(here.stop - here.start, seconds[here])
    counts = found.counts.any(axis=1)
    first_known = int(np.argmax(counts)) if counts.any() else len(found)
    # before the first labels of all the source did not tell of any
    found = Delays(found.rows[first_known:], found.counts[first_known:])
    return found if len(found) >= FEWEST_WINDOWS else None


def _whole(windows: Sequence[Window], table: LabelTable, horizon: timedelta) -> Sequence[Window]:
    """The windows whose labels have had all their time, by the newest label of all."""
    newest = int(table.times[table.times < micros(NEVER)].max(initial=0))
    return [each for each in windows if each.end is not None and micros(each.end + horizon) <= newest]


def _rows(source: Source, interval: Interval, name: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Ids and event times of the rows that lie in the interval and have both, the first of each id."""
    ids, times = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for batch in source.scan((interval.timestamp, name), interval):
        if name in batch.rows.schema.names:
            hashes, identified = identity_hash(batch.rows.column(name))
            moments, inside = within(batch.rows, interval)
            ids.append(hashes[identified & inside])
            times.append(moments[identified & inside])
    every = np.concatenate(ids)
    first = first_of_each(every, np.ones(len(every), bool))
    return every[first], np.concatenate(times)[first]


def _seconds(
    ids: NDArray[np.uint64], times: NDArray[np.int64], table: LabelTable, horizon: float
) -> NDArray[np.float64]:
    """How long after its row each label came; NaN where none came within the horizon."""
    place = match(ids, table)
    seconds = np.where(place >= 0, (table.times[place] - times) / SECOND, np.nan)
    return np.where(seconds <= horizon, seconds, np.nan)
