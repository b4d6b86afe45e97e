import multiprocessing
import os
import signal
import sys
import time
from multiprocessing import forkserver
from multiprocessing.connection import Pipe
from pathlib import Path

import psutil
import pytest

from monitor import worker
from monitor.evaluation import Failed, Order
from monitor.state import LabelFile, ModelState
from monitor.types import Reason, Stage
from monitor.worker import Limits

sys.path.insert(0, str(Path(__file__).parent))  # for worker_jobs, which the worker imports too

import worker_jobs as jobs

ENOUGH = Limits(seconds=60)
GOES_ON = "; the next run goes on from the store"


@pytest.fixture(scope="module")
def server():
    forkserver._forkserver._stop()  # one that an earlier test started may not be shielded from signals
    found = worker.context()
    assert list(worker.run([], ENOUGH, found, work=jobs.tell)) == []  # starts the server, once
    return found


def gone(pid):
    """Whether the process ends within some seconds."""
    until = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not psutil.pid_exists(pid)


def crashed(text):
    return Failed(Stage.WORKER, Reason.CRASHED, f"the worker process {text}{GOES_ON}")


def test_events_come_as_they_were_told_and_in_order(server):
    told = [1, "two", {"three": 3.0}, b"x" * 3_000_000, 5]
    assert list(worker.run(told, ENOUGH, server, work=jobs.tell)) == told


def test_commits_come_with_all_that_is_known_of_files(server):
    known = {f"{number}": LabelFile("1", jobs.START) for number in range(100)}
    given = Order(None, ModelState("m", label_files=known), {}, {}, jobs.START, jobs.START)
    found = list(worker.run(given, ENOUGH, server, work=jobs.commit))
    assert found == list(jobs.commit(given))


def test_an_event_is_there_before_the_run_has_ended(server):
    events = worker.run(None, ENOUGH, server, work=jobs.hang)
    pid = next(events)
    assert psutil.pid_exists(pid)
    events.close()
    assert gone(pid)


def test_a_run_that_takes_too_long_is_ended(server):
    pid, failed = worker.run(None, Limits(seconds=0.3), server, work=jobs.hang)
    text = "the run took longer than 0.3 s (--run-timeout) and was ended"
    assert failed == Failed(Stage.WORKER, Reason.TIMED_OUT, text)
    assert gone(pid)


def test_a_worker_that_halts_within_a_message_is_ended_like_any(server):
    pid, failed = worker.run(1000, Limits(seconds=0.3), server, work=jobs.halt_within_a_message)
    assert failed.reason == Reason.TIMED_OUT
    assert gone(pid)
    asked = iter([False])
    events = worker.run(1000, ENOUGH, server, lambda: next(asked, True), jobs.halt_within_a_message)
    (pid,) = events
    assert gone(pid)


def test_a_worker_that_waits_is_told_and_one_that_computes_is_not(server, monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.5)
    told = []
    limits = Limits(seconds=1.5)
    list(worker.run(None, limits, server, work=jobs.spin, waits=lambda: told.append("spin")))
    assert not told
    list(worker.run(None, limits, server, work=jobs.hang, waits=lambda: told.append("hang")))
    assert told


def test_a_run_that_needs_too_much_memory_is_ended(server):
    events = worker.run(None, ENOUGH, server, work=jobs.hang)
    usual = psutil.Process(next(events)).memory_info().rss
    events.close()
    limit = usual + 60 * jobs.MEGABYTE
    *_, failed = worker.run(120 * jobs.MEGABYTE, Limits(60, limit), server, work=jobs.leak)
    assert (failed.stage, failed.reason) == (Stage.WORKER, Reason.OUT_OF_MEMORY)
    assert f"more than {limit / jobs.MEGABYTE:,.0f} MiB (--run-memory), and was ended" in failed.message


def test_memory_within_the_limit_is_no_matter(server):
    assert list(worker.run([1], Limits(60, 2**40), server, work=jobs.tell)) == [1]


def test_a_worker_that_is_killed_from_outside_is_told(server):
    events = worker.run(None, ENOUGH, server, work=jobs.hang)
    os.kill(next(events), signal.SIGKILL)
    assert list(events) == [crashed("was killed by SIGKILL (by hand, or by the kernel for want of memory)")]


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT"), (signal.SIGRTMIN + 1, None)],
)
def test_a_worker_that_dies_of_a_signal_is_told(server, number, name):
    _, failed = worker.run(number, ENOUGH, server, work=jobs.die)
    assert failed == crashed(f"was killed by {name or f'signal {int(number)}'}")


def test_a_worker_that_dies_within_a_message_is_told(server):
    _, failed = worker.run(None, ENOUGH, server, work=jobs.tear)
    assert failed == crashed("was killed by SIGKILL (by hand, or by the kernel for want of memory)")


def test_work_that_raises_is_told_and_its_traceback_is_in_the_log(server, capfd):
    _, failed = worker.run("no such luck", ENOUGH, server, work=jobs.fail)
    assert failed == crashed("ended with exit code 1")


@pytest.mark.parametrize("code", [0, 7])
def test_a_worker_that_leaves_early_is_told(server, code):
    _, failed = worker.run(code, ENOUGH, server, work=jobs.leave)
    assert failed == crashed(f"ended with exit code {code}")


def test_the_server_serves_on_after_every_fault(server):
    for _ in range(3):
        assert len(list(worker.run(1, ENOUGH, server, work=jobs.leave))) == 2
    assert list(worker.run([1, 2], ENOUGH, server, work=jobs.tell)) == [1, 2]


def test_stopping_ends_the_process_and_tells_nothing(server):
    told = []
    for event in worker.run(None, ENOUGH, server, lambda: bool(told), jobs.hang):
        told.append(event)
    assert len(told) == 1
    assert gone(told[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_to_the_group_end_neither_run_nor_server(server, tmp_path, number):
    go = tmp_path / "go"
    events = worker.run(str(go), ENOUGH, server, work=jobs.await_file)
    for pid in next(events):
        os.kill(pid, number)
    go.touch()
    assert list(events) == ["done"]
    assert list(worker.run([1], ENOUGH, server, work=jobs.tell)) == [1]


def test_the_signals_of_this_process_are_as_they_were(server):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    list(worker.run([], ENOUGH, server, work=jobs.tell))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_worker_ends_with_its_parent(server):
    receiver, sender = Pipe(duplex=False)
    parent = server.Process(target=jobs.parent, args=(sender,))
    parent.start()
    sender.close()
    pid = receiver.recv()
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.join(10)
    assert gone(pid)
    receiver.close()


class NoProcesses:
    """A server that has no process to give."""

    Pipe = staticmethod(multiprocessing.Pipe)

    class Process:
        def __init__(self, **_):
            pass

        def start(self):
            raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_worker_that_cannot_be_started_is_told():
    assert list(worker.run([1], ENOUGH, NoProcesses(), work=jobs.tell)) == [
        Failed(
            Stage.WORKER,
            Reason.CRASHED,
            "the worker process could not be started: [Errno 11] Resource temporarily unavailable",
        )
    ]
