"""The file index: which event times the live files hold, and what is told of them."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from monitor.index import AGAIN, counted, files_within, index_times, rows_within
from monitor.state import FileRecord, ModelState
from monitor.types import Problem, Reason
from tests.run_model import DAY, FAR, HOUR, LIVE, REFERENCE_DAYS, START, Memory, day, days, model


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("index"), days(0, REFERENCE_DAYS), Memory())


def indexed(plan, live, state=None, now=FAR):
    return index_times(replace(plan, live=live), state or ModelState("m"), now)


def reasons(index):
    return {str(each.reason): each.message for each in index.problems}


def test_tells_first_and_last_time_of_each_file_and_of_all(plan):
    found = indexed(plan, Memory(a=day(10), b=day(12)))
    assert set(found.files) == {"a", "b"}
    assert (found.first, found.last) == (found.files["a"].first, found.files["b"].last)
    assert found.files["b"].rows == 300
    assert found.problems == found.faults == ()
    assert not found.naive


def test_files_that_did_not_change_are_not_opened_again(plan):
    live = Memory(a=day(10))
    first = indexed(plan, live)
    live.put("b", day(11))
    live.opened.clear()
    second = indexed(plan, live, ModelState("m", files=first.files))
    assert live.opened == ["b"]
    assert second.files["a"] == first.files["a"]


def test_the_first_live_time_is_after_the_reference(plan):
    found = indexed(plan, Memory(a=days(8, 3)))
    assert found.files["a"].first < LIVE
    assert LIVE <= found.first < LIVE + DAY


def test_rows_of_the_reference_alone_are_no_live_rows(plan):
    found = indexed(plan, Memory(a=days(3, 2)))
    assert (found.first, found.last) == (None, None)


def test_rows_before_the_live_start_are_no_live_rows(plan):
    found = indexed(replace(plan, live_start=LIVE + 2 * DAY), Memory(a=days(10, 1)))
    assert found.last is None


class TestLate:
    state = ModelState("m", origin=LIVE, watermark=LIVE + DAY)

    def test_rows_behind_the_watermark_that_were_not_counted(self, plan):
        live = Memory(a=day(10))
        known = counted(indexed(plan, live).files, {"a": 300})
        live.put("a", pd.concat([day(10), day(10, rows=4), day(11)]))
        found = indexed(plan, live, replace(self.state, files=known))
        assert reasons(found)["late_rows"].startswith("4 rows have event times before 2024-01-12T00:00:00Z")
        again = indexed(plan, live, replace(self.state, files=found.files))
        assert again.problems == ()

    def test_the_window_that_was_evaluated_is_not_late(self, plan):
        live = Memory(a=days(10, 2))
        known = counted(indexed(plan, live).files, {"a": 300})
        live.put("a", days(10, 3))
        assert indexed(plan, live, replace(self.state, files=known)).problems == ()


class TestUnsure:
    """Files that are read again at every run though they do not change."""

    def test_far_future_rows_are_left_alone_but_the_file_is_known(self, plan):
        now = LIVE + DAY
        found = indexed(plan, Memory(a=pd.concat([day(10), day(20, rows=9)])), now=now)
        assert reasons(found)["future_rows"].startswith("9 rows have event times more than a day after")
        assert found.last < LIVE + DAY
        assert (found.files["a"].version, found.files["a"].rows) == (AGAIN, 309)

    def test_rows_less_than_a_day_ahead_are_not_far(self, plan):
        rows = day(10).assign(ts=pd.Timestamp(LIVE + DAY - timedelta(microseconds=1)))
        assert indexed(plan, Memory(a=rows), now=LIVE).problems == ()

    def test_a_known_file_that_cannot_be_read_keeps_what_was_counted(self, plan):
        live = Memory(a=day(10))
        known = counted(indexed(plan, live).files, {"a": 300})
        live.put("a", day(10))
        live.faults["a"] = Problem("", Reason.FILE_UNREADABLE, "a: broken")
        found = indexed(plan, live, ModelState("m", files=known))
        assert found.faults == (live.faults["a"],)
        assert (found.files["a"].version, found.files["a"].behind) == (AGAIN, 300)

    def test_a_new_file_that_cannot_be_read_is_unknown(self, plan):
        live = Memory(a=day(10))
        live.faults["a"] = Problem("", Reason.FILE_UNREADABLE, "a: broken")
        assert indexed(plan, live).files == {}


def test_times_without_a_zone_are_told_and_read_in_the_models_zone(plan):
    rows = day(10)
    found = indexed(
        replace(plan, zone="Europe/Berlin"), Memory(a=rows.assign(ts=rows["ts"].dt.tz_localize(None)))
    )
    assert found.naive
    assert found.files["a"].first == rows["ts"].min() - pd.Timedelta(hours=1)


def test_rows_without_a_time_are_in_no_window(plan):
    rows = day(10)
    rows.loc[:9, "ts"] = None
    found = indexed(plan, Memory(a=rows, b=rows.drop(columns="ts")))
    assert reasons(found)["no_timestamp"].startswith("310 rows have no event time that can be read in 'ts'")


INDEX = {
    "a": FileRecord("a", "1", START, START + DAY, 100, 0),
    "b": FileRecord("b", "1", START + DAY, START + 3 * DAY, 1000, 0),
    "empty": FileRecord("empty", "1", None, None, 5, 0),
}


class TestWithin:
    def test_the_files_whose_times_overlap(self):
        assert files_within(INDEX, START, START + HOUR) == ("a",)
        assert files_within(INDEX, START + DAY, START + 2 * DAY) == ("a", "b")
        assert files_within(INDEX, START - DAY, START) == ()
        assert files_within(INDEX, START + 4 * DAY, START + 5 * DAY) == ()

    def test_the_rows_that_are_about_there(self):
        assert rows_within(INDEX, START, START + 3 * DAY + HOUR) == pytest.approx(1100)
        assert rows_within(INDEX, START + 2 * DAY, START + 3 * DAY) == pytest.approx(500, rel=1e-6)
