from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from store_records import (
    DAY,
    MODEL,
    START,
    alarm,
    commit,
    evaluation,
    pending,
    same_pending,
    same_state,
    state,
    window,
)

from monitor.errors import StoreError
from monitor.state import Commit, ModelState
from monitor.store import Store
from monitor.types import Kind, Statistic, Window


def test_a_new_model_has_an_empty_state(store):
    assert store.state("new") == ModelState("new")
    assert store.models() == ()
    assert store.evaluations("new") == []
    assert store.latest("new", 0) is None
    assert store.alarms("new") == ()
    assert store.alarms_opened("new") == {}


def test_a_commit_is_read_back_whole_after_reopening(store, url):
    wanted = commit(windows=[pending(0), pending(1)])
    store.commit(wanted)
    store.close()
    with Store.open(url) as again:
        assert same_state(again.state(MODEL), wanted.state)
        assert again.evaluations(MODEL) == list(wanted.evaluations)
        assert again.alarms(MODEL) == wanted.alarms
        assert again.profile(MODEL, window().key) == b"profile 0"
        assert again.profile(MODEL, "other") is None
        assert again.models() == (MODEL,)


def test_what_calibration_promised_and_remembers_is_read_back(store, url):
    store.commit(commit(windows=[pending(0)]))
    store.close()
    with Store.open(url) as again:
        state = again.state(MODEL)
        assert state.memories == commit().state.memories != {}
        assert state.pending[0].readings == pending(0).readings != {}
        assert again.latest(MODEL, 0).promises == evaluation().promises != ()


def test_the_same_commit_twice_changes_nothing(store):
    wanted = commit(windows=[pending(0)])
    store.commit(wanted)
    store.commit(wanted)
    assert same_state(store.state(MODEL), wanted.state)
    assert store.evaluations(MODEL) == list(wanted.evaluations)
    assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 1}


def test_a_restatement_replaces_the_line_and_its_statistics(store):
    store.commit(commit(0))
    restated = evaluation(0, columns=("temp",), restated=True, final=True)
    store.commit(commit(0, evaluations=(restated,)))
    assert store.evaluations(MODEL) == [restated]


def test_of_several_lines_of_a_window_the_later_holds(store):
    first, last = evaluation(0, value=1.0), evaluation(0, value=2.0, restated=True)
    store.commit(commit(0, evaluations=(first, last)))
    assert store.evaluations(MODEL) == [last]


def test_two_models_keep_apart(store):
    store.commit(commit(0))
    other = evaluation(0, model="other", value=9.0)
    store.commit(Commit("other", (other,), state(0, model="other", files=())))
    assert store.models() == (MODEL, "other")
    assert store.evaluations("other") == [other]
    assert store.evaluations(MODEL) == [evaluation(0, value=0.0)]
    assert set(store.state(MODEL).files) == {"a.csv", "b.csv"}


def test_another_store_on_the_same_file_sees_and_changes_the_same(store, url):
    store.commit(commit(0))
    with Store.open(url) as other:
        other.commit(commit(1, state=state(1, files=("b.csv", "c.csv"))))
    wanted = state(2, files=("c.csv",))
    store.commit(commit(2, state=wanted))
    assert same_state(store.state(MODEL), wanted)
    assert len(store.evaluations(MODEL)) == 3


class TestPending:
    def test_only_changed_windows_are_written(self, store):
        store.commit(commit(0, windows=[pending(0), pending(1)]))
        unsaid = replace(pending(0), passed=3)
        said = replace(pending(1), passed=3)
        after = state(1, windows=[unsaid, said])
        store.commit(commit(1, state=after, changed=frozenset({window(1).key})))
        assert [one.passed for one in store.state(MODEL).pending] == [1, 3]

    def test_a_window_that_is_final_is_dropped(self, store):
        store.commit(commit(0, windows=[pending(0), pending(1)]))
        store.commit(commit(1, state=state(1, windows=[pending(1)]), changed=frozenset()))
        (left,) = store.state(MODEL).pending
        assert same_pending(left, pending(1))

    def test_the_order_is_kept(self, store):
        windows = [pending(3), pending(1), pending(2)]
        store.commit(commit(0, windows=windows))
        assert [one.window for one in store.state(MODEL).pending] == [one.window for one in windows]

    def test_one_that_was_never_written_is_written_though_not_said_to_be_changed(self, store):
        store.commit(commit(0, state=state(0, windows=[pending(0)]), changed=frozenset()))
        assert same_pending(store.state(MODEL).pending[0], pending(0))


