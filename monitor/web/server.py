"""The HTTP server: a bounded number of threads, a time limit on everything, the handshake in the thread."""

import logging
import socket
import socketserver
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monitor.errors import DriftdError
from monitor.types import Reason, Stage
from monitor.web.access import Gate
from monitor.web.exchange import App
from monitor.web.handler import Handler, Limits, Service

__all__ = ["Address", "App", "Limits", "ListenError", "Server", "parse_listen"]

log = logging.getLogger(__name__)

LINGER: Final = 1.0
_FREED: Final = 0.2
"""Seconds in which a thread notices that its connection was let go."""
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
)


class ListenError(DriftdError):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(listen: str) -> Address:
    """The address that `host:port` or `[IPv6]:port` means; raises ListenError.

    >>> parse_listen("[::1]:9877")
    Address(host='::1', port=9877)
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isdecimal() and port.isascii()) or int(port) > 65_535:
        message = f'"{listen}" is no address to listen on; write host:port, such as 127.0.0.1:9877'
        raise ListenError(message)
    if not host:
        message = f'"{listen}" names no host; to listen on every interface write 0.0.0.0:{port}'
        raise ListenError(message)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        message = f'an IPv6 address stands in brackets: write "[{host}]:{port}"'
        raise ListenError(message)
    return Address(host, int(port))


class Server:
    """Serves an app until stopped; `web_config` names the file of TLS and passwords."""

    def __init__(
        self, listen: str, app: App, web_config: Path | None = None, limits: Limits | None = None
    ) -> None:
        self.address = parse_listen(listen)
        self._app = app
        self._gate = Gate(web_config, self._count_refusal)
        self._limits = limits or Limits()
        self._server: _HttpServer | None = None
        self._thread: threading.Thread | None = None

    def _count_refusal(self) -> None:
        self._app.board.update(lambda snapshot: snapshot.with_error(Stage.EXPORT, Reason.CONFIG_INVALID))

    @property
    def url(self) -> str:
        """Where the server answers."""
        scheme = "https" if self._gate.access().context else "http"
        return f"{scheme}://{self.address}"

    def start(self) -> None:
        """Listen and answer in threads of its own; raises ListenError where the port cannot be had."""
        try:
            found = socket.getaddrinfo(
                self.address.host, self.address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            family, _, _, _, place = found[0]
            self._server = _HttpServer(family, place, self._app, self._gate, self._limits)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"cannot listen on {self.address}: {reason}; choose another address with --listen"
            raise ListenError(message) from error
        self.address = Address(self.address.host, int(self._server.server_address[1]))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="http", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, let answers under way end, close; a second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.drain()
        self._server.server_close()
        self._server = self._thread = None


class _HttpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread per connection, up to a limit.

    Who comes beyond it takes the place of the connection that has waited for its client longest; where
    every place is busy with an answer, it is told to come again.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, family: socket.AddressFamily, place: Any, app: App, gate: Gate, limits: Limits
    ) -> None:
        self.address_family = family
        self._gate = gate
        self._limits = limits
        self._service = Service(app, gate, limits, self._closing, self._answering, self._waiting)
        self._stopping = False
        self._open: set[socket.socket] = set()
        self._idle: dict[int, socket.socket] = {}
        self._slots = threading.Semaphore(limits.connections)
        self._changed = threading.Condition()
        super().__init__(place, socketserver.BaseRequestHandler)  # `finish_request` makes the handler

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand the connection to a thread of its own."""
        if not (self._slots.acquire(blocking=False) or self._free_a_place()):
            if self._gate.access().context is None:
                request.settimeout(0)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake, where there is one, and then request after request; all in a thread of its own."""
        connection, number = request, request.fileno()
        try:
            request.settimeout(self._limits.handshake)
            context = self._gate.access().context
            if context is not None:
                connection = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            with self._changed:
                self._open.add(connection)
            self._waiting(connection)
            if context is not None:
                connection.do_handshake()
            Handler(self._service, context, connection, client_address, self)
        finally:
            with self._changed:
                self._open.discard(connection)
                self._idle.pop(number, None)
                self._changed.notify_all()
            _linger(connection)
            connection.close()
            self._slots.release()

    def _waiting(self, connection: socket.socket) -> None:
        with self._changed:
            self._idle[connection.fileno()] = connection

    def _answering(self, connection: socket.socket) -> None:
        with self._changed:
            self._idle.pop(connection.fileno(), None)

    def _free_a_place(self) -> bool:
        """Let go who has waited longest for its client's next bytes; whether that gave a place in time."""
        with self._changed:
            if not self._idle:
                return False
            connection = self._idle.pop(next(iter(self._idle)))
            _shut(connection, socket.SHUT_RDWR)
        return self._slots.acquire(timeout=_FREED)

    def _closing(self) -> bool:
        """Whether connections are not kept for a next request: at the end, or where it is crowded."""
        return self._stopping or len(self._open) * 2 > self._limits.connections

    def drain(self) -> None:
        """Wake the idle connections and wait for the busy ones."""
        self._stopping = True
        with self._changed:
            for connection in self._open:
                _shut(connection, socket.SHUT_RD)
            self._changed.wait_for(lambda: not self._open, self._limits.stop)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no news; anything else is a fault of ours."""
        del request
        error = sys.exc_info()[1]
        level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        fields = {"client": str(client_address[0])}
        log.log(level, "connection ended early", extra=fields, exc_info=error)


def _shut(connection: socket.socket, how: int) -> None:
    try:
        # not the method of a TLS socket, which would go on unencrypted
        socket.socket.shutdown(connection, how)
    except OSError:  # the other side is gone already
        return


def _linger(connection: socket.socket) -> None:
    """Read away what is left: a socket closed with unread bytes takes back what was just sent."""
    until = time.monotonic() + LINGER
    try:
        # not the methods of a TLS socket: what still comes is thrown away undeciphered
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            if not socket.socket.recv(connection, 65_536):
                return
    except OSError:  # the other side is gone already
        return
