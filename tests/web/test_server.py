import gzip
import http.client
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace

import bcrypt
import pytest

from monitor.web.access import Gate
from monitor.web.handler import Limits, is_loopback
from monitor.web.server import ListenError, Server, parse_listen

PASSWORD = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
SOON = 10.0
"""How long a test waits for what should come at once."""


@contextmanager
def serving(daemon, web_config=None, limits=None, listen="127.0.0.1:0"):
    server = Server(listen, daemon.app(), web_config, limits)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(daemon):
    with serving(daemon) as running:
        yield running


def client(server, context=None):
    host, port = server.address.host, server.address.port
    if context is None:
        return http.client.HTTPConnection(host, port, timeout=SOON)
    return http.client.HTTPSConnection(host, port, timeout=SOON, context=context)


def fetch(connection, path, method="GET", body=None, headers=None):
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer, answer.read()


def get(server, path, method="GET", context=None, headers=None):
    connection = client(server, context)
    try:
        return fetch(connection, path, method, headers=headers)
    finally:
        connection.close()


def raw(server, *lines, body=b""):
    """Send bytes as they are; everything that comes back until the server closes."""
    with socket.create_connection((server.address.host, server.address.port), SOON) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode() + body)
        pieces = []
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_scrape(server):
    answer, body = get(server, "/metrics?x=1", headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"driftd_alarm{" in gzip.decompress(body)
    assert answer.headers["Server"] == "driftd"


def test_several_requests_on_one_connection(server):
    connection = client(server)
    for path, status in (("/", 200), ("/nothing", 404), ("/-/reload", 405), ("/-/healthy", 200)):
        answer, body = fetch(connection, path)
        assert answer.status == status
        assert int(answer.headers["Content-Length"]) == len(body)
    connection.close()


def test_head_has_the_headers_of_get_and_no_body(server):
    full, body = get(server, "/-/healthy")
    answer, nothing = get(server, "/-/healthy", "HEAD")
    assert answer.status == 200
    assert answer.headers["Content-Length"] == full.headers["Content-Length"] == str(len(body))
    assert nothing == b""


def test_a_body_is_read_away(daemon, server):
    connection = client(server)
    answer, _ = fetch(connection, "/-/reload", "POST", b"x" * 1000)
    assert answer.status == 200
    assert fetch(connection, "/-/healthy")[0].status == 200
    assert daemon.reloads == 1
    connection.close()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET / HTTP/1.1",), 400),
        (("nonsense",), 400),
        (("GET / HTTP/2.0", "Host: x"), 505),
        (("GET /" + "x" * 70_000 + " HTTP/1.1", "Host: x"), 414),
        (("GET / HTTP/1.1", "Host: x", *(f"H{index}: x" for index in range(200))), 431),
        (("POST /-/reload HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"), 411),
        (("POST /-/reload HTTP/1.1", "Host: localhost", "Content-Length: many"), 400),
        (("POST /-/reload HTTP/1.1", "Host: localhost", "Content-Length: 1", "Content-Length: 2"), 400),
        (("POST /-/reload HTTP/1.1", "Host: localhost", "Content-Length: 99999999"), 413),
    ],
)
def test_what_is_no_sound_request_is_refused_and_the_connection_closed(daemon, server, lines, status):
    answer = raw(server, *lines)
    assert f" {status} ".encode() in answer.splitlines()[0] + b" "
    assert daemon.reloads == 0


def test_the_old_version_and_an_absolute_address_are_understood(server):
    assert b"driftd is alive" in raw(server, "GET /-/healthy HTTP/1.0")
    assert b"driftd is alive" in raw(
        server, "GET http://x/-/healthy HTTP/1.1", "Host: x", "Connection: close"
    )


def test_an_idle_client_holds_nobody_up(server):
    with socket.create_connection((server.address.host, server.address.port)):
        assert get(server, "/-/healthy")[0].status == 200


