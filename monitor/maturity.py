"""Whether labels are late: how soon they usually come, and how many rows that are due lack theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.budget import days_by_chance
from monitor.delays import Delays
from monitor.join import LabelTable
from monitor.plan import Plan
from monitor.state import PendingWindow
from monitor.stats import delays
from monitor.stats.delays import Usual
from monitor.types import Kind, LabelArrival, Statistic
from monitor.verdicts import Measurement
from monitor.windows import micros

LABELS_OVERDUE = "labels_overdue"
TOKENS = {
    LABELS_OVERDUE: "the share of rows that usually has its label when it is due, less the share that has it"
}
"""The token of this statistic and what it means."""
FEWEST_WINDOWS = 10
"""Fewer windows do not show how labels usually come."""
RECENT = timedelta(days=1)
"""Windows that became due within this time are judged, or the last one where windows are longer."""
SECOND = 1e6


def usual(plan: Plan, history: bytes) -> Usual | None:
    """How labels usually come: as the reference's did, else as those of final windows did."""
    found = plan.delays if plan.delays is not None else Delays.from_bytes(history)
    return delays.learn(found.rows, found.counts) if len(found) >= FEWEST_WINDOWS else None


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of the labels that are due, and the measurement that may open the alarm."""

    arrival: LabelArrival
    measurement: Measurement | None


def judge(
    plan: Plan,
    history: bytes,
    pending: Sequence[PendingWindow],
    places: Sequence[NDArray[np.int64]],
    table: LabelTable,
    tick: datetime,
) -> Judged | None:
    """How many rows that are due at this tick lack their label; None where nothing is usual yet.

    `places` is where each pending window's rows are in `table`, which may know more than the windows.
    """
    if plan.labels is None or plan.calendar is None:
        return None
    known = usual(plan, history)
    if known is None:
        return None
    rows, labelled, recent, recent_labelled = _due(plan, known, pending, places, table, tick)
    late = max(0.0, known.coverage * rows - labelled)
    curve = {f"{share:g}": seconds for share, seconds in zip(delays.CURVE, known.ages, strict=True)}
    arrival = LabelArrival(known.due, known.coverage, rows, labelled, late, curve)
    return Judged(arrival, _measurement(plan, known, recent, recent_labelled))


def _due(
    plan: Plan,
    known: Usual,
    pending: Sequence[PendingWindow],
    places: Sequence[NDArray[np.int64]],
    table: LabelTable,
    tick: datetime,
) -> tuple[int, int, int, int]:
    """Rows that are due and how many of them have their label; both of all, then of recent windows."""
    now, due = micros(tick), tick - timedelta(seconds=known.due)
    since = due - max(RECENT, timedelta(days=plan.window_days))
    totals = np.zeros(4, np.int64)
    for window, place in zip(pending, places, strict=True):
        here = window.times <= micros(due)
        if not here.any() or window.rows < plan.min_rows:
            continue
        has = ~np.isnan(window.labels)
        if len(table.ids):
            has |= (place >= 0) & (table.times[place] <= now)
        counts = np.array([np.count_nonzero(here), np.count_nonzero(here & has)])
        # whole windows, as those that taught what is usual
        recent = window.window.end is not None and since < window.window.end <= due
        totals += np.append(counts, counts * recent)
    rows, labelled, fresh, fresh_labelled = totals.tolist()
    return rows, labelled, fresh, fresh_labelled


def _measurement(plan: Plan, known: Usual, rows: int, labelled: int) -> Measurement | None:
    """The statistic of quality: the usual share of labelled rows less the observed one."""
    found = delays.overdue(known, rows, labelled, plan.level_of(Kind.QUALITY))
    if found is None:
        return None
    name = plan.names.label or ""
    days = days_by_chance(found.p_value, plan.tests_of(Kind.QUALITY), plan.window_days)
    text = (
        f"labels are overdue: {labelled} of {rows} rows have theirs after {age(known.due)}, "
        f"usually {known.coverage:.1%}"
    )
    statistic = Statistic(
        Kind.QUALITY,
        name,
        LABELS_OVERDUE,
        found.shortfall,
        found.line,
        found.p_value,
        drifted=found.shortfall >= found.line,
    )
    material = found.shortfall - found.deviation >= plan.minimum.share
    return Measurement(statistic, days, material=material, words=text)


def remembered(plan: Plan, history: bytes, dropped: Sequence[PendingWindow]) -> bytes:
    """What is known of delays once these windows are final; nothing more where the reference tells."""
    if plan.labels is None or plan.calendar is None or plan.delays is not None:
        return history
    found = Delays.from_bytes(history)
    known = usual(plan, history)
    for window in dropped:
        if window.rows < plan.min_rows or (known is not None and _lacking(plan, known, window)):
            continue  # what is not usual must not become so
        seconds = np.where(np.isnan(window.labels), np.nan, (window.label_times - window.times) / SECOND)
        found = found.with_window(len(window.ids), seconds)
    return found.to_bytes()


def _lacking(plan: Plan, known: Usual, window: PendingWindow) -> bool:
    found = delays.overdue(known, len(window.ids), window.labelled, plan.level_of(Kind.QUALITY))
    return found is not None and found.shortfall >= found.line


def age(seconds: float) -> str:
    """A length of time in words.

    >>> age(40.0), age(5400.0), age(93600.0), age(20 * 86400.0)
    ('40 s', '1.5 h', '26 h', '20 d')
    """
    units: Mapping[str, float] = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0}
    unit = next((unit for unit, size in units.items() if seconds >= 2 * size), "s")
    unit = "h" if unit == "min" and seconds >= 3_600 else unit
    return f"{seconds / units[unit]:.3g} {unit}"
