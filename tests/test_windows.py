from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.types import Window
from monitor.windows import FIRST, LAST, Calendar, assign, due, first_tick, micros, moment

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kathmandu",  # 5:45 ahead
    "America/Sao_Paulo",  # midnight skipped at the change
    "America/St_Johns",  # midnight shown twice, a minute of it on the day before
    "America/Toronto",  # 1919: from 23:30 to 00:30
    "Pacific/Apia",  # 30 December 2011 skipped
    "Africa/Cairo",
)

lengths = st.one_of(
    st.sampled_from([timedelta(minutes=1), HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR]),
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40)),
)
calendars = st.one_of(
    st.builds(Calendar, zone=st.sampled_from(ZONES), days=st.integers(1, 31)),
    st.builds(Calendar, zone=st.sampled_from(ZONES), length=lengths),
)


def at(text):
    return datetime.fromisoformat(text)


moments = st.datetimes(at("1900-01-01"), at("2100-01-01"), timezones=st.just(UTC))


def span(window):
    return window.end - window.start


@given(calendars, moments)
@example(Calendar("America/Toronto", days=1), at("1919-03-31T04:45:00Z"))
@example(Calendar("America/St_Johns", days=1), at("2010-11-07T03:00:00Z"))
@example(Calendar("Pacific/Apia", days=1), at("2011-12-30T10:00:00Z"))
def test_every_moment_lies_in_its_window(calendar, when):
    window = calendar.containing(when)
    assert window.start <= when < window.end


@given(calendars, moments)
@example(Calendar("America/Toronto", days=1), at("1919-03-30T12:00:00Z"))
@example(Calendar("America/St_Johns", days=1), at("2010-11-06T12:00:00Z"))
@example(Calendar("Pacific/Apia", days=1), at("2011-12-29T12:00:00Z"))
def test_windows_have_no_gap_and_no_overlap(calendar, when):
    window = calendar.containing(when)
    after = calendar.following(window)
    assert after.start == window.end < after.end
    assert calendar.containing(window.end - timedelta(microseconds=1)) == window
    assert calendar.containing(window.start) == window


@given(calendars, moments, st.integers(0, 400))
def test_windows_reach_from_the_first_moment_to_the_last(calendar, start, hours):
    end = start + hours * HOUR + timedelta(microseconds=1)
    if calendar.nominal_days < 1 / 24:
        end = start + timedelta(hours=1)
    windows = list(calendar.windows(start, end))
    assert windows[0].start <= start
    assert windows[-1].start < end <= windows[-1].end
    assert all(first.end == second.start for first, second in pairwise(windows))


def test_no_windows_before_they_begin():
    midnight = at("2024-02-10T00:00Z")
    assert list(Calendar(days=1).windows(midnight, midnight)) == []


@given(st.sampled_from(ZONES), st.integers(1, 3), moments)
def test_weeks_start_on_monday_where_the_clocks_are(zone, weeks, when):
    window = Calendar(zone, days=7 * weeks).containing(when)
    shown = [edge.astimezone(ZoneInfo(zone)) for edge in (window.start, window.end)]
    assert [edge.weekday() for edge in shown] == [0, 0]
    assert (shown[1].date() - shown[0].date()).days == 7 * weeks


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-06-30", 24), ("2024-10-27", 25)])
def test_a_day_is_as_long_as_the_clocks_make_it(day, hours):
    window = Calendar("Europe/Berlin", days=1).containing(at(f"{day}T12:00Z"))
    assert span(window) == hours * HOUR
    assert window.start.tzinfo is UTC


@pytest.mark.parametrize("day", ["2024-03-31", "2024-06-30", "2024-10-27"])
def test_24h_is_24_hours_whatever_the_clocks_do(day):
    window = Calendar("Europe/Berlin", length=24 * HOUR).containing(at(f"{day}T12:00Z"))
    assert (window.start, span(window)) == (at(f"{day}T00:00Z"), 24 * HOUR)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", 23.0),  # 00:00 to 01:00
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00Z", 23.0),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30Z", 23.5),  # 23:30 on the day before to 00:30
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30Z", 25.0),  # 00:01 to 23:01 on the day before
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24.0),  # the day before was skipped
        ("America/Havana", "2024-11-03", "2024-11-03T04:00Z", 25.0),  # 01:00 to 00:00
    ],
)
def test_a_day_begins_at_the_first_moment_that_shows_it(zone, day, start, hours):
    noon = at(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    window = Calendar(zone, days=1).containing(noon)
    assert window.start == at(start)
    assert span(window) == hours * HOUR


@given(calendars, moments, st.timedeltas(timedelta(), 3 * DAY), st.timedeltas(timedelta(), 40 * DAY))
def test_due_windows_are_those_whose_tick_has_come(calendar, start, lateness, ahead):
    if calendar.nominal_days < 0.5:
        ahead /= 100
    until = start + ahead
    found = list(due(calendar, start, until, lateness))
    assert all(first_tick(window, lateness) <= until for window in found)
    following = calendar.following(found[-1]) if found else calendar.containing(start)
    assert first_tick(following, lateness) > until


def test_a_window_is_due_at_its_tick_and_not_a_microsecond_before():
    calendar, start = Calendar(days=1), at("2024-02-10T00:00Z")
    tick = at("2024-02-11T01:00Z")
    assert list(due(calendar, start, tick - timedelta(microseconds=1), HOUR)) == []
    assert list(due(calendar, start, tick, HOUR)) == [Window(start, start + DAY)]


@given(calendars, moments, st.lists(st.floats(-0.5, 1.5), max_size=30), st.integers(1, 6))
def test_assign_agrees_with_containing(calendar, start, places, count):
    windows = [calendar.containing(start)]
    while len(windows) < count:
        windows.append(calendar.following(windows[-1]))
    whole = windows[-1].end - windows[0].start
    times = [windows[0].start + place * whole for place in places]
    edges = [edge for window in windows for edge in (window.start, window.end)]
    for index, when in zip(
        assign(np.array([micros(when) for when in times + edges], dtype=np.int64), tuple(windows)),
        times + edges,
        strict=True,
    ):
        own = calendar.containing(when)
        assert index == (windows.index(own) if own in windows else -1)


@given(st.datetimes(timezones=st.just(UTC)))
def test_moment_is_the_inverse_of_micros(when):
    assert moment(micros(when)) == when


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_count_of_microseconds_has_a_moment(value):
    assert FIRST <= moment(value) <= LAST


@given(calendars, st.sampled_from([FIRST, FIRST + HOUR, LAST - HOUR, LAST - timedelta(microseconds=1)]))
def test_the_first_and_the_last_window_of_all_time(calendar, when):
    window = calendar.containing(when)
    assert window.start <= when < window.end
    around = calendar.windows(max(when, FIRST + DAY) - DAY, LAST)
    assert next(around).start <= when


def test_the_last_window_is_followed_by_none():
    assert len(list(Calendar(days=1).windows(LAST - 2 * DAY, LAST))) == 3


@pytest.mark.parametrize(
    "wrong", [{}, {"days": 1, "length": HOUR}, {"days": 0}, {"days": -1}, {"length": timedelta()}]
)
def test_a_calendar_that_cuts_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="a calendar"):
        Calendar(**wrong)


@pytest.mark.parametrize(
    ("calendar", "days"),
    [(Calendar(days=7), 7.0), (Calendar(length=6 * HOUR), 0.25), (Calendar("Europe/Berlin", days=1), 1.0)],
)
def test_nominal_days(calendar, days):
    assert calendar.nominal_days == days
