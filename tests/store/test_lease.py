from contextlib import ExitStack

import pytest
from store_records import MODEL, commit

from monitor.errors import LeasedError
from monitor.store import Store
from monitor.types import Reason


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_one_owner_at_a_time(store):
    assert store.lease(MODEL, "one", 60)
    assert not store.lease(MODEL, "two", 60)
    assert store.lease("other", "two", 60)
    store.release(MODEL, "one")
    assert store.lease(MODEL, "two", 60)


def test_the_owner_renews(store):
    assert store.lease(MODEL, "one", 0)
    assert store.lease(MODEL, "one", 60)
    assert not store.lease(MODEL, "two", 60)


def test_a_lease_that_ran_out_is_free(store):
    assert store.lease(MODEL, "one", 0)
    assert store.lease(MODEL, "two", 60)
    assert not store.lease(MODEL, "one", 60)


def test_nobody_releases_the_lease_of_another(store):
    assert store.lease(MODEL, "one", 60)
    store.release(MODEL, "two")
    assert not store.lease(MODEL, "two", 60)


def test_leased_holds_renews_and_gives_back(store):
    with store.leased(MODEL, "one") as renew:
        assert not store.lease(MODEL, "two", 60)
        assert renew()
    assert store.lease(MODEL, "two", 60)


def test_leased_gives_back_after_an_error(store):
    with pytest.raises(RuntimeError), store.leased(MODEL, "one"):
        raise RuntimeError
    assert store.lease(MODEL, "two", 60)


def test_leased_gives_up_after_waiting(store):
    clock = Clock()
    store.lease(MODEL, "one", 600)
    waiting = store.leased(MODEL, "two", wait_seconds=1.2, clock=clock, sleep=clock.sleep)
    with (
        pytest.raises(
            LeasedError, match=r"flights is being evaluated by another process; waited 1\.2 s"
        ) as caught,
        waiting,
    ):
        pytest.fail("the lease was another's")
    assert clock.slept == pytest.approx([0.5, 0.5, 0.2])
    assert caught.value.reason is Reason.LEASED
    assert not store.lease(MODEL, "three", 60)


def test_leased_goes_on_as_soon_as_it_is_free(store):
    clock = Clock()
    store.lease(MODEL, "one", 600)

    def sleep(seconds):
        clock.sleep(seconds)
        store.release(MODEL, "one")

    with store.leased(MODEL, "two", clock=clock, sleep=sleep):
        assert clock.slept == [0.5]


def test_who_lost_the_lease_writes_nothing(store):
    store.lease(MODEL, "one", 0)
    store.lease(MODEL, "two", 60)
    with pytest.raises(LeasedError, match="no longer held by one; nothing was written"):
        store.commit(commit(0), owner="one")
    assert store.models() == ()
    store.commit(commit(0), owner="two")
    assert store.models() == (MODEL,)


def test_of_two_processes_each_lease_goes_to_one(url, child):
    Store.open(url).close()
    with ExitStack() as stack:
        children = [stack.enter_context(child("try_leases", url, owner)) for owner in ("one", "two")]
        for process in children:
            assert process.stdout.readline() == "ready\n"
        for process in children:
            process.stdin.write("\n")
            process.stdin.flush()
        had = [list(map(int, process.stdout.read().split())) for process in children]
    assert sorted(had[0] + had[1]) == list(range(100))