def test_a_client_that_sends_nothing_or_half_a_request_is_let_go(daemon):
    limits = Limits(idle=0.05, request=0.05)
    with serving(daemon, limits=limits) as server:
        place = (server.address.host, server.address.port)
        for sent in (b"", b"GET / HTTP/1.1\r\nHost:"):
            with socket.create_connection(place, SOON) as connection:
                connection.sendall(sent)
                assert connection.recv(1) == b""


def test_where_every_place_is_busy_the_next_is_told_to_come_again(daemon):
    entered, go_on = threading.Event(), threading.Event()

    def slow():
        entered.set()
        go_on.wait(SOON)

    server = Server("127.0.0.1:0", replace(daemon.app(), reload=slow), None, Limits(connections=1))
    server.start()
    place = (server.address.host, server.address.port)
    with socket.create_connection(place, SOON) as busy:
        busy.sendall(b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert entered.wait(SOON)
        with socket.create_connection(place, SOON) as late:
            assert late.recv(100).startswith(b"HTTP/1.1 503 ")
        go_on.set()
        assert busy.recv(100).startswith(b"HTTP/1.1 200 ")
    server.stop()


def test_connections_are_not_kept_where_it_is_crowded(daemon):
    with serving(daemon, limits=Limits(connections=1)) as server:
        answer, _ = get(server, "/-/healthy")
        assert answer.headers["Connection"] == "close"


def test_stopping_lets_an_answer_end_and_wakes_idle_connections(daemon):
    entered, go_on = threading.Event(), threading.Event()

    def slow():
        entered.set()
        go_on.wait(SOON)

    server = Server("127.0.0.1:0", replace(daemon.app(), reload=slow), None, Limits(stop=SOON))
    server.start()
    idle = client(server)
    assert fetch(idle, "/-/healthy")[0].status == 200
    answers = []
    asking = threading.Thread(target=lambda: answers.append(get(server, "/-/reload", "POST")[0].status))
    asking.start()
    assert entered.wait(SOON)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    go_on.set()
    for thread in (asking, stopping):
        thread.join(SOON)
        assert not thread.is_alive()
    assert answers == [200]
    assert idle.sock.recv(1) == b""
    idle.close()
    server.stop()


def test_a_stopped_server_frees_its_port(daemon):
    with serving(daemon) as first:
        listen = str(first.address)
    with serving(daemon, listen=listen) as second:
        assert get(second, "/-/healthy")[0].status == 200


def test_a_port_in_use_is_a_clear_error(daemon, server):
    other = Server(str(server.address), daemon.app())
    with pytest.raises(
        ListenError, match=r"cannot listen on 127\.0\.0\.1:\d+: address already in use; .*--listen"
    ):
        other.start()


def test_ipv6(daemon):
    with serving(daemon, listen="[::1]:0") as server:
        assert get(server, "/-/healthy")[0].status == 200
        assert server.url.startswith("http://[::1]:")


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("9877", "write host:port"),
        ("127.0.0.1", "write host:port"),
        ("127.0.0.1:http", "write host:port"),
        ("127.0.0.1:70000", "write host:port"),
        (":9877", r"to listen on every interface write 0\.0\.0\.0:9877"),
        ("::1:9877", r'write "\[::1\]:9877"'),
    ],
)
def test_an_address_that_is_none(listen, message):
    with pytest.raises(ListenError, match=message):
        parse_listen(listen)


@pytest.mark.parametrize(
    ("host", "local"), [("::1", True), ("fe80::1%eth0", False), ("::ffff:10.0.0.1", False)]
)
def test_what_is_this_machine(host, local):
    assert is_loopback(host) is local


def basic_auth(tmp_path):
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{alice: {PASSWORD}}}\n", encoding="utf-8")
    return path


def test_a_password_is_asked_for(daemon, tmp_path):
    with serving(daemon, basic_auth(tmp_path)) as server:
        for path in ("/", "/metrics", "/-/healthy", "/nothing"):
            answer, _ = get(server, path)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="driftd"'
        right = {"Authorization": "Basic YWxpY2U6b3BlbiBzZXNhbWU="}
        assert get(server, "/metrics", headers=right)[0].status == 200


