"""Model files change while driftd runs: what Prometheus then knows."""

import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.crash_model import write_model
from tests.crash.daemon_process import DaemonProcess, awaited
from tests.e2e.servers import Prometheus, prometheus_in
from tests.e2e.shipped import write_prometheus

SUCCESSFUL = "driftd_config_last_reload_successful"
ALERT = 'ALERTS{alertname="DriftdConfigReloadFailed"}'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Site:
    """A daemon of two models, and the Prometheus that scrapes it every second."""

    models: Path
    daemon: DaemonProcess
    prometheus: Prometheus

    def write(self, *, valid: bool) -> None:
        text = self.models.joinpath("pumps.yaml").read_text()
        self.models.joinpath("valves.yaml").write_text(
            text.replace("model: pumps", "model: valves") if valid else "version: 1\nmodle: valves\n"
        )

    def known(self) -> set[str]:
        """The models that have series."""
        return {each["metric"]["model"] for each in self.prometheus.instant('{model!="",job="driftd"}')}


@pytest.fixture
def site(tmp_path, prometheus):
    path = write_model(tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    text = path.read_text().replace("path: ", "path: ../").replace("every: 1s", "every: 1h")
    (models / "pumps.yaml").write_text(text)
    daemon = DaemonProcess(models, f"sqlite:///{tmp_path}/driftd.db", tmp_path / "log")
    with ExitStack() as stack:
        stack.enter_context(daemon)
        write_prometheus(tmp_path, daemon.address)
        found = Site(models, daemon, stack.enter_context(prometheus_in(tmp_path, prometheus)))
        awaited(lambda: found.prometheus.value(SUCCESSFUL) == 1)
        yield found
