"""Hysteresis: decisions of one kind, window after window, become one alarm from open to close."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.types import AlarmState, Decision, Severity, State, Verdict, Window, iso

CLOSES_AFTER = timedelta(hours=24)
CLOSES_AFTER_WINDOWS = 2
ACCEPTED = "accepted as normal"
"""What a verdict says whose alarm was accepted."""


def advance(memory: AlarmState, window: Window, decision: Decision, tick: datetime) -> AlarmState:
    """The memory after one more window; a window that is not known opens and closes nothing.

    An alarm opens at score >= 1 where the effect is material. It closes after 24 hours, and at
    least two windows, in each of which the window alone is under the line; the time of windows that
    are not known does not count. Windows without time open at their `tick` and close after two windows.
    """
    if not decision.known:
        return _without(memory, window)
    at = window.start if window.start is not None else tick
    if opens(decision):
        joined = {column: at for column in decision.columns if column not in memory.column_since}
        return AlarmState(memory.since or at, {**memory.column_since, **joined}, decision.reason)
    if not memory.open:
        return AlarmState()
    if not decision.quiet:
        return replace(memory, quiet_since=None, quiet_windows=0)
    since = memory.quiet_since or at
    windows = memory.quiet_windows + 1
    long_enough = window.end is None or window.end - since >= CLOSES_AFTER
    if long_enough and windows >= CLOSES_AFTER_WINDOWS:
        return AlarmState()
    return replace(memory, quiet_since=since, quiet_windows=windows)


def passed(memory: AlarmState, window: Window) -> AlarmState:
    """The memory after a window of a planned event: it opens and closes nothing, its time does not count."""
    return _without(memory, window)


def noted(memory: AlarmState, decision: Decision, event: str) -> Decision:
    """What a window of a planned event found, with a word for the alarm that it does not open."""
    if memory.open or not opens(decision):
        return decision
    return replace(decision, reason=f"{decision.reason}; noted, not opened: planned: {event}")


def counted_days(window_days: float) -> int:
    """What one alarm counts in measures of false alarms: 1, and 1 more for each further 24 hours open.

    An alarm that one window opens closes with the last of the windows of `CLOSES_AFTER`, at least two, under
    the line; its own window and all but the last of those show it open. So that the budget holds as it is
    counted, alarms may open only this many times less often.

    >>> counted_days(1.0), counted_days(0.25), counted_days(1 / 24)
    (2, 1, 1)
    """
    quiet = max(CLOSES_AFTER_WINDOWS, math.ceil(CLOSES_AFTER / timedelta(days=window_days)))
    return max(1, math.ceil(quiet * window_days - 1e-9))


def opens(decision: Decision) -> bool:
    """Whether this decision opens an alarm, or keeps one open."""
    return decision.known and decision.score is not None and decision.score >= 1 and decision.material


def verdict(memory: AlarmState, decision: Decision) -> Verdict:
    """What the interface prints, given the memory after the window."""
    if memory.open:
        state = State.ALARM if decision.known else State.UNKNOWN
        severity = Severity.ALARM
    else:
        state = State.OK if decision.known else State.UNKNOWN
        significant = decision.score is not None and decision.score >= 1
        severity = Severity.LOW if significant else Severity.NONE
    return Verdict(
        decision.kind,
        state,
        memory.open,
        decision.score,
        severity,
        decision.material,
        decision.days_by_chance,
        memory.since,
        decision.columns or tuple(sorted(memory.column_since)),
        memory.column_since,
        _words(memory, decision),
    )


def accepted_decision(decision: Decision) -> Decision:
    """What a window found that was accepted as normal: the numbers as they are, and words for it."""
    if not opens(decision):
        return decision
    return replace(decision, reason=f"{decision.reason}; {ACCEPTED}")


def accepted(verdict: Verdict) -> Verdict:
    """The verdict of a window that was accepted as normal: without its alarm."""
    if not verdict.alarm:
        return verdict
    return replace(_closed(verdict), reason=f"{verdict.reason}; {ACCEPTED}")


def standing(verdict: Verdict, memory: AlarmState) -> Verdict:
    """The verdict with the alarm as it stands now: labels of older windows may have opened or closed it."""
    if memory.since == verdict.since:
        return verdict
    if memory.since is None:
        return _closed(verdict)
    return replace(
        verdict,
        state=State.UNKNOWN if verdict.state is State.UNKNOWN else State.ALARM,
        alarm=True,
        severity=Severity.ALARM,
        since=memory.since,
        columns=verdict.columns or tuple(sorted(memory.column_since)),
        column_since=memory.column_since,
        reason=f"open since {iso(memory.since)}: {memory.reason}",
    )


def _closed(verdict: Verdict) -> Verdict:
    significant = verdict.score is not None and verdict.score >= 1
    return replace(
        verdict,
        state=State.OK if verdict.state is State.ALARM else verdict.state,
        alarm=False,
        severity=Severity.LOW if significant else Severity.NONE,
        since=None,
        column_since={},
    )


def _without(memory: AlarmState, window: Window) -> AlarmState:
    """The memory with the time of a window that is not known taken out of the quiet time."""
    if memory.quiet_since is None or window.start is None or window.end is None:
        return memory
    return replace(memory, quiet_since=memory.quiet_since + (window.end - window.start))


def _words(memory: AlarmState, decision: Decision) -> str:
    if not memory.open or opens(decision):
        return decision.reason
    assert memory.since is not None
    opened = f"open since {iso(memory.since)}: {memory.reason}"
    if not decision.known:
        return f"{opened}; now unknown: {decision.reason}"
    return f"{opened}; this window alone is under the line" if decision.quiet else opened
