"""A daemon with real flights that end now, and a Prometheus that scrapes it every second."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

from tests.crash.daemon_process import DaemonProcess, awaited
from tests.e2e.flights import MODEL, REFERENCE, moved
from tests.e2e.servers import CONFIGS, prometheus_in

QUIET = ("2024-01-21", "2024-01-23")
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
    """A model whose last days have a fault, a new column and a version, and one whose data are not there."""
    reference, *live = moved(REFERENCE, QUIET, FAULT)
    reference.to_parquet(folder / "reference.parquet", index=False)
    pd.concat(live).assign(gate="A1", release="v8").to_parquet(folder / "live.parquet", index=False)
    (folder / "models").mkdir()
    flights = MODEL.replace("columns: {", "columns: {version: release, ")
    for name, text in {"flights": flights, "broken": BROKEN}.items():
        (folder / "models" / f"{name}.yaml").write_text(text.replace("path: ", "path: ../"))


@contextmanager
def scraped(binary: str, folder: Path):
    """The Prometheus, when it has seen several runs of every model."""
    write_models(folder)
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
