"""A request in, a response out, and what stands behind the server: no sockets here."""

import gzip
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.state import Commit
from monitor.types import Evaluation

READ: Final = ("GET", "HEAD")
_TEXT: Final = "text/plain; charset=utf-8"
_WORTH_PACKING: Final = 1_000
"""Bytes from which an answer is compressed."""


class History(Protocol):
    """What the ledger has of a model's windows."""

    def __call__(
        self,
        model: str,
        start: datetime | None,
        end: datetime | None,
        limit: int,
        before: str | None,
    ) -> Sequence[Evaluation]:
        """The newest `limit` windows that begin in `[start, end)`, in time order.

        `before`: the key of a window; only older ones.
        """


@dataclass(frozen=True, slots=True)
class App:
    """What the server shows and can set going, all of it passed in.

    `ready` gives the reason why the daemon is not ready, None when it is. `reload` loads the
    configuration again and raises DriftdError where the old one stays. `accept` takes a model's name and a
    reason, as `accepting.accept` does, and raises what that raises.
    """

    board: Board
    exporter: Exporter
    ready: Callable[[], str | None]
    reload: Callable[[], None]
    now: Callable[[], datetime]
    history: History
    accept: Callable[[str, str], Commit]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `headers` by lower-case name; `local`, whether it comes from this machine.

    `query` is what stands after the question mark.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    local: bool = False
    authenticated: bool = False
    query: str = ""
    body: bytes = b""


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


def why_refused(request: Request, act: str) -> str | None:
    """Why a request may not set something going; None where it may.

    Only this machine may, or who has proved who it is, and no page of another site in somebody's browser:
    browsers say where a request comes from, and a name that leads to this machine may be anybody's.
    """
    if not (request.local or request.authenticated):
        return f"{act} from another machine needs authentication: see --web-config"
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return f"{act} from a page of another site is refused"
    if not (request.authenticated or _own_name(request.headers.get("host", "localhost"))):
        return f"{act} without authentication goes to localhost or to an address, not to another name"
    return None


def _own_name(host: str) -> bool:
    """Whether a Host header names this machine by an address or as localhost.

    >>> _own_name("127.0.0.1:9877"), _own_name("[::1]"), _own_name("localhost:80"), _own_name("evil.example")
    (True, True, True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def packed(response: Response, accepts: str) -> Response:
    """The response compressed, where it is long enough and the Accept-Encoding header takes that."""
    headers = {**response.headers, "Vary": "Accept-Encoding"}
    if len(response.body) < _WORTH_PACKING or not accepts_gzip(accepts):
        return Response(response.status, response.body, response.content_type, headers)
    body = gzip.compress(response.body, compresslevel=5, mtime=0)
    return Response(response.status, body, response.content_type, {**headers, "Content-Encoding": "gzip"})


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip.

    >>> accepts_gzip("deflate, gzip;q=0.5"), accepts_gzip("gzip;q=0, br"), accepts_gzip("")
    (True, False, False)
    """
    taken = {}
    for part in header.lower().split(","):
        coding, _, quality = part.partition(";")
        taken[coding.strip()] = quality.replace(" ", "").rstrip("0").rstrip(".") != "q="
    return taken.get("gzip", taken.get("*", False))
