"""A daemon with real flights that end now, and a Prometheus that scrapes it every second."""

import json
import re
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pandas as pd
import psutil

import monitor
from tests.crash.daemon_process import DaemonProcess, awaited

FLIGHTS = Path(monitor.__file__).parent / "data" / "flights.parquet"

REFERENCE = (pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-21", tz="UTC"))
QUIET = (pd.Timestamp("2024-01-21", tz="UTC"), pd.Timestamp("2024-01-23", tz="UTC"))
FAULT = (pd.Timestamp("2024-04-06", tz="UTC"), pd.Timestamp("2024-04-08", tz="UTC"))
"""More positives than in the reference: alarms, and estimates that can be trusted."""

LATENESS = pd.Timedelta("1h")
"""The newest window is due, whatever the time of day."""

MODEL = """
version: 1
model: flight-delay
owner: operations
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
ground_truth:
  source: {kind: files, path: live.parquet}
  id: flight_id
  label: y
  timestamp: label_ts
  horizon: 1d
columns: {timestamp: ts, id: flight_id, prediction: y_pred, probability: y_proba, label: y, positive: 1}
window: {length: 6h, lateness: 1h, min_rows: 100}
schedule: {every: 5s}
export: {detail: all}
"""

BROKEN = """
version: 1
model: broken
reference: {source: {kind: files, path: nothing-here.parquet}}
live: {source: {kind: files, path: nothing-here.parquet}}
columns: {timestamp: ts}
schedule: {every: 5s}
"""

SCRAPES = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: driftd
    static_configs: [{targets: ["%s"]}]
"""


def write_models(folder: Path) -> None:
    """A model whose last days have a fault and a new column, and one whose data are not there."""
    flights = pd.read_parquet(FLIGHTS)
    end = (pd.Timestamp.now("UTC") - LATENESS).floor("6h")
    live = [_moved(flights, *FAULT, end)]
    live.insert(0, _moved(flights, *QUIET, _begin(live[0])))
    reference = _moved(flights, *REFERENCE, _begin(live[0]))
    reference.to_parquet(folder / "reference.parquet", index=False)
    pd.concat(live).assign(gate="A1").to_parquet(folder / "live.parquet", index=False)
    (folder / "models").mkdir()
    for name, text in {"flights": MODEL, "broken": BROKEN}.items():
        (folder / "models" / f"{name}.yaml").write_text(text.replace("path: ", "path: ../"))


def _moved(flights: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, to: pd.Timestamp) -> pd.DataFrame:
    """The rows of a time, moved so that the time ends at `to`."""
    rows = flights[(flights["ts"] >= start) & (flights["ts"] < end)]
    return rows.assign(ts=rows["ts"] + (to - end), label_ts=rows["label_ts"] + (to - end))


def _begin(rows: pd.DataFrame) -> pd.Timestamp:
    return rows["ts"].min().floor("6h")


class Prometheus:
    """Its HTTP interface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _get(self, path: str, **parameters: object):
        try:
            with urlopen(f"{self.url}{path}?{urlencode(parameters)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            raise AssertionError(json.load(error)["error"]) from None

    def ready(self) -> bool:
        """Whether it answers queries; until then it listens, and says no."""
        try:
            urlopen(f"{self.url}/-/ready", timeout=10).close()
        except HTTPError:
            return False
        return True

    def instant(self, expression: str) -> list:
        return self._get("/api/v1/query", query=expression)["result"]

    def range(self, expression: str, seconds: int) -> list:
        """The series of the last seconds, a point each."""
        now = float(self.instant("time()")[1])
        found = self._get("/api/v1/query_range", query=expression, start=now - seconds, end=now, step=1)
        return found["result"]

    def values(self, label: str, series: str) -> list[str]:
        """The values of a label, as a variable asks for them."""
        return self._get(f"/api/v1/label/{label}/values", **{"match[]": series})


@contextmanager
def scraped(binary: str, folder: Path):
    """The Prometheus, when it has seen several runs of every model."""
    write_models(folder)
    log = folder / "driftd.log"
    with ExitStack() as stack:
        daemon = stack.enter_context(DaemonProcess(folder / "models", f"sqlite:///{folder}/driftd.db", log))
        address = awaited(lambda: re.search(r'msg=listening url="?http://([^"\s]+)', log.read_text()))[1]
        prometheus = stack.enter_context(_prometheus(binary, folder, address))
        evaluated = 'driftd_runs_total{outcome="success"} > 0'
        awaited(lambda: prometheus.instant(evaluated))
        urlopen(Request(f"http://{address}/-/reload", method="POST"), timeout=10).close()
        several = "min(sum by (model) (increase(driftd_runs_total[1m]))) >= 2"
        reloaded = "changes(driftd_config_last_reload_success_timestamp_seconds[1m]) > 0"
        awaited(lambda: prometheus.instant(several) and prometheus.instant(reloaded))
        yield prometheus
        assert daemon.end() == 0


@contextmanager
def _prometheus(binary: str, folder: Path, target: str):
    (folder / "prometheus.yml").write_text(SCRAPES % target)
    command = [
        binary,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        "--web.listen-address=127.0.0.1:0",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        port = awaited(lambda: _port(process))
        found = Prometheus(f"http://127.0.0.1:{port}")
        awaited(found.ready)
        yield found
    finally:
        process.terminate()
        process.wait()


def _port(process: subprocess.Popen) -> int | None:
    """The port on which the process listens; None where it does not yet."""
    assert process.poll() is None, "Prometheus has ended"
    connections = psutil.Process(process.pid).net_connections("tcp")
    return next((each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN), None)
