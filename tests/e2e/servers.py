"""Prometheus and Alertmanager as processes of a test: each on a free port, ended with the test."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.crash.daemon_process import awaited, port

CONFIGS = {"prometheus": "prometheus.yml", "alertmanager": "alertmanager.yml"}
"""By server the name of its configuration in its folder."""


class Prometheus:
    """Its HTTP interface."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"

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

    def value(self, expression: str) -> float | None:
        """The value of the only series; None where there is none."""
        found = self.instant(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def range(self, expression: str, seconds: int) -> list:
        """The series of the last seconds, a point each."""
        now = float(self.instant("time()")[1])
        return self.between(expression, now - seconds, now, 1)

    def between(self, expression: str, start: float, end: float, step: int) -> list:
        """The series of a time, Unix seconds."""
        found = self._get("/api/v1/query_range", query=expression, start=start, end=end, step=step)
        return found["result"]

    def values(self, label: str, series: str) -> list[str]:
        """The values of a label, as a variable asks for them."""
        return self._get(f"/api/v1/label/{label}/values", **{"match[]": series})


@contextmanager
def prometheus_in(folder: Path, binary: str):
    """A Prometheus that keeps its data in the folder and finds its configuration there."""
    options = [
        f"--config.file={folder / CONFIGS['prometheus']}",
        f"--storage.tsdb.path={folder}/tsdb",
        "--storage.tsdb.retention.time=100y",
    ]
    with _listening([binary, *options], folder / "prometheus.log") as address:
        found = Prometheus(address)
        awaited(found.ready)
        yield found


@contextmanager
def alertmanager_in(folder: Path, binary: str, config: Path | None = None):
    """The address of an Alertmanager that keeps its data in the folder."""
    options = [
        f"--config.file={config or folder / CONFIGS['alertmanager']}",
        f"--storage.path={folder}/alertmanager",
        "--cluster.listen-address=",
    ]
    # a package that is unpacked rather than installed has its templates below the folder it was unpacked in
    root = Path(binary).resolve().parents[2]
    with _listening([binary, *options], folder / "alertmanager.log", root) as address:
        yield address


@contextmanager
def _listening(command: list[str], log: Path, root: Path | None = None):
    """The address on which the process listens."""
    with log.open("w") as stream:
        process = subprocess.Popen([*command, "--web.listen-address=127.0.0.1:0"], stderr=stream, cwd=root)
    try:
        yield f"127.0.0.1:{awaited(lambda: port(process))}"
    finally:
        process.kill()
        process.wait()
