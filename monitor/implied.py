"""The alarms that a model's state implies, and what a tick changed of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from monitor import alarms, labelled
from monitor.judging import Heard, Step, advance
from monitor.plan import Plan
from monitor.state import AlarmRecord, ModelState, PendingWindow
from monitor.types import AlarmState, Kind
from monitor.windows import moment

Implied: TypeAlias = dict[tuple[Kind, datetime], AlarmRecord]
"""Alarms by kind and when they opened."""


@dataclass(frozen=True, slots=True)
class Course:
    """One kind through some windows: what each decides, and what the last one leaves to the next."""

    steps: list[Step]
    alarm: AlarmState
    memory: bytes


def through(plan: Plan, state: ModelState, kind: Kind, count: int) -> Course:
    """The decisions of a kind on the first `count` pending windows.

    Accepted windows are decided on as ever, but no alarm is open in them, and the first window after
    them is judged with fresh memories.
    """
    windows = [_heard(window, kind) for window in state.pending[:count]]
    before = Course([], state.alarms.get(kind, AlarmState()), state.memories.get(kind, b""))
    if not state.accepted:
        return _on(plan, kind, before, windows)
    course = _on(plan, kind, before, windows[: state.accepted])
    steps = [(alarms.accepted_decision(decision), AlarmState()) for decision, _ in course.steps]
    if count < state.accepted:
        return replace(course, steps=steps)
    after = _on(plan, kind, Course([], AlarmState(), b""), windows[state.accepted :])
    return replace(after, steps=[*steps, *after.steps])


def _on(plan: Plan, kind: Kind, before: Course, windows: Sequence[Heard]) -> Course:
    """The course goes on with these windows."""
    if not windows:
        return before
    steps, memory = advance(plan, kind, before.alarm, before.memory, windows)
    return Course(steps, steps[-1][1], memory)


def _heard(window: PendingWindow, kind: Kind) -> Heard:
    reading = window.readings.get(kind)
    own, words = labelled.decision(window, kind), _words(window, kind)
    return Heard(window.window, own, reading, evaluated(window), words)


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
    return {kind: through(plan, state, kind, len(state.pending)).steps for kind in labelled.kinds(plan)}


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
        hidden = kind in steps and state.accepted
        memory = AlarmState() if hidden else state.alarms.get(kind, AlarmState())
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