def test_files_and_streams_that_are_gone_are_gone(store):
    store.commit(commit(0))
    after = replace(state(1, files=("b.csv",)), streams={})
    store.commit(commit(1, state=after))
    assert store.state(MODEL) == after


class TestEvaluations:
    def test_time_order_bounds_and_limit(self, store):
        lines = {day: evaluation(day) for day in (3, 0, 2, 1)}
        for day, one in lines.items():
            store.commit(commit(day, evaluations=(one,), profiles={}))
        days = [0, 1, 2, 3]
        assert store.evaluations(MODEL) == [lines[day] for day in days]
        assert store.evaluations(MODEL, START + DAY, START + 3 * DAY) == [lines[1], lines[2]]
        assert store.evaluations(MODEL, limit=2) == [lines[2], lines[3]]
        assert store.evaluations(MODEL, end=START + 3 * DAY, limit=1) == [lines[2]]

    def test_files_come_in_the_order_of_their_evaluation(self, store):
        lines = [
            evaluation(0, window=Window(None, None, name), tick=START + hour * timedelta(hours=1))
            for hour, name in enumerate(("b.csv", "a.csv", "c.csv"))
        ]
        store.commit(commit(0, evaluations=tuple(lines), profiles={}))
        assert store.evaluations(MODEL) == lines
        assert store.evaluations(MODEL, START + timedelta(hours=1)) == lines[1:]

    def test_latest_is_the_newest_window_with_enough_rows(self, store):
        small = evaluation(1, rows=10)
        store.commit(commit(0, evaluations=(evaluation(0), small), profiles={}))
        assert store.latest(MODEL, 200) == evaluation(0)
        assert store.latest(MODEL, 10) == small
        assert store.latest(MODEL, 1000) is None


class TestHistory:
    def test_only_windows_that_the_ledger_has_not(self, store):
        store.commit(commit(1, windows=[pending(1)]))
        known = evaluation(1, value=99.0)
        assert store.add_history(MODEL, [evaluation(0), known, evaluation(2)]) == 2
        assert store.add_history(MODEL, [evaluation(0)]) == 0
        values = [one.statistics[0].value for one in store.evaluations(MODEL)]
        assert values == [4.1, 1.0, 4.1]

    def test_state_and_alarms_stay(self, store):
        before = commit(1, windows=[pending(1)])
        store.commit(before)
        store.add_history(MODEL, [evaluation(0)])
        assert same_state(store.state(MODEL), before.state)
        assert store.alarms(MODEL) == before.alarms

    def test_a_model_that_is_new(self, store):
        assert store.add_history("new", [evaluation(0, model="new")]) == 1
        assert store.state("new") == ModelState("new")


class TestAlarms:
    def test_closing_updates_the_one_that_stands(self, store):
        store.commit(commit(0))
        assert store.open_alarms(MODEL) == (alarm(0),)
        closed = alarm(0, START + 2 * DAY)
        store.commit(commit(2, alarms=(closed, alarm(2, kind=Kind.LABEL))))
        assert store.open_alarms(MODEL) == (alarm(2, kind=Kind.LABEL),)
        assert store.alarms(MODEL) == (closed, alarm(2, kind=Kind.LABEL))
        assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 1, Kind.LABEL: 1}

    def test_a_withdrawn_alarm_is_gone_and_yet_was_opened(self, store):
        store.commit(commit(0))
        store.commit(commit(1, alarms=(), withdrawn=((Kind.COVARIATE, "", START),)))
        assert store.alarms(MODEL) == store.open_alarms(MODEL) == ()
        assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 1}

    def test_it_counts_once_when_it_comes_back(self, store):
        store.commit(commit(0))
        store.commit(commit(1, alarms=(), withdrawn=((Kind.COVARIATE, "", START),)))
        store.commit(commit(2, alarms=(alarm(0),)))
        assert store.open_alarms(MODEL) == (alarm(0),)
        assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 1}


class TestReferences:
    def test_the_last_three_are_kept(self, store):
        for name in "abcd":
            store.save_reference(MODEL, name, name.encode())
        store.save_reference("other", "a", b"other")
        kept = [store.reference(MODEL, name) for name in "abcd"]
        assert kept == [None, b"b", b"c", b"d"]
        assert store.reference("other", "a") == b"other"

    def test_saving_again_replaces_and_renews(self, store):
        for name in "abcad":
            store.save_reference(MODEL, name, name.encode() * 2)
        assert store.reference(MODEL, "a") == b"aa"
        assert store.reference(MODEL, "b") is None