def test_a_web_configuration_that_became_invalid_is_counted(daemon, tmp_path):
    path = tmp_path / "web.yml"
    path.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n", encoding="utf-8")
    with serving(daemon, path) as server:
        path.write_text("http_server_config: {header: {}}\n", encoding="utf-8")
        for _ in range(3):
            _, body = get(server, "/metrics")
        assert b'driftd_errors_total{model="",reason="config_invalid",stage="export"} 1.0' in body


def test_headers_of_the_file_stand_in_every_answer(daemon, tmp_path):
    path = tmp_path / "web.yml"
    path.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n", encoding="utf-8")
    with serving(daemon, path) as server:
        for where in ("/", "/nothing"):
            assert get(server, where)[0].headers.get_all("X-Frame-Options") == ["sameorigin"]


@pytest.fixture
def secured(tmp_path, authority):
    pair = authority.issue("server")
    path = tmp_path / "web.yml"
    path.write_text(
        f"tls_server_config: {{cert_file: {pair.certificate.name}, key_file: {pair.key.name}}}\n",
        encoding="utf-8",
    )
    return path


def trusting(authority):
    return ssl.create_default_context(cafile=authority.certificate)


def test_tls(daemon, secured, authority):
    with serving(daemon, secured) as server:
        answer, body = get(server, "/metrics", context=trusting(authority))
        assert (answer.status, server.url[:8]) == (200, "https://")
        assert b"driftd_alarm{" in body


def test_a_client_that_never_shakes_hands_holds_nobody_up(daemon, secured, authority):
    with serving(daemon, secured, Limits(handshake=SOON)) as server:
        silent = socket.create_connection((server.address.host, server.address.port))
        with silent:
            assert get(server, "/-/healthy", context=trusting(authority))[0].status == 200


def test_plain_http_to_a_tls_port_gets_no_answer(daemon, secured):
    gone = pytest.raises((http.client.BadStatusLine, ConnectionError))
    with serving(daemon, secured) as server, gone:
        get(server, "/-/healthy")


def test_an_old_protocol_is_refused(daemon, secured, authority):
    secured.write_text(secured.read_text("utf-8").replace("}", ", min_version: TLS13}"), encoding="utf-8")
    context = trusting(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(daemon, secured) as server, pytest.raises((ssl.SSLError, ConnectionError)):
        get(server, "/-/healthy", context=context)


def test_a_client_shows_its_certificate(daemon, secured, authority):
    more = f", client_ca_file: {authority.certificate}, client_auth_type: RequireAndVerifyClientCert}}"
    secured.write_text(secured.read_text("utf-8").replace("}", more), encoding="utf-8")
    own = authority.issue("prometheus")
    with serving(daemon, secured) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            get(server, "/-/healthy", context=trusting(authority))
        context = trusting(authority)
        context.load_cert_chain(own.certificate, own.key)
        assert get(server, "/-/healthy", context=context)[0].status == 200


def test_a_certificate_rotates_without_a_reload(daemon, secured, authority):
    def name(server):
        context = trusting(authority)
        plain = socket.create_connection((server.address.host, server.address.port), SOON)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as shaken:
            return dict(part[0] for part in shaken.getpeercert()["subject"])["commonName"]

    with serving(daemon, secured) as server:
        assert name(server) == "server"
        kept = client(server, trusting(authority))
        assert fetch(kept, "/-/healthy")[0].status == 200
        renewed = authority.issue("renewed")
        secured.write_text(
            f"tls_server_config: {{cert_file: {renewed.certificate}, key_file: {renewed.key}}}\n",
            encoding="utf-8",
        )
        assert name(server) == "renewed"
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            fetch(kept, "/-/healthy")
        kept.close()


def test_an_unknown_fault_in_a_connection_is_told_and_frees_its_place(daemon, caplog, monkeypatch):
    with serving(daemon, limits=Limits(connections=1)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(Gate, "access", lambda gate: 1 / 0)
            assert raw(server, "GET / HTTP/1.1", "Host: x") == b""
        assert server._server._slots.acquire(timeout=SOON)
    assert "ZeroDivisionError" in caplog.text
