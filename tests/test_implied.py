"""The alarms that a state implies, and what a tick changed of them."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.implied import evaluated, implied, steps_of
from monitor.implied import records as changes
from monitor.plan import Plan
from monitor.state import AlarmRecord, ModelState, PendingWindow
from monitor.types import AlarmState, Decision, Kind, Window
from monitor.windows import micros
from tests.run_model import DAY, HOUR, LIVE, REFERENCE_DAYS, Memory, days, model, not_replayed

BAD = Decision(Kind.CONCEPT, known=True, score=3.0, material=True, columns=(), reason="rose")
GOOD = Decision(Kind.CONCEPT, known=True, score=0.1, quiet=True)
NONE = Decision(Kind.CONCEPT, known=False, reason="no labels yet")


def pending(number: int, decision: Decision) -> PendingWindow:
    start = LIVE + number * DAY
    nothing = np.zeros(0)
    return PendingWindow(
        Window(start, start + DAY),
        10,
        nothing.astype(np.uint64),
        nothing.astype(np.int64),
        nothing,
        np.zeros((0, 1), np.float32),
        nothing,
        nothing.astype(np.int64),
        decisions={Kind.CONCEPT: decision},
    )


def state(*decisions: Decision, **more) -> ModelState:
    windows = tuple(pending(number, each) for number, each in enumerate(decisions))
    return ModelState("m", watermark=LIVE + len(decisions) * DAY, tick=LIVE, pending=windows, **more)


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    folder = tmp_path_factory.mktemp("implied")
    return not_replayed(model(folder, days(0, REFERENCE_DAYS), Memory(), Memory()))


@pytest.fixture
def said(plan):
    """The alarms that a state implies."""
    return lambda found: implied(found, steps_of(plan, found))


@pytest.fixture
def records(said):
    return lambda before, after: changes(said(before), said(after), after.watermark or after.tick)


def test_pending_windows_open_keep_and_close_an_alarm(plan, said):
    found = state(GOOD, BAD, NONE, GOOD, GOOD, GOOD)
    assert [alarm.since for _, alarm in steps_of(plan, found)[Kind.CONCEPT]] == [
        None,
        LIVE + DAY,
        LIVE + DAY,
        LIVE + DAY,
        None,
        None,
    ]
    record = said(found)[Kind.CONCEPT, LIVE + DAY]
    assert (record.since, record.closed, record.reason) == (LIVE + DAY, LIVE + 5 * DAY, "rose")


def test_memory_before_the_oldest_pending_window_goes_on(plan, said):
    memory = AlarmState(LIVE - DAY, {}, "earlier")
    found = state(NONE, alarms={Kind.CONCEPT: memory})
    assert [alarm for _, alarm in steps_of(plan, found)[Kind.CONCEPT]] == [memory]
    assert list(said(found)) == [(Kind.CONCEPT, LIVE - DAY)]


class TestRecords:
    def test_an_alarm_that_opened(self, records):
        (found,) = records(state(GOOD), state(GOOD, BAD))
        assert found == AlarmRecord(Kind.CONCEPT, "", LIVE + DAY, None, (), "rose")

    def test_nothing_where_nothing_changed(self, records):
        assert records(state(BAD), state(BAD, NONE)) == ()

    def test_one_that_labels_took_back_is_closed(self, records):
        (found,) = records(state(GOOD, BAD), state(GOOD, GOOD))
        assert (found.since, found.closed) == (LIVE + DAY, LIVE + 2 * DAY)

    def test_one_whose_first_window_became_another(self, records):
        closed, opened = records(state(GOOD, BAD), state(BAD, BAD))
        assert (closed.since, closed.closed) == (LIVE + DAY, LIVE + 2 * DAY)
        assert (opened.since, opened.closed) == (LIVE, None)

    def test_a_closed_one_whose_windows_are_final_is_not_told_again(self, records):
        before = state(BAD, GOOD, GOOD)
        after = replace(before, pending=(), alarms={Kind.CONCEPT: AlarmState()})
        assert records(before, after) == ()

    def test_a_kind_of_rows(self, records):
        moved = AlarmState(LIVE, {"x": LIVE}, "x moved")
        (opened,) = records(ModelState("m"), ModelState("m", watermark=LIVE, alarms={Kind.COVARIATE: moved}))
        assert (opened.kind, opened.columns, opened.closed) == (Kind.COVARIATE, ("x",), None)
        after = ModelState("m", watermark=LIVE + DAY, alarms={Kind.COVARIATE: AlarmState()})
        (closed,) = records(ModelState("m", alarms={Kind.COVARIATE: moved}), after)
        assert closed.closed == LIVE + DAY


def test_a_file_ends_at_the_tick_that_read_it():
    tick = LIVE + HOUR
    own = replace(pending(0, NONE), window=Window(None, None, "a"), times=np.full(3, micros(tick)))
    assert evaluated(own) == tick
    assert evaluated(pending(0, NONE)) == LIVE + DAY
