from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.join import NEVER, arrive, first_of_each, in_order, label_table, match, no_labels
from monitor.state import PendingWindow
from monitor.types import Window

START = datetime(2024, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def ids(values):
    return np.array(values, dtype=np.uint64)


def table(*labels):
    """Of (id, value, time)."""
    keys, values, times = zip(*labels, strict=True) if labels else ((), (), ())
    return label_table(ids(keys), np.array(values, dtype=np.float64), np.array(times, dtype=np.int64))


def pending(keys, times=None, number=0):
    count = len(keys)
    return PendingWindow(
        Window(START + number * DAY, START + (number + 1) * DAY),
        count,
        ids(keys),
        np.arange(count, dtype=np.int64) if times is None else np.array(times, dtype=np.int64),
        np.zeros(count),
        np.zeros((count, 0), np.float32),
        np.full(count, np.nan),
        np.zeros(count, np.int64),
    )


def come(windows, labels, tick):
    return arrive(windows, [match(window.ids, labels) for window in windows], labels, tick)


def consumed(windows, arrivals):
    """The ids that arrive, in order."""
    return [int(windows[a].ids[b]) for a, b in zip(arrivals.window, arrivals.row, strict=True)]


class TestLabelTable:
    def test_one_label_per_id_the_first_in_time(self):
        found = table((7, 1.0, 20), (3, 0.0, 30), (7, 0.0, 10))
        assert found.ids.tolist() == [3, 7]
        assert found.values.tolist() == [0.0, 0.0]
        assert found.times.tolist() == [30, 10]
        assert found.conflicts.tolist() == [NEVER, 20]

    def test_of_two_labels_at_one_time_the_first_given_holds(self):
        assert table((7, 1.0, 10), (7, 0.0, 10)).values.tolist() == [1.0]
        assert table((7, 0.0, 10), (7, 1.0, 10)).values.tolist() == [0.0]

    def test_the_same_label_again_is_no_conflict(self):
        found = table((7, 1.0, 10), (7, 1.0, 20), (7, 1.0, 20))
        assert (found.times.tolist(), found.conflicts.tolist()) == ([10], [NEVER])

    def test_a_label_without_a_value_is_none(self):
        found = table((7, np.nan, 10), (7, 1.0, 20), (8, np.nan, 10))
        assert (found.ids.tolist(), found.times.tolist()) == ([7], [20])
        assert found.conflicts.tolist() == [NEVER]

    @pytest.mark.parametrize("nothing", [table(), table((1, np.nan, 5)), no_labels()])
    def test_no_label_at_all(self, nothing):
        assert [len(part) for part in (nothing.ids, nothing.values, nothing.times, nothing.conflicts)] == [
            0
        ] * 4

    def test_large_ids_are_told_apart(self):
        found = table((2**64 - 1, 1.0, 1), (2**64 - 2, 0.0, 1))
        assert match(ids([2**64 - 2, 2**64 - 1, 2**64 - 3]), found).tolist() == [0, 1, -1]


class TestArrive:
    def test_order_is_label_time_then_event_time_then_id(self):
        windows = (pending([9, 4, 5], times=[3, 1, 1]), pending([1, 2], times=[10, 10], number=1))
        labels = table((9, 0, 50), (4, 0, 60), (5, 0, 60), (2, 0, 50), (1, 0, 60))
        after, arrivals = come(windows, labels, 100)
        assert consumed(after, arrivals) == [9, 2, 4, 5, 1]
        assert len(arrivals) == 5

    def test_only_labels_that_are_known_at_the_tick_exist(self):
        windows, labels = (pending([1, 2]),), table((1, 1, 10), (2, 0, 11))
        after, arrivals = come(windows, labels, 10)
        assert consumed(after, arrivals) == [1]
        assert after[0].labels.tolist()[0] == 1.0
        assert np.isnan(after[0].labels[1])
        assert after[0].label_times.tolist() == [10, 0]

    def test_each_label_arrives_once(self):
        windows, labels = (pending([1, 2]),), table((1, 1, 10), (2, 0, 11))
        after, first = come(windows, labels, 10)
        again, second = come(after, labels, 10)
        _, third = come(again, labels, 11)
        assert [consumed(after, each) for each in (first, second, third)] == [[1], [], [2]]

    def test_a_later_different_label_changes_nothing_and_is_counted_when_it_comes(self):
        windows, labels = (pending([1]),), table((1, 1, 10), (1, 0, 30))
        after, _ = come(windows, labels, 20)
        assert (after[0].labels.tolist(), after[0].conflicts) == ([1.0], 0)
        later, arrivals = come(after, labels, 30)
        assert (later[0].labels.tolist(), later[0].conflicts, len(arrivals)) == ([1.0], 1, 0)

    def test_several_conflicts_of_one_id_count_once(self):
        windows, labels = (pending([1, 2]),), table((1, 1, 1), (1, 0, 2), (1, 2, 3), (2, 1, 1), (2, 0, 3))
        assert come(windows, labels, 2)[0][0].conflicts == 1
        assert come(windows, labels, 3)[0][0].conflicts == 2

    def test_labels_for_unknown_ids_reach_nobody(self):
        windows = (pending([1, 2]),)
        after, arrivals = come(windows, table((3, 1, 1), (0, 1, 1), (2**63, 1, 1)), 10)
        assert len(arrivals) == 0
        assert after == windows

    @pytest.mark.parametrize("labels", [table(), table((1, 1, 99), (2, 1, 99))])
    def test_none_and_all_late(self, labels):
        windows = (pending([1, 2]), pending([], number=1))
        after, arrivals = come(windows, labels, 10)
        assert (after, len(arrivals)) == (windows, 0)
        assert arrivals.window.dtype == arrivals.row.dtype == np.int64

    def test_no_window_at_all(self):
        after, arrivals = come((), table((1, 1, 1)), 10)
        assert (after, len(arrivals)) == ((), 0)

    def test_windows_that_nothing_reached_are_the_same_objects(self):
        windows = (pending([1]), pending([2], number=1))
        after, _ = come(windows, table((2, 1, 1)), 10)
        assert after[0] is windows[0]
        assert np.isnan(windows[1].labels).all()
        assert after[1].labels.tolist() == [1.0]


labels_of_any_kind = st.lists(
    st.tuples(
        st.integers(0, 12),  # ids 0 to 9 have a row
        st.sampled_from([0.0, 1.0, np.nan]),
        st.integers(0, 40),
    ),
    max_size=40,
)
event_times = st.lists(st.integers(0, 5), min_size=10, max_size=10)


def two_windows(times):
    return (pending(range(6), times[:6]), pending(range(6, 10), times[6:], number=1))


def run(windows, labels, ticks, *, all_at_once):
    """What is consumed at each tick; the labels are there from the start, or only when they are known."""
    found = []
    for tick in ticks:
        there = labels if all_at_once else [label for label in labels if label[2] <= tick]
        windows, arrivals = come(windows, table(*there), tick)
        found.append(consumed(windows, arrivals))
    return windows, found


@given(labels_of_any_kind, event_times, st.sets(st.integers(0, 40)))
def test_a_replay_consumes_what_the_runs_as_labels_came_consumed(labels, times, ticks):
    ordered = [*sorted(ticks), 40]
    now, as_they_came = run(two_windows(times), labels, ordered, all_at_once=False)
    then, replayed = run(two_windows(times), labels, ordered, all_at_once=True)
    assert as_they_came == replayed
    for one, other in zip(now, then, strict=True):
        assert np.array_equal(one.labels, other.labels, equal_nan=True)
        assert np.array_equal(one.label_times, other.label_times)
        assert one.conflicts == other.conflicts


@given(labels_of_any_kind, event_times, st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_any_split_into_ticks_consumes_the_same_labels(labels, times, first, second):
    ends = []
    for ticks in (first, second):
        windows, found = run(two_windows(times), labels, [*sorted(ticks), 40], all_at_once=True)
        flat = [key for keys in found for key in keys]
        assert len(flat) == len(set(flat)) == sum(window.labelled for window in windows)
        ends.append(windows)
        order = [
            (int(window.label_times[row]), int(window.times[row]), int(window.ids[row]))
            for key in flat
            for window in windows
            for row in np.flatnonzero(window.ids == key)
        ]
        assert order == sorted(order)
    for one, other in zip(*ends, strict=True):
        assert np.array_equal(one.labels, other.labels, equal_nan=True)
        assert one.conflicts == other.conflicts


@given(labels_of_any_kind, event_times)
def test_the_order_in_which_labels_stand_in_their_files_does_not_matter(labels, times):
    at_different_times = list({(key, time): (key, value, time) for key, value, time in labels}.values())
    one, found = run(two_windows(times), at_different_times, [20, 40], all_at_once=True)
    other, turned = run(two_windows(times), at_different_times[::-1], [20, 40], all_at_once=True)
    assert found == turned
    assert [window.conflicts for window in one] == [window.conflicts for window in other]


def test_in_order_of_nothing():
    nothing = np.zeros(0, np.int64)
    assert len(in_order((pending([1]),), nothing, nothing)) == 0


def test_in_order_of_chosen_rows():
    window = pending([3, 1, 2], times=[0, 0, 0])
    arrivals = in_order((window,), np.zeros(2, np.int64), np.array([0, 2]))
    assert consumed((window,), arrivals) == [2, 3]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans())))
def test_first_of_each_is_what_a_set_would_find(rows):
    seen, expected = set(), []
    for key, valid in rows:
        expected.append(valid and key not in seen)
        if valid:
            seen.add(key)
    keys = ids([key for key, _ in rows])
    valid = np.array([valid for _, valid in rows], dtype=bool)
    assert first_of_each(keys, valid).tolist() == expected
