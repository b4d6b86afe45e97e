"""`driftd run` as a process: it listens, evaluates, reloads all or nothing, and ends with 0."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from monitor.errors import DriftdError
from tests.harness import driftd

DEADLINE = 60.0


class Process:
    """A daemon on a free port; its log is in a file."""

    def __init__(self, model, *more: str) -> None:
        self.log = model.folder / "run.log"
        command = [sys.executable, "-m", "monitor", "run", str(model.path), "--state", model.state]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--listen", "127.0.0.1:0", *more], stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.url = self.wait(
            lambda: re.search(r'msg=listening url="?(http://[^"\s]+)', self.log.read_text())
        )[1]

    def wait(self, ready: Callable[[], object]):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            if found := ready():
                return found
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        try:
            with urlopen(Request(self.url + path, method=method), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except URLError:
            return 0, ""

    def has(self, sample: str) -> bool:
        return sample in self.get("/metrics")[1].splitlines()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out


@pytest.fixture
def start():
    running: list[Process] = []

    def started(*arguments: object) -> Process:
        running.append(Process(*arguments))
        return running[-1]

    yield started
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_it_evaluates_reloads_all_or_nothing_and_ends_with_0(make, start):
    model = make("small", "moved")
    daemon = start(model)
    daemon.wait(lambda: daemon.has('driftd_runs_total{model="small",outcome="success"} 1.0'))
    assert daemon.has('driftd_alarm{kind="covariate",model="small",segment=""} 1.0')
    assert daemon.get("/-/healthy")[0] == daemon.get("/-/ready")[0] == daemon.get("/")[0] == 200
    valid = model.path.read_text()
    model.path.write_text(valid.replace("min_rows", "min_rosw"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait(lambda: daemon.has("driftd_config_last_reload_successful 0.0"))
    code, text = daemon.get("/-/reload", "POST")
    assert code >= 400
    assert "unknown key; did you mean min_rows?" in text
    assert daemon.has('driftd_alarm{kind="covariate",model="small",segment=""} 1.0')
    model.path.write_text(valid)
    assert daemon.get("/-/reload", "POST")[0] == 200
    assert daemon.has("driftd_config_last_reload_successful 1.0")
    assert daemon.end() == (0, "")
    assert "msg=stopped" in daemon.log.read_text()
    assert model.once().code == 1


def test_workers_log_as_the_daemon_does(make, monkeypatch):
    given = []

    def daemon(load, store, board, settings):
        given.append(settings.logs)
        store.close()
        raise DriftdError("enough")

    monkeypatch.setattr("monitor.cli.run.Daemon", daemon)
    model = make()
    driftd("run", model.path, "--state", model.state, "--log-format", "json", "--log-level", "error")
    assert given == [("json", "error")]


def test_a_port_that_is_taken_is_2(make):
    model = make()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = driftd("run", model.path, "--state", model.state, "--listen", address)
    assert ran.code == 2
    assert f"cannot listen on {address}: address already in use" in ran.err


@pytest.mark.parametrize("listen", ["9877", "127.0.0.1:99999", "::1:9877"])
def test_an_address_that_is_none_is_2(make, listen):
    model = make()
    ran = driftd("run", model.path, "--state", model.state, "--listen", listen)
    assert ran.code == 2
    assert "driftd: " in ran.err


def test_only_broken_files_are_2_with_their_problems(make):
    model = make()
    model.path.write_text("version: 2")
    ran = driftd("run", model.path, "--state", model.state)
    assert ran.code == 2
    assert "small.yaml:1:10: version: 1 is needed, not 2" in ran.err


def test_a_web_config_that_is_broken_is_2(make, tmp_path):
    model = make()
    (tmp_path / "web.yml").write_text("basic_auth_user: {}")
    ran = driftd("run", model.path, "--state", model.state, "--web-config", tmp_path / "web.yml")
    assert ran.code == 2
    assert "web.yml" in ran.err
