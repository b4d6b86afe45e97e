"""How late the labels of the reference's rows came, where a source of labels tells."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.delays import MOST_WINDOWS, Delays, no_delays
from monitor.errors import SourceError
from monitor.join import LabelTable, first_of_each, match
from monitor.label_files import CLOCK_SKEW, read_all
from monitor.maturity import SECOND
from monitor.plan import Plan
from monitor.rows import Classes
from monitor.sources.base import Interval, Source
from monitor.types import Window
from monitor.values import event_time, identity_hash
from monitor.windows import assign, micros


def read(plan: Plan, source: Source, interval: Interval | None, windows: Sequence[Window]) -> Delays | None:
    """By window of the reference; None where labels have no times, or none of them is of the reference."""
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
    found = no_delays()
    part = replace(interval, start=first, end=last)
    ids, times = _rows(source, part, name)
    order = np.argsort(times, kind="stable")
    ids, times = ids[order], times[order]
    place = assign(times, tuple(windows))
    seconds = _seconds(ids, times, table, labels.horizon.total_seconds())
    for number in range(len(windows)):
        here = slice(*np.searchsorted(place, [number, number + 1]).tolist())
        if here.stop - here.start >= plan.min_rows:
            found = found.with_window(here.stop - here.start, seconds[here])
    return found if found.counts.any() else None


def _rows(source: Source, interval: Interval, name: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Ids and event times of the rows that have both, the first of each id."""
    ids, times = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for batch in source.scan((interval.timestamp, name), interval):
        if {interval.timestamp, name} <= set(batch.rows.schema.names):
            hashes, identified = identity_hash(batch.rows.column(name))
            found = event_time(batch.rows.column(interval.timestamp), interval.zone)
            usable = identified & found.valid
            ids.append(hashes[usable])
            times.append(found.micros[usable])
    every, moments = np.concatenate(ids), np.concatenate(times)
    inside = first_of_each(every, np.ones(len(every), bool))
    assert interval.start is not None
    assert interval.end is not None
    inside &= (moments >= micros(interval.start)) & (moments < micros(interval.end))
    return every[inside], moments[inside]


def _seconds(
    ids: NDArray[np.uint64], times: NDArray[np.int64], table: LabelTable, horizon: float
) -> NDArray[np.float64]:
    """How long after its row each label came; NaN where none came within the horizon."""
    place = match(ids, table)
    seconds = np.where(place >= 0, (table.times[place] - times) / SECOND, np.nan)
    return np.where(seconds <= horizon, seconds, np.nan)
