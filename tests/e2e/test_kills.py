"""A worker or the daemon ends in the middle of a run: what Prometheus sees, what the ledger has in the end.

That nothing at all differs from an undisturbed run is shown in tests/crash.
"""

import time
from contextlib import ExitStack, closing
from itertools import pairwise

import pytest

from monitor.store import Store
from tests.crash.crash_model import END, LIVE_WINDOWS, NAME, STEP, write_model
from tests.crash.daemon_process import DaemonProcess, awaited, ended
from tests.e2e.servers import prometheus_in
from tests.e2e.shipped import write_prometheus
from tests.harness import driftd

CRASHED = 'driftd_errors_total{stage="worker",reason="crashed"}'
FAILED = 'driftd_runs_total{outcome="failed"}'
UP = 'up{job="driftd"}'
DOWN = 'ALERTS{alertname="DriftdDown"}'
WINDOW_END = "driftd_window_end_timestamp_seconds"

GRACE = 1.0
LONGEST_END = 15.0
"""Seconds: far less than the grace time by default."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Site:
    """A model, and daemons one after the other on one store."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.path = write_model(folder)
        self.url = f"sqlite:///{folder}/driftd.db"

    def daemon(self, *more, listen="127.0.0.1:0") -> DaemonProcess:
        return DaemonProcess(self.path, self.url, self.folder / "log", *more, listen=listen)

    def windows(self) -> list:
        with closing(Store.open(self.url, read_only=True)) as store:
            return [line.window for line in store.evaluations(NAME)]

    def halted(self, daemon, *, after=0):
        """The worker, stopped in the middle of its run: the ledger has some of its windows, not all."""
        worker = daemon.worker()
        awaited(lambda: after < len(self.windows()))
        worker.suspend()
        assert len(self.windows()) < LIVE_WINDOWS
        return worker

    def check_complete(self) -> None:
        """Every window is in the ledger once, every alarm too; nobody has the lease."""
        with closing(Store.open(self.url, read_only=True)) as store:
            alarms = [(each.kind, each.since) for each in store.alarms(NAME)]
            assert store.lease_owner(NAME) is None
        windows = self.windows()
        assert len(windows) == LIVE_WINDOWS
        assert {later.start - earlier.start for earlier, later in pairwise(windows)} == {STEP}
        assert len(alarms) == len(set(alarms)) > 0


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_kills_in_the_middle_of_a_run_are_seen_and_made_good(site, prometheus):
    with ExitStack() as stack:
        daemon = stack.enter_context(site.daemon())
        address = daemon.address
        first = site.halted(daemon)
        before = len(site.windows())
        first.kill()
        awaited(lambda: ended(first))
        site.halted(daemon, after=before)
        write_prometheus(site.folder, address)
        server = stack.enter_context(prometheus_in(site.folder, prometheus))
        awaited(lambda: server.value(CRASHED) == 1)
        assert server.value(FAILED) == 1
        assert server.value(UP) == 1
        daemon.kill()
        awaited(lambda: server.value(UP) == 0)
        awaited(lambda: server.instant(DOWN))
        assert server.value(WINDOW_END) is None
        again = stack.enter_context(site.daemon(listen=address))
        awaited(lambda: server.value(WINDOW_END) == END.timestamp())
        awaited(lambda: not server.instant(DOWN))
        assert again.end() == 0
    site.check_complete()


def test_a_run_that_cannot_end_in_the_grace_time_loses_no_window(site):
    with site.daemon("--shutdown-timeout", f"{GRACE:g}s") as daemon:
        worker = site.halted(daemon)
        started = time.monotonic()
        assert daemon.end() == 0
        assert GRACE <= time.monotonic() - started < LONGEST_END
        assert ended(worker)
    assert 0 < len(site.windows()) < LIVE_WINDOWS
    assert driftd("once", site.path, "--state", site.url).code != 2
    site.check_complete()
