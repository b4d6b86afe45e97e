"""Clients that are slow, many or rude, against the real server: whoever is patient is answered."""

import gzip
import socket
import ssl
from contextlib import ExitStack

import bcrypt
import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from test_server import SOON, client, fetch, get, raw, secured, server, serving, trusting

from monitor.web.handler import Limits
from tests.crash.daemon_process import awaited

__all__ = ["secured", "server"]  # fixtures

HALVES = {
    "nothing": b"",
    "half a line": b"GET /metr",
    "half a header": b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
}


def connect(server):
    return socket.create_connection((server.address.host, server.address.port), SOON)


@pytest.mark.parametrize("sent", HALVES.values(), ids=list(HALVES))
def test_more_slow_clients_than_places_shut_nobody_out(daemon, sent):
    with serving(daemon, limits=Limits(connections=4)) as server, ExitStack() as stack:
        slow = []
        for number in range(4):
            slow.append(stack.enter_context(connect(server)))
            awaited(lambda known=number + 1: len(server._server._idle) == known)
        for each in slow:
            each.sendall(sent)
        for _ in range(3):
            assert get(server, "/metrics")[0].status == 200
        assert slow[0].recv(1) == b""  # who waited longest gave its place
    assert daemon.reloads == 0


def test_more_idle_handshakes_than_places_shut_nobody_out(daemon, secured, authority):
    with serving(daemon, secured, Limits(connections=4, handshake=SOON)) as server, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect(server))
        for _ in range(3):
            assert get(server, "/metrics", context=trusting(authority))[0].status == 200


def test_a_client_that_does_not_read_is_let_go(daemon):
    with serving(daemon, limits=Limits(connections=1, response=0.05)) as server, connect(server) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        assert server._server._slots.acquire(timeout=SOON)
    assert server._server is None


def test_requests_sent_at_once_are_answered_in_order(server):
    lines = [f"GET {path} HTTP/1.1\r\nHost: x\r\n" for path in ("/-/healthy", "/nothing")]
    answer = raw(server, *lines, "GET /-/ready HTTP/1.1", "Host: x", "Connection: close")
    places = [answer.index(words) for words in (b"driftd is alive", b"not found", b"driftd is ready")]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 ") == 3


def test_long_headers_are_refused_before_they_fill_memory(server):
    answer = raw(server, "GET / HTTP/1.1", "Host: x", *(f"X-{at}: {'x' * 60_000}" for at in range(20)))
    assert b" 431 " in answer.splitlines()[0]
    assert get(server, "/-/healthy")[0].status == 200


def test_a_body_that_ends_early_sets_nothing_going(daemon, server):
    with connect(server) as connection:
        connection.sendall(HALVES["half a body"])
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(1000).splitlines()[0]
    assert daemon.reloads == 0


@pytest.mark.parametrize("header", ["Content-Length : 5", "nonsense"])
def test_a_header_that_is_none_is_refused(daemon, server, header):
    assert b" 400 " in raw(server, "POST /-/reload HTTP/1.1", "Host: localhost", header).splitlines()[0]
    assert daemon.reloads == 0


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../etc/passwd",
        "/metrics/",
        "/metrics/..",
        "/metrics%00",
        "/metrics\x00",
        "/%6detrics",
        "/-//healthy",
        "/static/../metrics",
        "http://[",
        "*",
        "/\xe9\xff",
        "/" + "x" * 10_000,
        "/metrics;x",
    ],
)
def test_a_path_is_taken_as_it_is_written_or_not_found(server, path):
    with connect(server) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"<" not in answer
    assert b"passwd" not in answer


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "BREW", "get", "PROPFIND"])
def test_an_unknown_method_is_told_those_allowed(server, method):
    answer, _ = get(server, "/metrics", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/-/reload"])
def test_no_answer_can_be_framed_sniffed_or_run(server, path):
    headers = get(server, path)[0].headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_loads_nothing_from_elsewhere(server):
    _, page = get(server, "/")
    for word in (b"http://", b"https://", b"src=", b"@import", b"url("):
        assert word not in page


def test_what_prometheus_asks_for_is_what_it_gets(server):
    asked = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "*;q=0, gzip"}
    answer, body = get(server, "/metrics", headers=asked)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "Accept-Encoding" in answer.headers["Vary"]
    names = {
        each.name
        for each in openmetrics_parser.text_string_to_metric_families(gzip.decompress(body).decode())
    }
    assert "driftd_alarm" in names


def test_a_certificate_of_a_stranger_is_refused(daemon, secured, authority, tmp_path):
    more = f", client_ca_file: {authority.certificate}, client_auth_type: RequireAndVerifyClientCert}}"
    secured.write_text(secured.read_text("utf-8").replace("}", more), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    stranger = type(authority)(tmp_path / "elsewhere").issue("prometheus")
    context = trusting(authority)
    context.load_cert_chain(stranger.certificate, stranger.key)
    with serving(daemon, secured) as server, pytest.raises((ssl.SSLError, ConnectionError)):
        get(server, "/-/healthy", context=context)


def test_a_password_changed_in_the_file_holds_for_the_next_request_of_a_connection(daemon, tmp_path):
    path = tmp_path / "web.yml"
    right = {"Authorization": "Basic YWxpY2U6b3BlbiBzZXNhbWU="}

    def write(password):
        known = bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()
        path.write_text(f"basic_auth_users: {{alice: {known}}}\n{'#' * len(password)}\n", encoding="utf-8")

    write(b"open sesame")
    with serving(daemon, path) as server:
        kept = client(server)
        assert fetch(kept, "/metrics", headers=right)[0].status == 200
        write(b"close sesame")
        assert fetch(kept, "/metrics", headers=right)[0].status == 401
        kept.close()
