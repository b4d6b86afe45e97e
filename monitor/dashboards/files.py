"""The files that Grafana is provisioned with: dashboards as JSON, and where to find them and Prometheus."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from monitor.dashboards.column import column
from monitor.dashboards.daemon import daemon
from monitor.dashboards.elements import Json
from monitor.dashboards.fleet import fleet
from monitor.dashboards.model import model

DASHBOARDS: Final[tuple[Callable[[], Json], ...]] = (fleet, model, column, daemon)

DATASOURCE: Final = """\
# To /etc/grafana/provisioning/datasources/. Leave it out where Grafana knows your Prometheus already.
apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: ${PROMETHEUS_URL}              # an environment variable of Grafana, such as http://localhost:9090
    jsonData:
      timeInterval: 30s                 # the scrape_interval of the job that scrapes driftd
"""

PROVIDER: Final = """\
# To /etc/grafana/provisioning/dashboards/. The dashboards themselves to the folder that `path` names.
apiVersion: 1
providers:
  - name: driftd
    folder: driftd
    type: file
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /var/lib/grafana/dashboards/driftd
"""


def files() -> dict[str, str]:
    """Every file's text, by its path in the folder."""
    found = {
        "provisioning/datasources/driftd.yaml": DATASOURCE,
        "provisioning/dashboards/driftd.yaml": PROVIDER,
    }
    for made in DASHBOARDS:
        dashboard = made()
        found[f"dashboards/{dashboard['uid']}.json"] = json.dumps(dashboard, indent=1) + "\n"
    return found


def write(folder: Path) -> None:
    """Write every file below the folder, which is made if need be; OSError where that cannot be done."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
