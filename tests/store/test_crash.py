import signal

import pytest
from store_records import DAY, MODEL, START, alarm, commit, pending, same_state, window

from monitor.store import Store

POINTS = ("begin", "windows", "statistics", "state", "before_commit")


@pytest.fixture
def kill_at(child, url):
    """Another process commits the second day and dies at this point."""

    def kill(point):
        with child("killed_at", url, point) as process:
            assert process.wait(timeout=60) == -signal.SIGKILL

    return kill


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_before_the_commit_leaves_nothing_and_it_can_be_redone(url, point, kill_at):
    first = commit(0, windows=[pending(0)])
    with Store.open(url) as store:
        store.commit(first)
    kill_at(point)
    with Store.open(url) as store:
        assert same_state(store.state(MODEL), first.state)
        assert store.evaluations(MODEL) == list(first.evaluations)
        assert store.alarms(MODEL) == (alarm(0),)
        assert store.profile(MODEL, window(1).key) is None
        second = commit(1, windows=[pending(0), pending(1)])
        store.commit(second)
        assert same_state(store.state(MODEL), second.state)
        assert store.evaluations(MODEL, START + DAY) == list(second.evaluations)


def test_a_kill_after_the_commit_leaves_all_and_redoing_it_changes_nothing(url, kill_at):
    with Store.open(url) as store:
        store.commit(commit(0, windows=[pending(0)]))
    kill_at("after_commit")
    second = commit(1, windows=[pending(0), pending(1)])
    with Store.open(url) as store:
        for _ in range(2):
            assert same_state(store.state(MODEL), second.state)
            assert store.evaluations(MODEL, START + DAY) == list(second.evaluations)
            assert store.alarms(MODEL) == (alarm(0), alarm(1))
            assert store.profile(MODEL, window(1).key) == b"profile 1"
            store.commit(second)


def test_an_error_in_the_middle_leaves_nothing(store):
    def fail(point):
        if point == "before_commit":
            raise RuntimeError(point)

    with pytest.raises(RuntimeError, match="before_commit"):
        store.commit(commit(0), fail)
    assert store.models() == ()
    store.commit(commit(0))
    assert len(store.evaluations(MODEL)) == 1
