"""`/api/v1`: what is known of the models as JSON, its description, and what may be set going."""

import json
import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from monitor.errors import DriftdError, LeasedError, ReasonError, UnknownModelError
from monitor.export.view import ModelView
from monitor.lines import line
from monitor.store.codec import form
from monitor.types import Reason, Stage
from monitor.web import answers
from monitor.web.exchange import READ, App, Request, Response, packed, why_refused
from monitor.web.openapi import Endpoint, Parameter, describe
from monitor.web.queries import BadRequestError, accept_body, moment, query_of, whole

log = logging.getLogger(__name__)

PREFIX: Final = "/api/"
MOST_WINDOWS: Final = 1_000
SOME_WINDOWS: Final = 100
MOST_BYTES: Final = 8 * 2**20
"""After so many bytes an answer of windows takes no more of them."""
PORTION: Final = 20
"""How many windows are read at a time."""
_JSON: Final = "application/json"
_STATUS: Final[Mapping[type[DriftdError], HTTPStatus]] = {
    BadRequestError: HTTPStatus.BAD_REQUEST,
    ReasonError: HTTPStatus.BAD_REQUEST,
    UnknownModelError: HTTPStatus.NOT_FOUND,
    LeasedError: HTTPStatus.CONFLICT,
}
"""What an error means; any other is a store that cannot be read or written."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request that an endpoint is for: what of the path names the model, and the query."""

    app: App
    request: Request
    model: str
    query: Mapping[str, str]


def respond(app: App, request: Request) -> Response:
    """The answer to a request below `/api/`, always JSON."""
    found = [(each, names) for each in ENDPOINTS if (names := _matched(each.path, request.path)) is not None]
    if not found:
        there = ", ".join(dict.fromkeys(each.path for each in ENDPOINTS))
        return _failure(HTTPStatus.NOT_FOUND, f"not found; there are {there}")
    endpoint, names = found[0]
    allowed = READ if endpoint.method == "GET" else (endpoint.method,)
    if request.method not in allowed:
        told = _failure(HTTPStatus.METHOD_NOT_ALLOWED, f"use {' or '.join(allowed)}")
        return Response(told.status, told.body, told.content_type, {"Allow": ", ".join(allowed)})
    try:
        query = query_of(request.query, [each.name for each in endpoint.parameters])
        answer = _HANDLERS[endpoint.name](_Asked(app, request, names.get("model", ""), query))
    except DriftdError as error:
        status = _STATUS.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE)
        return _failure(status, str(error))
    except Exception:
        log.exception("a request failed", extra={"path": request.path})
        app.board.update(lambda snapshot: snapshot.with_error(Stage.EXPORT, Reason.INTERNAL))
        return _failure(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the log of driftd says more")
    return packed(answer, request.headers.get("accept-encoding", ""))


def _matched(template: str, path: str) -> Mapping[str, str] | None:
    """What the path has where the template has names in braces; None where it is another path."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    names = {}
    for part, text in zip(wanted, given, strict=True):
        if part.startswith("{") and text:
            names[part.strip("{}")] = unquote(text)
        elif part != text:
            return None
    return names


def _failure(status: HTTPStatus, message: str) -> Response:
    return _json(answers.Failure(message), status)


def _json(record: Hashable, status: HTTPStatus = HTTPStatus.OK) -> Response:
    kind: Hashable = type(record)
    return _answer(json.dumps(form(kind).write(record), allow_nan=False), status)


def _answer(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(status, text.encode() + b"\n", _JSON, {"Cache-Control": "no-store"})


def _models(asked: _Asked) -> Response:
    views = asked.app.board.current().models
    return _json(answers.Models(tuple(answers.summary(views[name]) for name in sorted(views))))


def _model(asked: _Asked) -> Response:
    return _json(answers.now(_known(asked)))


def _known(asked: _Asked) -> ModelView:
    """The model's view, of one snapshot: a reload may take the model away meanwhile."""
    views = asked.app.board.current().models
    if asked.model not in views:
        raise UnknownModelError(asked.model, sorted(views))
    return views[asked.model]


def _windows(asked: _Asked) -> Response:
    """Newest first from the ledger, a few at a time, until there are enough of them."""
    _known(asked)
    query = asked.query
    start, end = moment(query, "from"), moment(query, "to")
    limit = whole(query, "limit", SOME_WINDOWS, MOST_WINDOWS)
    before = query.get("before")
    lines: list[str] = []
    size = 0
    while len(lines) < limit and size < MOST_BYTES:
        found = asked.app.history(asked.model, start, end, min(PORTION, limit - len(lines)), before)
        if not found:
            break
        lines += [line(each) for each in reversed(found)]
        size += sum(map(len, lines[-len(found) :]))
        before = found[0].window.key
    more = bool(lines) and bool(asked.app.history(asked.model, start, end, 1, before))
    head, following = json.dumps(asked.model), json.dumps(before if more else None)
    return _answer(f'{{"model": {head}, "windows": [{", ".join(reversed(lines))}], "next": {following}}}')


def _accept(asked: _Asked) -> Response:
    request = asked.request
    refusal = why_refused(request, "accept")
    if refusal is not None:
        return _failure(HTTPStatus.FORBIDDEN, refusal)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:  # a form of another site's page cannot send this
        return _failure(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send the header Content-Type: {_JSON}")
    _known(asked)
    body = accept_body(request.body)
    return _json(answers.accepted(asked.app.accept(asked.model, body.reason.strip())))


def _description(asked: _Asked) -> Response:
    del asked
    return _answer(json.dumps(describe(ENDPOINTS)))


_NAME: Final = Parameter("model", "path", "the model's name", {"type": "string", "minLength": 1})
_FROM: Final = Parameter(
    "from",
    "query",
    "windows that begin at or after it; a file counts by when it was evaluated",
    {"type": "string", "format": "date-time"},
)
_TO: Final = Parameter(
    "to", "query", "windows that begin before it", {"type": "string", "format": "date-time"}
)
_LIMIT: Final = Parameter(
    "limit",
    "query",
    f"at most so many windows, the newest; fewer where they are more than {MOST_BYTES // 2**20} MiB",
    {"type": "integer", "minimum": 1, "maximum": MOST_WINDOWS, "default": SOME_WINDOWS},
)
_BEFORE: Final = Parameter(
    "before", "query", "windows older than this one: `next` of the answer before", {"type": "string"}
)
_ONE: Final = "/api/v1/models/{model}"

ENDPOINTS: Final = (
    Endpoint("listModels", "GET", "/api/v1/models", "Every model at a glance", answers.Models),
    Endpoint("getModel", "GET", _ONE, "What is known of one model now", answers.ModelNow, (_NAME,), (404,)),
    Endpoint(
        "listWindows",
        "GET",
        f"{_ONE}/windows",
        "The last line of each window, newest page first",
        answers.Windows,
        (_NAME, _FROM, _TO, _LIMIT, _BEFORE),
        (404, 503),
    ),
    Endpoint(
        "acceptModel",
        "POST",
        f"{_ONE}/accept",
        "This is the new normal: close the model's alarms and restart its memories",
        answers.Accepted,
        (_NAME,),
        (403, 404, 409, 415, 503),
        answers.Accept,
    ),
    Endpoint("describeApi", "GET", "/api/v1/openapi.json", "This description", None),
)
_HANDLERS: Final[Mapping[str, Callable[[_Asked], Response]]] = {
    "listModels": _models,
    "getModel": _model,
    "listWindows": _windows,
    "acceptModel": _accept,
    "describeApi": _description,
}
