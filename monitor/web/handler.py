"""One HTTP/1.1 connection: request after request, each within its own time."""

import http.client
import http.server
import io
import ipaddress
import logging
import math
import socket
import socketserver
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.web.access import Access, Gate, Passwords
from monitor.web.exchange import App, Request, Response, text
from monitor.web.routes import respond

log = logging.getLogger(__name__)

LONGEST_BODY: Final = 65_536
LONGEST_HEAD: Final = 131_072
_NEITHER_RUN_NOR_FRAMED: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take: connections in all, and seconds for each step."""

    connections: int = 64
    handshake: float = 5.0
    idle: float = 75.0
    """How long a connection may wait for its next request: longer than a scrape interval."""
    request: float = 10.0
    """From the first byte of a request to its last."""
    response: float = 30.0
    stop: float = 2.0
    """How long answers under way may take when the server stops."""


@dataclass(frozen=True, slots=True)
class Service:
    """What every connection of one server needs; `closing` says that no next request is wanted."""

    app: App
    gate: Gate
    limits: Limits
    closing: Callable[[], bool]
    answering: Callable[[socket.socket], None]
    """Told when a connection's request has arrived whole: it is not let go for a newer one now."""
    waiting: Callable[[socket.socket], None]
    """Told when it waits for its next request."""
    passwords: Passwords = field(default_factory=Passwords)


class _Timed(io.RawIOBase):
    """Reads from a socket until a moment; a client that drips bytes gains no time, nor one that pours."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = math.inf
        self._left = 0

    def allow(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._left = LONGEST_HEAD

    def allow_bytes(self, number: int) -> None:
        self._left = number

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._left <= 0:
            message = "the headers are too long"
            raise http.client.HTTPException(message)  # which the base class answers
        self._connection.settimeout(left)
        read = self._connection.recv_into(buffer)
        self._left -= read
        return read


class Handler(http.server.BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 on one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self,
        service: Service,
        context: ssl.SSLContext | None,
        connection: socket.socket,
        client: Any,
        server: socketserver.BaseServer,
    ) -> None:
        self._service = service
        self._context = context
        self._body = b""
        super().__init__(connection, client, server)

    def setup(self) -> None:
        """Put the time limit under the reader."""
        super().setup()
        self._timed = _Timed(self.connection)
        self.rfile = self._reader = io.BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        """Wait for a request as long as an idle connection may, then read it within its own limit."""
        self._timed.allow(self._service.limits.idle)
        try:
            first = self._reader.peek(1)
        except TimeoutError:
            first = b""
        if not first:
            self.close_connection = True
            return
        self._timed.allow(self._service.limits.request)
        super().handle_one_request()
        self._service.waiting(self.connection)

    def _handle(self) -> None:
        refusal = self._unread()
        if refusal is not None:
            self.close_connection = True
            self._send(refusal)
            return
        self._service.answering(self.connection)
        access = self._service.gate.access()
        if access.context is not self._context:  # what this connection proved is no longer what is asked
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if access.config.users and not self._service.passwords.allow(
            access.config.users, headers.get("authorization", "")
        ):
            challenge = {"WWW-Authenticate": 'Basic realm="driftd"'}
            self._send(
                text(HTTPStatus.UNAUTHORIZED, "a user name and a password are needed", challenge), access
            )
            return
        path, query = _parts(self.path)
        local = is_loopback(self.client_address[0])
        trusted = access.config.authenticated
        request = Request(self.command, path, headers, local, trusted, query, self._body)
        self._send(respond(self._service.app, request), access)

    def __getattr__(self, name: str) -> Any:
        """Every method comes to one place, so that a known path can name those it allows."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _unread(self) -> Response | None:
        """Read the body, or say why it is refused."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        nowhere = self.request_version == "HTTP/1.1" and "Host" not in self.headers
        if nowhere or self.headers.defects:
            return text(
                HTTPStatus.BAD_REQUEST, "HTTP/1.1 needs a Host header, and a name in every header line"
            )
        if "Transfer-Encoding" in self.headers:
            return text(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length")
        if len(lengths) != 1 or not (lengths[0].isdecimal() and lengths[0].isascii()):
            return text(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        if int(lengths[0]) > LONGEST_BODY:
            return text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {LONGEST_BODY} bytes")
        self._timed.allow_bytes(int(lengths[0]))
        self._body = self.rfile.read(int(lengths[0]))
        if len(self._body) < int(lengths[0]):
            return text(HTTPStatus.BAD_REQUEST, "the body ends early")
        return None

    def _send(self, response: Response, access: Access | None = None) -> None:
        self.connection.settimeout(self._service.limits.response)
        self.send_response(response.status)
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(len(response.body)),
            **_NEITHER_RUN_NOR_FRAMED,
            **response.headers,
            **(access.config.headers if access else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        if self._service.closing():
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP, in plain text."""
        del explain
        status = HTTPStatus(code)
        self.close_connection = True
        self.request_version = self.protocol_version  # else a line that is no request gets no status
        self._send(text(status, message or status.phrase))

    def version_string(self) -> str:
        """The Server header: no versions for strangers."""
        return "driftd"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Requests are for debugging; Prometheus counts them anyway."""
        log.debug(format, *args, extra={"client": str(self.client_address[0])})


def _parts(target: str) -> tuple[str, str]:
    """The path and the query of what a request asks for, which may be a whole URL.

    >>> _parts("/a?b=c"), _parts("http://host/a")
    (('/a', 'b=c'), ('/a', ''))
    """
    if not target.startswith("/") and "://" in target:
        try:
            whole = urlsplit(target)
        except ValueError:  # such as http://[
            return "", ""
        return whole.path, whole.query
    path, _, query = target.partition("?")
    return path, query


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, also as IPv4 within IPv6.

    >>> is_loopback("127.0.0.1"), is_loopback("::ffff:127.0.0.1"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
