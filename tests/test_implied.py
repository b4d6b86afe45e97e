from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor.implied import implied, records, standing
from monitor.state import AlarmRecord, ModelState, PendingWindow
from monitor.types import AlarmState, Decision, Kind, Window
from monitor.windows import micros

START = datetime(2024, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)

HIGH = Decision(Kind.CONCEPT, known=True, score=2.0, material=True, reason="error rose")
LOW = Decision(Kind.CONCEPT, known=True, score=0.1, quiet=True)


def pending(window, decision, tick):
    decisions = {} if decision is None else {Kind.CONCEPT: decision}
    return PendingWindow(
        window,
        1,
        np.array([1], np.uint64),
        np.array([micros(tick)]),
        np.zeros(1),
        np.zeros((1, 0), np.float32),
        np.full(1, np.nan),
        np.zeros(1, np.int64),
        decisions=decisions,
    )


def state(*decisions, alarms=None):
    """A state with daily windows that await labels; None is a window without a decision yet."""
    days = [Window(START + n * DAY, START + (n + 1) * DAY) for n in range(len(decisions))]
    after = tuple(pending(*each, START) for each in zip(days, decisions, strict=True))
    end = START + len(decisions) * DAY
    return ModelState("m", watermark=end, tick=end, pending=after, alarms=alarms or {})


def files(*decisions, tick):
    """A state after files that were read an hour apart, told at a later tick."""
    windows = [Window(None, None, f"{number}.parquet") for number in range(len(decisions))]
    hours = [START + number * timedelta(hours=1) for number in range(len(decisions))]
    return ModelState("m", tick=tick, pending=tuple(map(pending, windows, decisions, hours)))


def alarm(since, closed=None, kind=Kind.CONCEPT, columns=(), reason="error rose"):
    return AlarmRecord(kind, "", since, closed, columns, reason)


def test_an_alarm_in_a_window_that_awaits_labels_is_told_when_it_opens():
    assert records(state(LOW, None), state(LOW, HIGH)) == (alarm(START + DAY),)


def test_an_alarm_within_pending_windows_is_told_from_open_to_close():
    found = implied(state(HIGH, LOW, LOW, LOW, HIGH))
    assert list(found.values()) == [alarm(START, START + 3 * DAY), alarm(START + 4 * DAY)]


def test_an_alarm_of_before_closes_within_the_pending_windows():
    open_before = {Kind.CONCEPT: AlarmState(START - DAY, {}, "error rose")}
    found = records(state(LOW, alarms=open_before), state(LOW, LOW, alarms=open_before))
    assert found == (alarm(START - DAY, START + 2 * DAY),)


def test_an_alarm_that_labels_take_back_is_closed():
    assert records(state(HIGH, LOW), state(LOW, LOW)) == (alarm(START, START + 2 * DAY),)


def test_what_stays_as_it_is_is_not_told_again():
    assert records(state(HIGH, LOW), state(HIGH, LOW)) == ()
    assert records(state(LOW), state(LOW, None)) == ()


def test_a_final_window_that_leaves_closes_nothing_and_opens_nothing():
    before = state(HIGH, LOW)
    memory = AlarmState(START, {}, "error rose")
    after = replace(before, pending=before.pending[1:], alarms={Kind.CONCEPT: memory})
    assert records(before, after) == ()
    assert standing(after)[Kind.CONCEPT].since == START


def test_kinds_that_read_rows_open_and_close_with_their_memory():
    memory = AlarmState(START, {"temp": START, "dewp": START}, "temp moved")
    first, second = state(), replace(state(), alarms={Kind.COVARIATE: memory}, watermark=START + DAY)
    opened = alarm(START, kind=Kind.COVARIATE, columns=("dewp", "temp"), reason="temp moved")
    assert records(first, second) == (opened,)
    third = replace(second, alarms={Kind.COVARIATE: AlarmState()}, watermark=START + 3 * DAY)
    assert records(second, third) == (replace(opened, closed=START + 3 * DAY),)


def test_a_column_that_joins_changes_the_record():
    memory = AlarmState(START, {"temp": START}, "temp moved")
    more = replace(memory, column_since={"temp": START, "dewp": START + DAY})
    before, after = (replace(state(), alarms={Kind.COVARIATE: each}) for each in (memory, more))
    assert [record.columns for record in records(before, after)] == [("dewp", "temp")]


def test_standing_is_the_memory_after_the_last_window():
    assert standing(state(HIGH, LOW))[Kind.CONCEPT].since == START
    assert not standing(state(HIGH, LOW, LOW))[Kind.CONCEPT].open
    assert standing(state()) == {}


class TestFiles:
    """Windows without time: an alarm keeps the tick that read its file, however often it is replayed."""

    def test_since_is_the_tick_that_read_the_file(self):
        found = implied(files(LOW, HIGH, tick=START + 5 * DAY))
        assert list(found.values()) == [alarm(START + timedelta(hours=1))]

    def test_a_later_tick_changes_nothing(self):
        before, after = (files(HIGH, LOW, LOW, tick=START + days * DAY) for days in (1, 2))
        assert records(before, after) == ()
        assert list(implied(after).values()) == [alarm(START, START + timedelta(hours=2))]
