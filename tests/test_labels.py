"""Labels on their way to their rows: read, placed, opened by window, carried over to another plan."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from monitor.join import label_table
from monitor.label_files import read_labels
from monitor.labels import adapted, in_row, open_window, places, strangers
from monitor.rows import Classes
from monitor.scan import scan
from monitor.state import ModelState, PendingWindow
from monitor.types import Problem, Reason, Task, Window
from monitor.values import identity_hash
from monitor.windows import micros
from tests.run_model import DAY, HOUR, LIVE, REFERENCE_DAYS, Memory, day, days, labels_of, model

WINDOW = Window(LIVE, LIVE + DAY)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("labels"), days(0, REFERENCE_DAYS), Memory(), Memory())


def read(plan, labels: Memory, state=None, ready=(WINDOW,), first=LIVE):
    plan = replace(plan, labels=replace(plan.labels, source=labels))
    return read_labels(plan, state or ModelState("m"), ready, Classes(("no", "yes")), first)


def pending(count=4, window=WINDOW, **changes) -> PendingWindow:
    found = PendingWindow(
        window,
        count,
        np.arange(count, dtype=np.uint64),
        np.arange(count) + micros(LIVE),
        np.zeros(count),
        np.zeros((count, 1), np.float32),
        np.full(count, np.nan),
        np.zeros(count, np.int64),
    )
    return replace(found, **changes)


def opened(plan, rows: pd.DataFrame, pending=()):
    plan = replace(plan, live=Memory(a=rows))
    data = scan(plan, (WINDOW,), ["a"], Classes(("no", "yes")), 1).windows[0]
    return open_window(plan, data, pending, WINDOW.end + HOUR)


class TestRead:
    def test_gives_ids_codes_and_times(self, plan):
        labels = labels_of(day(10), HOUR)
        found = read(plan, Memory(a=labels[:100], b=labels[100:])).table
        assert len(found.ids) == 300
        assert sorted(set(found.values)) == [0.0, 1.0]
        assert found.times.min() == micros(labels["known"].min().to_pydatetime())

    def test_nothing_where_no_window_awaits_labels(self, plan):
        labels = Memory(a=labels_of(day(10), HOUR))
        assert len(read(plan, labels, ready=()).table.ids) == 0
        assert labels.opened == []

    def test_a_label_without_a_time_is_known_when_first_read(self, plan):
        labels = labels_of(day(10), HOUR)
        labels.loc[:9, "known"] = pd.NaT
        found = read(plan, Memory(a=labels), first=LIVE + DAY)
        assert (found.table.times == micros(LIVE + DAY)).sum() == 10
        assert [each.reason for each in found.problems] == [Reason.NO_TIMESTAMP]

    def test_faults_of_files_are_told(self, plan):
        labels = Memory(a=labels_of(day(10), HOUR), b=labels_of(day(11), HOUR).drop(columns="y"))
        labels.put("c", labels_of(day(12), HOUR))
        labels.faults["c"] = Problem("", Reason.FILE_UNREADABLE, "c: broken")
        found = read(plan, labels)
        assert len(found.table.ids) == 300
        assert {each.reason for each in found.problems} == {Reason.ABSENT_COLUMN, Reason.FILE_UNREADABLE}


class TestPlaces:
    def test_are_where_the_labels_stand(self):
        table = label_table(np.array([2, 9], np.uint64), np.array([1.0, 0.0]), np.full(2, micros(LIVE)))
        assert places(pending(), table).tolist() == [-1, -1, 0, -1]

    def test_a_label_known_more_than_a_day_before_its_window_is_none(self):
        times = [micros(LIVE - DAY), micros(LIVE - DAY) - 1]
        table = label_table(np.array([0, 1], np.uint64), np.array([1.0, 1.0]), np.array(times))
        assert places(pending(), table).tolist() == [0, -1, -1, -1]

    def test_a_window_that_is_a_file_has_no_time_to_be_early_of(self):
        table = label_table(np.array([0], np.uint64), np.array([1.0]), np.array([0]))
        assert places(pending(window=Window(None, None, "a")), table).tolist() == [0, -1, -1, -1]


class TestStrangers:
    table = label_table(
        np.array([1, 77, 78], np.uint64),
        np.ones(3),
        np.array([micros(LIVE + HOUR)] * 2 + [micros(LIVE - HOUR)]),
    )

    def told(self, plan, origin):
        return strangers(plan, self.table, [places(pending(), self.table)], WINDOW, origin)

    def test_are_labels_of_this_window_for_ids_that_none_awaits(self, plan):
        (problem,) = self.told(plan, LIVE - timedelta(days=3))
        assert problem.reason is Reason.UNKNOWN_ID
        assert problem.message.startswith("1 labels came for ids")

    def test_nothing_is_said_in_the_first_horizon(self, plan):
        assert self.told(plan, LIVE - timedelta(days=2)) == ()


class TestOpen:
    def test_rows_await_their_labels(self, plan):
        rows = day(10)
        found = opened(plan, rows).pending
        assert found.rows == 300
        assert found.labelled == 0
        hashes, _ = identity_hash(pa.array(rows["id"]))
        assert found.ids.tolist() == hashes.tolist()

    def test_rows_without_an_id_await_none(self, plan):
        rows = day(10)
        rows["id"] = rows["id"].where(rows.index >= 10)
        found = opened(plan, rows)
        assert (found.pending.rows, len(found.pending.ids)) == (300, 290)
        assert found.problems == ()

    def test_the_first_of_repeated_ids_awaits_the_label(self, plan):
        rows = day(10)
        rows.loc[7, "id"] = rows.loc[3, "id"]
        found = opened(plan, rows)
        assert len(found.pending.ids) == 299
        assert found.pending.times[3] == micros(rows["ts"][3].to_pydatetime())
        assert [each.reason for each in found.problems] == [Reason.DUPLICATE_ID]

    def test_an_id_of_another_pending_window_awaits_none(self, plan):
        earlier = opened(plan, day(10)).pending
        found = opened(plan, day(10), (earlier,))
        assert len(found.pending.ids) == 0
        assert found.problems[0].message.startswith("300 rows repeat an id")

    def test_labels_of_the_rows_are_not_used_where_labels_come_apart(self, plan):
        assert opened(plan, day(10)).pending.labelled == 0

    def test_an_empty_window_has_its_place_among_the_pending(self, plan):
        found = opened(plan, day(11)).pending
        assert (found.rows, len(found.ids), found.scores.shape) == (0, 0, (0, 1))

    def test_without_labels_in_the_reference_nothing_is_awaited(self, plan):
        assert opened(replace(plan, labelled=None), day(10)).pending is None


class TestInRow:
    def test_are_those_of_the_new_window_by_event_time(self):
        labels = np.array([1.0, np.nan, 0.0, 1.0])
        times = np.array([30, 10, 20, 5])
        found = in_row((pending(), pending(labels=labels, times=times)), WINDOW.key)
        assert found.window.tolist() == [1, 1, 1]
        assert found.row.tolist() == [3, 2, 0]

    def test_are_none_without_a_new_window(self):
        assert len(in_row((pending(labels=np.ones(4)),), None)) == 0
        assert len(in_row((), WINDOW.key)) == 0


class TestAdapted:
    def test_codes_follow_the_classes(self, plan):
        window = pending(
            labels=np.array([0.0, 1.0, np.nan, 2.0]), predictions=np.array([1.0, 1.0, 0.0, np.nan])
        )
        found = adapted(plan, window, ("no", "yes", "new"), ("first", "no", "yes", "new"))
        np.testing.assert_array_equal(found.labels, [1.0, 2.0, np.nan, 3.0])
        np.testing.assert_array_equal(found.predictions, [2.0, 2.0, 1.0, np.nan])

    def test_other_probabilities_are_missing(self, plan):
        window = pending(scores=np.zeros((4, 3), np.float32))
        found = adapted(plan, window, ("no",), ("no",))
        assert found.scores.shape == (4, 1)
        assert np.isnan(found.scores).all()

    @pytest.mark.parametrize(("before", "task"), [(("no", "yes"), Task.REGRESSION), ((), Task.BINARY)])
    def test_classes_are_no_numbers(self, plan, before, task):
        plan = replace(plan, target=replace(plan.target, task=task))
        found = adapted(plan, pending(labels=np.ones(4), predictions=np.ones(4)), before, ("no", "yes"))
        assert np.isnan(found.labels).all()
        assert np.isnan(found.predictions).all()

    def test_numbers_stay_numbers(self, plan):
        plan = replace(plan, target=replace(plan.target, task=Task.REGRESSION))
        found = adapted(plan, pending(labels=np.full(4, 2.5)), (), ())
        assert found.labels.tolist() == [2.5] * 4
