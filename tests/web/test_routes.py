import gzip
from http import HTTPStatus

import pytest

from monitor.errors import ConfigError, ConfigProblem
from monitor.types import Reason, Stage
from monitor.web.exchange import Request
from monitor.web.routes import respond


def ask(daemon, path, method="GET", headers=None, *, local=True, authenticated=False):
    return respond(daemon.app(), Request(method, path, headers or {}, local, authenticated))


def test_metrics_in_text_and_openmetrics(daemon):
    plain = ask(daemon, "/metrics")
    assert plain.status == HTTPStatus.OK
    assert plain.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"driftd_window_rows" in plain.body
    newer = ask(daemon, "/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert newer.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert newer.body.endswith(b"# EOF\n")


def test_metrics_compressed_where_asked_for(daemon):
    packed = ask(daemon, "/metrics", headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert b"driftd_window_rows" in gzip.decompress(packed.body)
    assert "Content-Encoding" not in ask(daemon, "/metrics", headers={"accept-encoding": "gzip;q=0"}).headers


def test_alive_though_not_ready(daemon):
    daemon.not_ready = "the store is not open yet"
    assert ask(daemon, "/-/healthy").status == HTTPStatus.OK
    answer = ask(daemon, "/-/ready")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.body == b"driftd is not ready: the store is not open yet\n"
    daemon.not_ready = None
    assert ask(daemon, "/-/ready").status == HTTPStatus.OK


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload(daemon, method):
    assert ask(daemon, "/-/reload", method).status == HTTPStatus.OK
    assert daemon.reloads == 1


def test_a_reload_that_fails_says_why(daemon):
    daemon.error = ConfigError([ConfigProblem("churn.yaml", 4, 3, "window", "unknown key")])
    answer = ask(daemon, "/-/reload", "POST")
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert b"churn.yaml:4:3: window: unknown key" in answer.body


def test_a_reload_from_elsewhere_needs_authentication(daemon):
    assert ask(daemon, "/-/reload", "POST", local=False).status == HTTPStatus.FORBIDDEN
    assert daemon.reloads == 0
    assert ask(daemon, "/-/reload", "POST", local=False, authenticated=True).status == HTTPStatus.OK


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_page_of_another_site_cannot_set_off_a_reload(daemon, site, status):
    assert ask(daemon, "/-/reload", "POST", {"sec-fetch-site": site}).status == status


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/-/", "/../etc/passwd", "", "*"])
def test_an_unknown_path(daemon, path):
    assert ask(daemon, path).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/metrics", "GET, HEAD"), ("DELETE", "/", "GET, HEAD"), ("GET", "/-/reload", "POST, PUT")],
)
def test_a_method_that_is_not_allowed(daemon, method, path, allowed):
    answer = ask(daemon, path, method)
    assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert answer.headers["Allow"] == allowed


def test_a_fault_of_ours_is_told_to_the_log_only(daemon, caplog):
    daemon.error = RuntimeError("secret detail")
    answer = ask(daemon, "/-/reload", "POST")
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert b"secret detail" not in answer.body
    assert "secret detail" in caplog.text
    assert daemon.board.current().errors[Stage.EXPORT, Reason.INTERNAL] == 1


def test_the_status_page_may_run_nothing(daemon):
    answer = ask(daemon, "/")
    assert answer.content_type == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
