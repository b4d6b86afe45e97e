"""What the server answers: a request in, a response out; no sockets here."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

from monitor.errors import DriftdError
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.types import Reason, Stage
from monitor.web.pages import SECURITY_HEADERS, status_page

log = logging.getLogger(__name__)

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_READ: Final = ("GET", "HEAD")
_CHANGE: Final = ("POST", "PUT")


@dataclass(frozen=True, slots=True)
class App:
    """What the server shows and can set going, all of it passed in.

    `ready` gives the reason why the daemon is not ready, None when it is. `reload` loads the
    configuration again and raises DriftdError where the old one stays.
    """

    board: Board
    exporter: Exporter
    ready: Callable[[], str | None]
    reload: Callable[[], None]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `headers` by lower-case name; `local`, whether it comes from this machine."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    local: bool = False
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


def text(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """A plain answer of one or more lines."""
    return Response(status, message.encode() + b"\n", headers=headers or {})


def respond(app: App, request: Request) -> Response:
    """The answer to a request; a fault of ours is told to the log, not to the client."""
    route = _ROUTES.get(request.path)
    if route is None:
        return text(HTTPStatus.NOT_FOUND, "not found; there are /, /metrics, /-/healthy and /-/ready")
    methods, answer = route
    if request.method not in methods:
        allowed = {"Allow": ", ".join(methods)}
        return text(HTTPStatus.METHOD_NOT_ALLOWED, f"use {' or '.join(methods)}", allowed)
    try:
        return answer(app, request)
    except Exception:
        log.exception("a request failed", extra={"path": request.path})
        app.board.update(lambda snapshot: snapshot.with_error(Stage.EXPORT, Reason.INTERNAL))
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the log of driftd says more")


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip.

    >>> accepts_gzip("deflate, gzip;q=0.5"), accepts_gzip("gzip;q=0, br"), accepts_gzip("")
    (True, False, False)
    """
    for part in header.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return quality.replace(" ", "").rstrip("0").rstrip(".") != "q="
    return False


def _metrics(app: App, request: Request) -> Response:
    compress = accepts_gzip(request.headers.get("accept-encoding", ""))
    body, content_type = app.exporter.render(request.headers.get("accept", ""), compress=compress)
    headers = {"Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"}
    if compress:
        headers["Content-Encoding"] = "gzip"
    return Response(HTTPStatus.OK, body, content_type, headers)


def _healthy(app: App, request: Request) -> Response:
    del app, request
    return text(HTTPStatus.OK, "driftd is alive")


def _ready(app: App, request: Request) -> Response:
    del request
    reason = app.ready()
    if reason is None:
        return text(HTTPStatus.OK, "driftd is ready")
    return text(HTTPStatus.SERVICE_UNAVAILABLE, f"driftd is not ready: {reason}")


def _reload(app: App, request: Request) -> Response:
    if not (request.local or request.authenticated):
        message = "reload from another machine needs authentication: see --web-config"
        return text(HTTPStatus.FORBIDDEN, message)
    # browsers say where a request comes from: no page of another site may set this going
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return text(HTTPStatus.FORBIDDEN, "reload from a page of another site is refused")
    try:
        app.reload()
    except DriftdError as error:
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, f"not reloaded, the old configuration stays:\n{error}")
    return text(HTTPStatus.OK, "reloaded")


def _status(app: App, request: Request) -> Response:
    del request
    page = status_page(app.board.current(), app.now(), app.ready())
    return Response(HTTPStatus.OK, page, _HTML, SECURITY_HEADERS)


_ROUTES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[App, Request], Response]]]] = {
    "/": (_READ, _status),
    "/metrics": (_READ, _metrics),
    "/-/healthy": (_READ, _healthy),
    "/-/ready": (_READ, _ready),
    "/-/reload": (_CHANGE, _reload),
}