class TestPrune:
    def test_old_windows_and_what_hangs_on_them_go(self, store):
        for day in range(30):
            store.commit(commit(day, alarms=()))
        assert store.prune(START + 25 * DAY) == 24
        left = [one.window for one in store.evaluations(MODEL)]
        assert left == [window(day) for day in range(24, 30)]
        assert store.profile(MODEL, window(23).key) is None
        assert store.profile(MODEL, window(24).key) == b"profile 24"
        assert store.prune(START + 25 * DAY) == 0

    def test_pending_windows_and_open_alarms_stay(self, store):
        closed = alarm(0, START + DAY, Kind.LABEL)
        store.commit(commit(0, windows=[pending(0)], alarms=(alarm(0), closed)))
        store.commit(commit(1, windows=[pending(0)], alarms=()))
        assert store.prune(START + 100 * DAY) == 1
        assert [one.window for one in store.evaluations(MODEL)] == [window(0)]
        assert store.alarms(MODEL) == (alarm(0),)
        assert len(store.state(MODEL).pending) == 1

    def test_the_count_of_opened_alarms_does_not_go_down(self, store):
        for day in range(3):
            store.commit(commit(day, alarms=(alarm(day, START + (day + 1) * DAY),)))
        store.prune(START + 2 * DAY)
        assert store.alarms(MODEL) == (alarm(1, START + 2 * DAY), alarm(2, START + 3 * DAY))
        store.prune(START + 100 * DAY)
        assert store.alarms(MODEL) == ()
        assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 3}


class TestUnknownIsNotZero:
    def test_nan_is_refused_and_nothing_is_written(self, store):
        bad = replace(evaluation(1), statistics=(Statistic(Kind.COVARIATE, "temp", "psi", float("nan")),))
        store.commit(commit(0))
        with pytest.raises(StoreError, match=r"psi of 'temp' is nan: what is unknown is None") as caught:
            store.commit(commit(1, evaluations=(bad,)))
        assert "driftd.db" in str(caught.value)
        assert same_state(store.state(MODEL), commit(0).state)
        assert len(store.evaluations(MODEL)) == 1

    def test_none_stays_none(self, store):
        store.commit(commit(0))
        assert store.evaluations(MODEL)[0].statistics[-1].value is None


def test_a_profile_without_a_window_is_refused(store):
    with pytest.raises(StoreError, match="profiles of windows that are not evaluated"):
        store.commit(commit(0, profiles={"elsewhere": b"x"}))
    assert store.models() == ()


def test_the_hook_is_called_at_every_point_in_order(store):
    points = []
    store.commit(commit(0), points.append)
    assert points == ["begin", "windows", "statistics", "state", "before_commit", "after_commit"]


def test_names_from_data_are_only_text(store):
    column = "a'; DROP TABLE windows; --\n\"ü\u0000"
    line = evaluation(0, columns=(column,))
    store.commit(commit(0, evaluations=(line,)))
    assert store.evaluations(MODEL) == [line]


def test_threads_write_and_read_at_once(store):
    def work(model):
        for day in range(10):
            one = evaluation(day, model=model)
            store.commit(Commit(model, (one,), state(day, model=model)))
            assert store.evaluations(model)[-1] == one

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [f"model{number}" for number in range(4)]))
    assert len(store.models()) == 4


class TestPages:
    """Windows older than one of them, newest first a few at a time."""

    def pages(self, store, limit, **more):
        before, found = None, []
        while lines := store.evaluations(MODEL, limit=limit, before=before, **more):
            found.append([line.window.key for line in lines])
            before = lines[0].window.key
        return found

    def test_each_window_once(self, store):
        for day in (3, 0, 4, 1, 2):  # as a backfill writes, in no order
            store.add_history(MODEL, commit(day).evaluations)
        keys = [window(day).key for day in range(5)]
        assert self.pages(store, 2) == [keys[3:], keys[1:3], keys[:1]]
        assert self.pages(store, 2, start=window(1).start, end=window(4).start) == [keys[2:4], keys[1:2]]

    def test_files_of_one_tick_come_after_all_that_have_a_time(self, store):
        files = [replace(evaluation(0), window=Window(None, None, name)) for name in "abcde"]
        store.add_history(MODEL, files)
        store.add_history(MODEL, commit(0).evaluations)
        assert self.pages(store, 3) == [["d", "e", window(0).key], ["a", "b", "c"]]

    def test_there_is_nothing_before_a_window_that_is_not_there(self, store):
        store.add_history(MODEL, commit(0).evaluations)
        assert store.evaluations(MODEL, before="2024-09-09T00:00:00Z") == []
        assert store.evaluations(MODEL, before=window(0).key) == []
