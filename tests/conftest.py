"""What all tests share: outside data, a clock, no network, one numba cache, and no silent skip in CI."""

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest

IN_CI = os.environ.get("CI", "").lower() == "true"
DATA = os.environ.get("DRIFTD_DATA", "")
OWN_CACHE = pytest.StashKey[str]()

hypothesis.settings.register_profile("driftd", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("driftd")


def pytest_configure(config: pytest.Config) -> None:
    """One folder for compiled code: made by the first process, inherited by xdist's workers."""
    if DATA and not Path(DATA).is_dir():
        message = f"DRIFTD_DATA names {DATA}, which is not a folder"
        raise pytest.UsageError(message)
    if "NUMBA_CACHE_DIR" not in os.environ:
        config.stash[OWN_CACHE] = tempfile.mkdtemp(prefix="driftd-numba-")
        os.environ["NUMBA_CACHE_DIR"] = config.stash[OWN_CACHE]


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(OWN_CACHE, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header() -> str:
    return (
        f"outside data: {DATA}"
        if DATA
        else "DRIFTD_DATA is not set: the tests that need outside data are left out"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if DATA:
        return
    left_out = [item for item in items if item.get_closest_marker("data")]
    items[:] = [item for item in items if not item.get_closest_marker("data")]
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that cannot run is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Which tests were left out, by reason."""
    skipped = terminalreporter.stats.get("skipped", ())
    names: dict[str, set[str]] = {}
    for report in skipped:
        reason = report.longrepr[2].removeprefix("Skipped: ")
        names.setdefault(reason, set()).add(report.nodeid.partition("[")[0])
    for reason, left_out in sorted(names.items()):
        terminalreporter.write_line(f"left out, because {reason}:")
        for name in sorted(left_out):
            terminalreporter.write_line(f"  {name}")
    if IN_CI and skipped:
        terminalreporter.write_line(
            f"{len(skipped)} skipped in CI, where every test must run: this is a failure", red=True
        )


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the outside data sets; a test that asks for it carries the marker `data`."""
    return Path(DATA)


def tool(name: str, variable: str) -> str:
    """The path of a program that is no Python package; without it the test says what is left out."""
    found = shutil.which(os.environ.get(variable, name))
    if found is None:
        pytest.skip(f"{name} is not installed; {variable} names it")
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' own checker."""
    return tool("promtool", "DRIFTD_PROMTOOL")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Alertmanager's own checker."""
    return tool("amtool", "DRIFTD_AMTOOL")


@pytest.fixture(scope="session")
def alertmanager() -> str:
    """Alertmanager itself; Debian calls it prometheus-alertmanager."""
    return tool("alertmanager", "DRIFTD_ALERTMANAGER")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Prometheus itself."""
    return tool("prometheus", "DRIFTD_PROMETHEUS")


@pytest.fixture(scope="session")
def hadolint() -> str:
    """The linter of Dockerfiles."""
    return tool("hadolint", "DRIFTD_HADOLINT")


@pytest.fixture(scope="session")
def kubernetes_validate() -> str:
    """The checker of manifests by the schemas of Kubernetes."""
    return tool("kubernetes-validate", "DRIFTD_KUBERNETES_VALIDATE")


@pytest.fixture(scope="session")
def operator_python() -> str:
    """A Python that has the models of the Prometheus operator's objects."""
    return tool("python with cloudcoil-models-prometheus-operator", "DRIFTD_OPERATOR_PYTHON")


@pytest.fixture(scope="session")
def systemd_analyze() -> str:
    """systemd's checker of units."""
    return tool("systemd-analyze", "DRIFTD_SYSTEMD_ANALYZE")


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> datetime:
        self.now += step
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Ten o'clock on the tenth of February 2024; move it with `advance`."""
    return Clock(datetime(2024, 2, 10, 10, tzinfo=UTC))


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""

    def guarded(method: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(str(address[0])):
                message = f"a test may not connect to {address}"
                raise PermissionError(message)
            return method(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
