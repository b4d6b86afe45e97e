"""Model files change while driftd runs: what Prometheus then knows."""

import signal
import time
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
        return {
            each["metric"]["model"] for each in self.prometheus.instant('{__name__=~"driftd_.+",model!=""}')
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory, prometheus):
    folder = tmp_path_factory.mktemp("site")
    path = write_model(folder)
    models = folder / "models"
    models.mkdir()
    text = path.read_text().replace("path: ", "path: ../").replace("every: 1s", "every: 1h")
    (models / "pumps.yaml").write_text(text)
    daemon = DaemonProcess(models, f"sqlite:///{folder}/driftd.db", folder / "log")
    with ExitStack() as stack:
        stack.enter_context(daemon)
        write_prometheus(folder, daemon.address)
        found = Site(models, daemon, stack.enter_context(prometheus_in(folder, prometheus)))
        awaited(lambda: found.prometheus.value(SUCCESSFUL) == 1)
        yield found


def test_prometheus_knows_whether_the_last_reload_was_good(site):
    site.write(valid=False)
    site.daemon.process.send_signal(signal.SIGHUP)
    awaited(lambda: site.prometheus.value(SUCCESSFUL) == 0)
    awaited(lambda: site.prometheus.instant(ALERT))
    site.write(valid=True)
    assert site.daemon.reload() == 200
    awaited(lambda: site.prometheus.value(SUCCESSFUL) == 1)
    awaited(lambda: not site.prometheus.instant(ALERT))
    assert site.known() == {"pumps", "valves"}
    site.write(valid=False)
    assert site.daemon.reload() == 500
    awaited(lambda: site.prometheus.value(SUCCESSFUL) == 0)
    assert site.known() == {"pumps", "valves"}
    site.write(valid=True)
    site.daemon.process.send_signal(signal.SIGHUP)
    awaited(lambda: site.prometheus.value(SUCCESSFUL) == 1)


def test_a_model_that_is_removed_has_no_series_after_the_next_scrape(site):
    site.write(valid=True)
    assert site.daemon.reload() == 200
    awaited(lambda: site.prometheus.instant('driftd_statistic{model="valves"}'))
    awaited(lambda: site.prometheus.instant('driftd_statistic{model="pumps"}'))
    (site.models / "valves.yaml").unlink()
    assert site.daemon.reload() == 200
    reloaded = time.time()
    awaited(lambda: site.prometheus.value('timestamp(up{job="driftd"})') > reloaded)
    assert site.known() == {"pumps"}
