"""A daemon with real flights that end now, and a Prometheus that scrapes it every second."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

from monitor.cli import main
from tests.crash.daemon_process import DaemonProcess, awaited
from tests.e2e.flights import MODEL, REFERENCE, moved
from tests.e2e.servers import CONFIGS, prometheus_in

QUIET = ("2024-01-21", "2024-01-23")
DAY = pd.Timedelta("1D")
FAULT = ("2024-04-06", "2024-04-08")
"""More positives than in the reference: alarms, and estimates that can be trusted."""

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
    """A model whose last days have a fault and a new version, and one whose data are not there."""
    reference, *live = moved(REFERENCE, QUIET, FAULT)
    reference.to_parquet(folder / "reference.parquet", index=False)
    quiet, fault = (each.assign(gate="A1", release=name) for each, name in zip(live, "78", strict=True))
    pd.concat([quiet, fault]).to_parquet(folder / "live.parquet", index=False)
    (folder / "models").mkdir()
    flights = MODEL.replace("columns: {", "columns: {version: release, ")
    now = pd.Timestamp.now("UTC").floor("s")
    planned = f"{{start: {now.isoformat()}, end: {(now + DAY).isoformat()}, reason: new gates}}"
    flights += f"planned: [{planned}]\n"
    for name, text in {"flights": flights, "broken": BROKEN}.items():
        (folder / "models" / f"{name}.yaml").write_text(text.replace("path: ", "path: ../"))


def accept_the_quiet_days(folder: Path) -> None:
    """As a user does it on the command line, before the daemon is started."""
    state = ["--state", f"sqlite:///{folder}/driftd.db"]
    live = pd.read_parquet(folder / "live.parquet")
    until = live.loc[live["release"] == "7", "ts"].max().isoformat()
    assert main(["once", str(folder / "models" / "flights.yaml"), "--until", until, *state]) in {0, 1}
    assert main(["accept", "flight-delay", *state]) == 0


@contextmanager
def scraped(binary: str, folder: Path):
    """The Prometheus, when it has seen several runs of every model."""
    write_models(folder)
    accept_the_quiet_days(folder)
    daemon = DaemonProcess(folder / "models", f"sqlite:///{folder}/driftd.db", folder / "driftd.log")
    with ExitStack() as stack:
        stack.enter_context(daemon)
        (folder / CONFIGS["prometheus"]).write_text(SCRAPES % daemon.address)
        prometheus = stack.enter_context(prometheus_in(folder, binary))
        evaluated = 'driftd_runs_total{outcome="success"} > 0'
        awaited(lambda: prometheus.instant(evaluated))
        assert daemon.reload() == 200
        several = "min(sum by (model) (increase(driftd_runs_total[1m]))) >= 2"
        reloaded = "changes(driftd_config_last_reload_success_timestamp_seconds[1m]) > 0"
        awaited(lambda: prometheus.instant(several) and prometheus.instant(reloaded))
        yield prometheus
        assert daemon.end() == 0
