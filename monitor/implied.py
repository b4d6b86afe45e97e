"""The alarms that a model's state implies, and what a tick changed of them."""

from dataclasses import replace
from datetime import datetime

from monitor import alarms, labelled
from monitor.state import AlarmRecord, ModelState, PendingWindow
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
    decided = [
        (window.window, labelled.decision(window, kind), evaluated(window)) for window in state.pending
    ]
    return alarms.replay(state.alarms.get(kind, AlarmState()), decided)


def evaluated(window: PendingWindow) -> datetime:
    """The end of the window; of one without time, whose rows all carry it, the tick that read its file."""
    if window.window.end is not None:
        return window.window.end
    return moment(int(window.times[0]) if len(window.times) else 0)


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
    for kind in Kind:
        memory = state.alarms.get(kind, AlarmState())
        sequence = [(memory, state.watermark or state.tick)]
        if kind in LABEL_KINDS:
            ends = map(evaluated, state.pending)
            sequence += list(zip(replayed(state, kind), ends, strict=True))
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
