"""Secrets of the model file, the web configuration and the store's URL stand in nothing that driftd says."""

import base64
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import bcrypt
import pytest

from tests.cli.conftest import UNTIL
from tests.cli.test_run import start
from tests.harness import driftd

__all__ = ["start"]  # a fixture

ENVIRONMENT, FILE, PASSWORD = "hunter2-environment", "hunter2-file", "hunter2-password"
SECRETS = (ENVIRONMENT, FILE, PASSWORD)
URL = "http://someone:{0}@127.0.0.1:9/live.parquet?token={0}"
"""Nobody listens there: the failure is told, with all that a source's error holds."""
LIVE = {"environment": f'"{URL.format("${DRIFTD_TEST_PASSWORD}")}"', "file": "!file url.txt"}
PATHS = ("/", "/metrics", "/-/ready", "/-/healthy", "/api/v1/models", "/api/v1/openapi.json", "/config")


@pytest.fixture(params=LIVE)
def secretive(request, make, monkeypatch, tmp_path):
    """A model whose live rows cannot be fetched, with a secret in where they lie."""
    monkeypatch.setenv("DRIFTD_TEST_PASSWORD", ENVIRONMENT)
    (tmp_path / "url.txt").write_text(URL.format(FILE), encoding="utf-8")
    model = make("secretive")
    text = model.path.read_text("utf-8")
    live = next(line for line in text.splitlines() if line.startswith("live:"))
    source = f"live: {{source: {{kind: files, path: {LIVE[request.param]}}}}}"
    model.path.write_text(text.replace(live, source), encoding="utf-8")
    return model


def silent(*texts: str) -> None:
    for text in texts:
        for secret in (*SECRETS, base64.b64encode(f"alice:{PASSWORD}".encode()).decode()):
            assert secret not in text, text


def ask(url: str, password: str, method: str = "GET") -> str:
    """Everything that comes back, headers too."""
    credentials = base64.b64encode(f"alice:{password}".encode()).decode()
    request = Request(url, method=method, headers={"Authorization": f"Basic {credentials}"})
    try:
        with urlopen(request, timeout=10) as answer:
            return f"{answer.headers}\n{answer.read().decode()}"
    except HTTPError as error:
        return f"{error.headers}\n{error.read().decode()}"


def test_the_daemon_tells_none(secretive, start, tmp_path):
    known = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users: {{alice: {known}}}\n", encoding="utf-8")
    daemon = start(secretive, "--web-config", str(web), "--log-level", "debug")
    ended = 'driftd_last_run_timestamp_seconds{model="secretive"}'
    daemon.wait(lambda: ended in ask(f"{daemon.url}/metrics", PASSWORD))
    answers = [ask(daemon.url + path, PASSWORD) for path in PATHS]
    answers += [
        ask(daemon.url + "/metrics", f"{PASSWORD}-wrong"),
        ask(daemon.url + "/-/reload", PASSWORD, "POST"),
    ]
    web.write_text(f"basic_auth_users: {{alice: {PASSWORD}}}\n", encoding="utf-8")
    answers.append(ask(daemon.url + "/", PASSWORD))
    daemon.wait(lambda: "web configuration not valid" in daemon.log.read_text())
    code, out = daemon.end()
    log = daemon.log.read_text()
    assert code == 0
    assert "level=debug" in log
    silent(*answers, out, log)
    assert known not in "".join(answers) + log


@pytest.mark.parametrize(
    "command",
    [("check",), ("check", "--connect"), ("calibrate",), ("once", "--until", UNTIL), ("once", "--json")],
    ids=" ".join,
)
def test_a_command_tells_none(secretive, command):
    state = ("--state", secretive.state, "--log-level", "debug") if command[0] == "once" else ()
    ran = driftd(command[0], secretive.path, *command[1:], *state)
    silent(ran.out, ran.err)
    if command[0] == "once":
        assert "no file matches" in ran.err
        status = driftd("status", secretive.path, "--state", secretive.state)
        silent(status.out, status.err)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "sqlite"])
def test_the_password_of_the_store_is_told_by_nobody(secretive, scheme):
    for command in ("once", "status"):
        url = f"{scheme}://someone:{PASSWORD}@127.0.0.1:9/driftd"
        ran = driftd(command, secretive.path, "--state", url)
        assert ran.code == 2
        assert ran.err
        silent(ran.out, ran.err)
