"""What the server answers: a request in, a response out; no sockets here."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from monitor.errors import DriftdError
from monitor.types import Reason, Stage
from monitor.web import api
from monitor.web.exchange import READ, App, Request, Response, accepts_gzip, text, why_refused
from monitor.web.pages import SECURITY_HEADERS, status_page

log = logging.getLogger(__name__)

_HTML: Final = "text/html; charset=utf-8"
_CHANGE: Final = ("POST", "PUT")


def respond(app: App, request: Request) -> Response:
    """The answer to a request; a fault of ours is told to the log, not to the client."""
    if request.path.startswith(api.PREFIX):
        return api.respond(app, request)
    route = _ROUTES.get(request.path)
    if route is None:
        there = "not found; there are /, /metrics, /-/healthy, /-/ready and /api/v1/openapi.json"
        return text(HTTPStatus.NOT_FOUND, there)
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
    refusal = why_refused(request, "reload")
    if refusal is not None:
        return text(HTTPStatus.FORBIDDEN, refusal)
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
    "/": (READ, _status),
    "/metrics": (READ, _metrics),
    "/-/healthy": (READ, _healthy),
    "/-/ready": (READ, _ready),
    "/-/reload": (_CHANGE, _reload),
}
