"""What one run has to do: windows in order, the ticks after them, files one after another."""

from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest

from monitor.state import FileRecord, ModelState
from monitor.work import due_windows, new_files, rows_of
from tests.run_model import DAY, FAR, HOUR, LIVE, REFERENCE_DAYS, Memory, day, days, model

TICKS = [LIVE + (number + 1) * DAY + HOUR for number in range(6)]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("work"), days(0, REFERENCE_DAYS), Memory())


def due(plan, live, state=None, until=FAR, end=None):
    return due_windows(replace(plan, live=live), state or ModelState("m"), until, FAR, end)


def test_windows_up_to_the_last_row_are_ready_with_their_ticks(plan):
    found = due(plan, Memory(a=day(10), b=day(12)))
    assert [(window.start, tick) for window, tick in found.ready] == [
        (LIVE + number * DAY, TICKS[number]) for number in range(3)
    ]
    assert found.first == TICKS[0]
    assert found.origin == LIVE
    assert list(islice(found.later, 2)) == [TICKS[3], TICKS[4]]
    assert rows_of(found) == pytest.approx(600, rel=0.01)


def test_ticks_after_the_last_row_are_not_listed_in_advance(plan):
    """A model whose rows ended long ago has very many of them."""
    found = due(plan, Memory(a=day(10)), until=FAR + timedelta(days=200_000))
    assert next(iter(found.later)) == TICKS[1]


def test_nothing_is_ready_before_a_row_came(plan):
    found = due(plan, Memory())
    assert (list(found.ready), list(found.later), found.origin) == ([], [], None)


def test_without_a_ready_window_labels_are_known_at_the_first_later_tick(plan):
    live = Memory(a=day(10))
    files = due(plan, live).files
    found = due(plan, live, ModelState("m", origin=LIVE, watermark=LIVE + DAY, files=files))
    assert (list(found.ready), found.first) == ([], TICKS[1])


def test_windows_beyond_the_end_bring_labels_only(plan):
    found = due(plan, Memory(a=days(10, 3)), end=LIVE + 2 * DAY)
    assert [window.start for window, _ in found.ready] == [LIVE, LIVE + DAY]
    assert next(iter(found.later)) == TICKS[2]


def test_the_watermark_is_where_it_goes_on(plan):
    found = due(plan, Memory(a=days(10, 3)), ModelState("m", origin=LIVE, watermark=LIVE + 2 * DAY))
    assert [window.start for window, _ in found.ready] == [LIVE + 2 * DAY]


def test_new_files_have_ticks_of_their_own_after_the_last(plan):
    plan = replace(plan, live=Memory(a=day(10), b=day(11), c=day(12)), calendar=None)
    seen = {"b": FileRecord("b", "1", None, None, 300, 300)}
    found = new_files(plan, ModelState("m", files=seen, tick=LIVE), LIVE)
    assert [window.file for window, _ in found.ready] == ["a", "c"]
    ticks = [tick for _, tick in found.ready]
    assert LIVE < ticks[0] < ticks[1] < LIVE + timedelta(seconds=1)
    assert next(iter(found.later)) > ticks[1]
    assert rows_of(found) == 0.0
