"""SIGKILL at any moment: a restart gives what an undisturbed run gives."""

import multiprocessing
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import psutil
import pytest

from monitor import worker
from monitor.evaluation import Failed
from monitor.leasing import held
from monitor.recorder import order, record
from monitor.store import Store
from monitor.types import Kind, Reason
from tests.crash import crash_run
from tests.crash.contents import contents, same
from tests.crash.crash_model import END, LIVE_WINDOWS, NAME, NOW, UNTIL, config_of
from tests.crash.crash_run import POINTS
from tests.crash.daemon_process import DaemonProcess, awaited, ended, exit_code
from tests.harness import driftd

PASSES = 3
"""A process dies when it passes a point for the first, second or third time: kills land all over the run."""
FROM_OUTSIDE, OF_WORKERS, OF_DAEMONS = 20, 10, 5
QUARTERS = 4
SLICE = 4
"""A kill from outside comes within this part of the time that an undisturbed run takes."""
LIFETIME = 0.6
"""Seconds that a daemon's worker lives at most, of the two or so that the whole run takes."""

pytestmark = pytest.mark.timeout(400)  # what takes half a minute alone may share its cores


@dataclass
class Kills:
    """Every kill: how many windows the ledger had, and whether a transaction was open."""

    windows: list = field(default_factory=list)
    inside: int = 0
    points: Counter = field(default_factory=Counter)

    def add(self, url, *, inside=False):
        with closing(Store.open(url)) as store:
            self.windows.append(len(store.evaluations(NAME)))
        self.inside += inside

    @property
    def quarters(self):
        """Kills by quarter of the run."""
        return Counter(min(QUARTERS - 1, QUARTERS * each // LIVE_WINDOWS) for each in self.windows)


@pytest.fixture
def run(path, server):
    """One run in a process of its own: its exit code, and whether it ended within a transaction."""
    config = config_of(path)

    def start(url, *, death=None, seconds=None):
        inside = server.RawValue("b", 0)
        process = server.Process(target=crash_run.run, args=(config, url, inside, death))
        return exit_code(process, seconds), bool(inside.value)

    return start


@pytest.fixture
def run_with_worker(path, server):
    """One run whose worker is killed after some seconds, if it still goes on then; whether it was."""
    config = config_of(path)

    def kill():
        for process in multiprocessing.active_children():
            process.kill()

    def start(url, seconds):
        killer = threading.Timer(seconds, kill)
        with closing(Store.open(url)) as store, held(store, NAME) as owner:
            work = order(store, config, until=UNTIL, now=NOW, threads=1)
            events = worker.run(work, worker.Limits(), server)
            killer.start()
            failures = [told for told in record(store, NAME, events, owner) if isinstance(told, Failed)]
            killer.cancel()
        assert [failure.reason for failure in failures] in ([], [Reason.CRASHED])
        return bool(failures)

    return start


def worth_losing(left):
    """Whether there is something of each sort that a kill could lose or repeat."""
    lines = left["lines"].values()
    assert len(lines) == LIVE_WINDOWS
    assert {line.restated for line in lines} == {True, False}
    assert {Kind.COVARIATE, Kind.CONCEPT} <= {alarm.kind for alarm in left["alarms"] if alarm.closed}
    assert left["state"].streams
    assert left["lease"] is None
    return left


def test_kills_lose_nothing_and_repeat_nothing(run, run_with_worker, store_url):
    run(store_url("first"), death=("before_commit", 2))  # compiles, so that the next one's time is a measure
    started = time.monotonic()
    assert run(store_url("undisturbed")) == (0, False)
    seconds = (time.monotonic() - started) / SLICE
    expected = worth_losing(contents(store_url("undisturbed")))
    assert expected["pending"]
    kills = Kills()
    at_points(run, store_url("points"), expected, kills)
    from_outside(run, store_url, expected, kills, seconds)
    of_workers(run_with_worker, store_url("workers"), expected, kills, seconds)
    assert len(kills.windows) >= 50
    assert kills.inside >= 10
    assert min(kills.points[point] for point in POINTS) >= 3
    assert min(kills.quarters[quarter] for quarter in range(QUARTERS)) >= 5


def at_points(run, url, expected, kills):
    """Processes that die at a point of a commit, one after the other, until one gets to the end."""
    rng = np.random.default_rng(1)
    for number in count():
        point = POINTS[number % len(POINTS)]
        code, inside = run(url, death=(point, int(rng.integers(1, PASSES + 1))))
        if code == 0:
            break
        assert inside == (point != "after_commit")
        kills.add(url, inside=inside)
        kills.points[point] += 1
    same(contents(url), expected)


def from_outside(run, store_url, expected, kills, seconds):
    """Processes that are killed at random moments; where one gets to the end, the next begins anew."""
    rng = np.random.default_rng(2)
    urls = map(store_url, map("outside{}".format, count()))
    url, done = next(urls), 0
    while done < FROM_OUTSIDE:
        code, inside = run(url, seconds=rng.uniform(0, seconds))
        if code == 0:
            same(contents(url), expected)
            url = next(urls)
        else:
            kills.add(url, inside=inside)
            done += 1
    assert run(url)[0] == 0
    same(contents(url), expected)


def of_workers(run_with_worker, url, expected, kills, seconds):
    """Workers that are killed at random moments, while the process that writes lives on."""
    rng = np.random.default_rng(3)
    for _ in range(OF_WORKERS):
        if run_with_worker(url, rng.uniform(0, seconds)):
            kills.add(url)
    assert not run_with_worker(url, 3600)
    same(contents(url), expected)


def test_a_daemon_that_is_killed_goes_on_where_it_was(path, store_url, tmp_path):
    """Sometimes its worker is killed before it; what it leaves behind dies with it."""
    rng = np.random.default_rng(4)
    url, kills = store_url("daemon"), Kills()
    for number in range(OF_DAEMONS):
        with DaemonProcess(path, url, tmp_path / "log") as daemon:
            first = daemon.worker()
            time.sleep(rng.uniform(0, LIFETIME))
            if number % 2:
                with suppress(psutil.NoSuchProcess):  # its run may have ended by now
                    first.kill()
                    kills.add(url)
                awaited(lambda daemon=daemon, first=first: daemon.worker() != first)
                time.sleep(rng.uniform(0, LIFETIME))
            left = daemon.kill()
        kills.add(url)
        awaited(lambda left=left: all(map(ended, left)))
    assert min(kills.windows) < LIVE_WINDOWS
    with DaemonProcess(path, url, tmp_path / "log") as daemon:
        awaited(lambda: caught_up(url))
        assert daemon.end() == 0
    driftd("once", path, "--state", store_url("once"))
    same(contents(url), worth_losing(contents(store_url("once"))))


def caught_up(url):
    """Whether every window is evaluated, and none awaits labels."""
    with closing(Store.open(url)) as store:
        state = store.state(NAME)
    return state.watermark == END and not state.pending
