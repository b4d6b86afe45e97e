"""From files to somebody's phone: real flights drift and recover, and a receiver hears of both."""

from contextlib import ExitStack

import pytest

from tests.crash.daemon_process import DaemonProcess, awaited
from tests.e2e.flights import MODEL, REFERENCE, moved
from tests.e2e.receiver import receiving
from tests.e2e.servers import alertmanager_in, prometheus_in
from tests.e2e.shipped import write_alertmanager, write_prometheus

ALERT = "DriftdCovariateDrift"
QUIET = ("2024-02-08", "2024-02-09")
CELSIUS = [("2024-02-15", "2024-02-16"), ("2024-02-16", "2024-02-17")]
"""The last two days of a week in which degrees Fahrenheit come as Celsius."""
RECOVERED = [("2024-02-17", "2024-02-18"), ("2024-02-18", "2024-02-19")]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Days:
    """The live files of a model, a day each, of which one after the other appears."""

    def __init__(self, folder, rows) -> None:
        self.folder = folder
        self.rows = iter(rows)
        (folder / "live").mkdir()

    def next(self) -> float:
        """One more day; returns when its last window ends, in Unix seconds."""
        rows = next(self.rows)
        end = rows["ts"].max().ceil("6h")
        path = self.folder / "live" / f"{end:%Y-%m-%dT%H}.parquet"
        rows.to_parquet(path.with_suffix(".part"), index=False)
        path.with_suffix(".part").rename(path)  # a file appears whole
        return end.timestamp()


@pytest.fixture
def days(tmp_path):
    reference, *live = moved(REFERENCE, QUIET, *CELSIUS, *RECOVERED)
    reference.to_parquet(tmp_path / "reference.parquet", index=False)
    found = Days(tmp_path, live)
    text = MODEL.replace("live.parquet", "live/*.parquet").replace("every: 5s", "every: 1s")
    (tmp_path / "model.yaml").write_text(text.replace("owner: operations", "owner: team-ops"))
    return found


@pytest.fixture
def started(tmp_path, days, prometheus, alertmanager):
    """Everything between the first file and the receiver: the daemon, Prometheus, the receiver."""
    first = days.next()
    daemon = DaemonProcess(tmp_path / "model.yaml", f"sqlite:///{tmp_path}/driftd.db", tmp_path / "log")
    with ExitStack() as stack:
        stack.enter_context(daemon)
        receiver = stack.enter_context(receiving())
        write_alertmanager(tmp_path, receiver.address)
        manager = stack.enter_context(alertmanager_in(tmp_path, alertmanager))
        write_prometheus(tmp_path, daemon.address, manager)
        server = stack.enter_context(prometheus_in(tmp_path, prometheus))
        awaited(lambda: evaluated(server, first))
        yield daemon, server, receiver


def evaluated(prometheus, end) -> bool:
    return prometheus.value("driftd_window_end_timestamp_seconds") == end


def test_drift_is_told_when_it_comes_and_when_it_has_gone(started, days):
    daemon, prometheus, receiver = started
    assert prometheus.value('driftd_alarm{kind="covariate"}') == 0
    days.next()
    fires = awaited(lambda: receiver.first(ALERT, "firing"))
    assert prometheus.value('driftd_alarm{kind="covariate"}') == 1
    last = days.next()
    awaited(lambda: evaluated(prometheus, last))
    assert receiver.first(ALERT, "resolved") is None
    days.next()
    days.next()
    resolved = awaited(lambda: receiver.first(ALERT, "resolved"))
    assert prometheus.instant(f'ALERTS{{alertname="{ALERT}"}}') == []
    assert daemon.end() == 0
    assert (fires.receiver, resolved.receiver) == ("team-ops", "team-ops")
    labels = {"job": "driftd", "model": "flight-delay", "kind": "covariate", "owner": "team-ops"}
    assert labels.items() <= fires.labels.items()
    assert fires.labels["severity"] == "warning"
    assert fires.labels == resolved.labels
    assert fires.annotations["summary"] == "The inputs of model flight-delay have moved."
    assert "Value / line in the newest window: temp " in fires.annotations["description"]
    assert fires.annotations["runbook_url"].endswith("#driftdcovariatedrift")
