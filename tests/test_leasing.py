import os
import subprocess
import threading

import psutil
import pytest

from monitor import leasing
from monitor.errors import LeasedError
from monitor.leasing import held
from monitor.store import Store
from monitor.types import Reason

MODEL = "flights"


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'driftd.db'}") as opened:
        yield opened


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def never(seconds):
    pytest.fail(f"nobody had to wait {seconds} s")


class TiredError(Exception): ...


def tired(seconds):
    raise TiredError(seconds)


def owner_of(process, table=None):
    return f"{table or leasing._processes()}:{process}:1"


def test_the_owner_has_the_lease_within_the_block_only(store):
    with held(store, MODEL, never) as owner:
        assert store.lease_owner(MODEL) == owner
    assert store.lease_owner(MODEL) is None


def test_the_lease_is_given_back_after_an_error(store):
    with pytest.raises(RuntimeError), held(store, MODEL, never):
        raise RuntimeError
    assert store.lease_owner(MODEL) is None


def test_models_are_leased_apart(store):
    with held(store, MODEL, never), held(store, "other", never):
        assert store.lease_owner("other") == store.lease_owner(MODEL)


def test_nobody_waits_for_a_process_that_is_dead(store, dead):
    store.lease(MODEL, owner_of(dead), 600)
    with held(store, MODEL, never) as owner:
        assert store.lease_owner(MODEL) == owner


def test_nobody_waits_for_a_dead_process_that_its_parent_has_not_noticed(store):
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        store.lease(MODEL, owner_of(process.pid), 600)
        with held(store, MODEL, never):
            pass


def test_a_living_process_is_waited_for(store):
    store.lease(MODEL, owner_of(os.getpid()), 600)
    with pytest.raises(TiredError), held(store, MODEL, tired):
        pytest.fail("the lease was another's")
    assert store.lease_owner(MODEL) == owner_of(os.getpid())


@pytest.mark.parametrize("table", ["elsewhere/4026531836", "elsewhere"])
def test_a_process_of_another_machine_or_container_is_never_declared_dead(store, dead, table):
    store.lease(MODEL, owner_of(dead, table), 600)
    with pytest.raises(TiredError), held(store, MODEL, tired):
        pytest.fail("the lease was another's")
    assert store.lease_owner(MODEL) == owner_of(dead, table)


@pytest.mark.parametrize("owner", ["", "somebody", f"{leasing._processes()}:not-a-number:1"])
def test_an_owner_that_says_no_process_is_waited_for(store, owner):
    store.lease(MODEL, owner, 600)
    with pytest.raises(TiredError), held(store, MODEL, tired):
        pytest.fail("the lease was another's")


def test_a_lease_of_the_dead_runs_out_before_others_give_up_waiting(store):
    """A holder that died where nobody can see it makes no run fail."""
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if sum(slept) > leasing.LEASE_SECONDS:
            store.lease(MODEL, "elsewhere:1:1", 0)  # what time does

    store.lease(MODEL, "elsewhere:1:1", leasing.LEASE_SECONDS)
    with held(store, MODEL, sleep):
        pass


def test_the_lease_is_renewed_while_the_block_goes_on(store, monkeypatch):
    renewed = threading.Event()
    lease = store.lease

    def counting(model, owner, seconds):
        if store.lease_owner(model) == owner:
            renewed.set()
        return lease(model, owner, seconds)

    monkeypatch.setattr(leasing, "RENEW_SECONDS", 0.001)
    monkeypatch.setattr(store, "lease", counting)
    with held(store, MODEL, never):
        assert renewed.wait(60)


def test_two_threads_of_one_process_do_not_evaluate_a_model_at_once(store):
    caught = []

    def second():
        try:
            with held(store, MODEL, tired):
                pytest.fail("the lease was another's")
        except TiredError as error:
            caught.append(error)

    with held(store, MODEL, never):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(caught) == 1


def test_who_is_not_willing_to_wait_says_so(store):
    def stop(seconds):
        raise LeasedError("stopped", transient=True, reason=Reason.LEASED)

    store.lease(MODEL, owner_of(os.getpid()), 600)
    with pytest.raises(LeasedError, match="stopped"), held(store, MODEL, stop):
        pytest.fail("the lease was another's")
