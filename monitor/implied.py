"""The alarms that a model's state implies, and what a tick changed of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from monitor import labelled
from monitor.judging import Heard, Step, advance
from monitor.plan import Plan
from monitor.state import AlarmRecord, ModelState, PendingWindow
from monitor.types import AlarmState, Kind
from monitor.windows import moment

Implied: TypeAlias = dict[tuple[Kind, datetime], AlarmRecord]
"""Alarms by kind and when they opened."""


def through(plan: Plan, state: ModelState, kind: Kind, count: int) -> tuple[list[Step], bytes]:
    """The decisions of a kind on the first `count` pending windows, and what these leave to the next."""
    heard = [
        Heard(
            window.window,
            labelled.decision(window, kind),
            window.readings.get(kind),
            evaluated(window),
            _words(window, kind),
        )
        for window in state.pending[:count]
    ]
    alarm, memory = state.alarms.get(kind, AlarmState()), state.memories.get(kind, b"")
    return advance(plan, kind, alarm, memory, heard)


def _words(window: PendingWindow, kind: Kind) -> Callable[[str], str]:
    reading = window.readings.get(kind)
    return lambda column: reading.words.get(column, column) if reading is not None else column


def evaluated(window: PendingWindow) -> datetime:
    """The end of the window; of one without time, whose rows all carry it, the tick that read its file."""
    if window.window.end is not None:
        return window.window.end
    return moment(int(window.times[0]) if len(window.times) else 0)


def steps_of(plan: Plan, state: ModelState) -> dict[Kind, list[Step]]:
    """By kind that reads labels, its decision on each pending window and its alarm's memory after it."""
    return {kind: through(plan, state, kind, len(state.pending))[0] for kind in labelled.kinds(plan)}


def records(had: Implied, has: Implied, at: datetime | None) -> tuple[AlarmRecord, ...]:
    """Every alarm that a tick opened, changed, closed or took back, given those implied before and after."""
    gone = {
        key: replace(record, closed=at)
        for key, record in had.items()
        if key not in has and record.closed is None
    }
    return (*gone.values(), *(record for key, record in has.items() if had.get(key) != record))


def implied(state: ModelState, steps: Mapping[Kind, Sequence[Step]]) -> Implied:
    """The alarms that the state implies: standing ones, and those that pending windows open and close.

    `steps`: of each pending window, by kind that reads labels.
    """
    found: Implied = {}
    for kind in Kind:
        memory = state.alarms.get(kind, AlarmState())
        sequence = [(memory, state.watermark or state.tick)]
        if kind in steps:
            ends = map(evaluated, state.pending)
            sequence += list(zip((alarm for _, alarm in steps[kind]), ends, strict=True))
        previous: tuple[Kind, datetime] | None = None
        for after, end in sequence:
            key = (kind, after.since) if after.since is not None else None
            if previous is not None and key != previous:
                found[previous] = replace(found[previous], closed=end)
            if key is not None and after.since is not None:
                columns = tuple(sorted(after.column_since))
                found[key] = AlarmRecord(kind, "", after.since, None, columns, after.reason)
            previous = key
    return found
