"""Panels: where windows lie in the local week, where memory breaks, which columns are watched."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.panels import gap, positions, read_shares, segments_of
from monitor.profile import StoredColumn
from monitor.types import Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 3, 31, tzinfo=UTC)


def span(start: datetime, length: timedelta = HOUR) -> Window:
    return Window(start, start + length)


def test_hours_and_weekdays_are_local():
    hours, weekdays = positions([span(START), span(START + 2 * HOUR)], "Europe/Berlin")
    assert hours.tolist() == [1.5, 4.5]  # the clocks went forward in between
    assert weekdays.tolist() == [6, 6]


def test_files_have_no_position():
    hours, weekdays = positions([Window(None, None, "a")], "UTC")
    assert (hours.tolist(), weekdays.tolist()) == ([0.0], [0])


@pytest.mark.parametrize(
    ("length", "passed", "lost"),
    [
        (HOUR, timedelta(0), False),
        (HOUR, DAY, False),
        (HOUR, DAY + HOUR, True),
        (DAY, 2 * DAY, False),
        (DAY, 3 * DAY, True),
    ],
)
def test_memory_is_lost_after_a_day_and_two_windows(length, passed, lost):
    assert gap(START, span(START + passed, length)) is lost


def test_files_have_no_gaps():
    assert gap(None, Window(None, None, "a")) is False


def test_segments_count_the_gaps():
    windows = [span(START), span(START + HOUR), span(START + 3 * DAY), span(START + 3 * DAY + HOUR)]
    assert segments_of(windows).tolist() == [0, 0, 1, 1]
    assert segments_of([]).tolist() == []


def test_shares_of_missing_rows_are_arcsines():
    column = StoredColumn(np.array([75]), 25, 0, 0.0, 0.0, 0.0)
    reading = read_shares({"x": column})
    assert reading.rows == (100.0,)
    assert np.sin(reading.values[0]) ** 2 == pytest.approx(0.25)
