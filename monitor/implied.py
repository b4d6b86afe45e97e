"""The alarms that a model's state implies, and what a tick changed of them."""

from dataclasses import replace
from datetime import datetime

from monitor import alarms, labelled
from monitor.state import AlarmRecord, ModelState
from monitor.types import LABEL_KINDS, AlarmState, Kind
from monitor.windows import moment


def standing(state: ModelState) -> dict[Kind, AlarmState]:
    """Each kind's memory after everything that is known, pending windows included."""
    standing = dict(state.alarms)
    for kind in LABEL_KINDS:
        after = replayed(state, kind)
        if after:
            standing[kind] = after[-1]
    return standing


def replayed(state: ModelState, kind: Kind) -> tuple[AlarmState, ...]:
    """The memory of a kind that reads labels, after each pending window."""
    decided = [(window.window, labelled.decision(window, kind)) for window in state.pending]
    tick = state.tick or moment(0)
    return alarms.replay(state.alarms.get(kind, AlarmState()), decided, tick)


def records(before: ModelState, after: ModelState) -> tuple[AlarmRecord, ...]:
    """Every alarm that this tick opened, changed, closed or took back."""
    had, has = implied(before), implied(after)
    at = after.watermark or after.tick
    gone = {
        key: replace(record, closed=at)
        for key, record in had.items()
        if key not in has and record.closed is None
    }
    return (*gone.values(), *(record for key, record in has.items() if had.get(key) != record))


def implied(state: ModelState) -> dict[tuple[Kind, datetime], AlarmRecord]:
    """The alarms that the state implies: standing ones, and those that pending windows open and close."""
    found: dict[tuple[Kind, datetime], AlarmRecord] = {}
    for kind, memory in state.alarms.items():
        sequence = [(memory, state.watermark)]
        if kind in LABEL_KINDS:
            ends = (window.window.end for window in state.pending)
            sequence += list(zip(replayed(state, kind), ends, strict=True))
        previous: tuple[Kind, datetime] | None = None
        for after, end in sequence:
            key = (kind, after.since) if after.since is not None else None
            if previous is not None and key != previous:
                found[previous] = replace(found[previous], closed=end or state.tick)
            if key is not None and after.since is not None:
                columns = tuple(sorted(after.column_since))
                found[key] = AlarmRecord(kind, "", after.since, None, columns, after.reason)
            previous = key
    return found
