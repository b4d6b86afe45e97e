"""Logs: one line per event on stderr, as logfmt or JSON, with the time in UTC and never a secret."""

import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TextIO

STARS: Final = "***"
SHORTEST: Final = 3
"""Shorter secrets are not hidden inside of a line: stars for every "1" would make it unreadable."""

_WINDOW: Final = ContextVar("window", default="")
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_NAME: Final = re.compile(r"(?i)(^|_)(password|passwd|pwd|secret|token|credentials?|authorization)$")
_IN_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@\"']+@")
_PLAIN: Final = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Form(StrEnum):
    """How a line is written."""

    LOGFMT = "logfmt"
    JSON = "json"


class LineFormatter(logging.Formatter):
    """Time, level, message, then what `extra` holds, model and window first.

    `secrets`: texts that appear as stars wherever they stand. So do passwords inside of URLs and
    fields whose name says that they hold a secret.
    """

    def __init__(self, form: Form = Form.LOGFMT, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._form = form
        self._secrets: list[str] = []
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on these texts too appear as stars."""
        more = {each for each in secrets if len(each) >= SHORTEST}
        self._secrets = sorted({*self._secrets, *more}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields = {key: self._clean(key, value) for key, value in _fields(self, record).items()}
        if self._form is Form.JSON:
            return json.dumps(fields, ensure_ascii=True, allow_nan=False)
        return " ".join(f"{_key(key)}={_value(value)}" for key, value in fields.items())

    def _clean(self, key: str, value: object) -> str | int | float | bool | None:
        if _SECRET_NAME.search(key):
            return STARS
        if (
            value is None
            or isinstance(value, (bool, int))
            or (isinstance(value, float) and math.isfinite(value))
        ):
            return value
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return _IN_URL.sub(rf"\g<scheme>{STARS}@", text)


def configure(
    form: str = Form.LOGFMT, level: str = "info", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> logging.Handler:
    """Send the logs of the whole process to `stream` (stderr) and nowhere else; the handler is returned.

    Raises ValueError for a form or a level that does not exist.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(LineFormatter(Form(form), secrets))
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    return handler


def hide(secrets: Iterable[str]) -> None:
    """Let these texts appear as stars in the logs that `configure` has set up."""
    texts = tuple(secrets)
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, LineFormatter):
            handler.formatter.hide(texts)


@contextmanager
def within(window: str) -> Iterator[None]:
    """Lines that are logged in here, by this thread, name the window."""
    before = _WINDOW.set(window)
    try:
        yield
    finally:
        _WINDOW.reset(before)


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, object]:
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    extra = {key: value for key, value in vars(record).items() if key not in _OWN}
    window = _WINDOW.get()
    if window:
        extra.setdefault("window", window)
    fields: dict[str, object] = {
        "time": moment.isoformat(timespec="milliseconds") + "Z",
        "level": record.levelname.lower(),
        "msg": record.getMessage(),
    }
    first = [key for key in ("model", "window") if key in extra]
    for key in (*first, *(key for key in extra if key not in first)):
        fields[f"{key}_" if key in fields else key] = extra[key]
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        fields["trace"] = formatter.formatException(record.exc_info)
    return fields


def _key(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", key)


def _value(value: str | float | None) -> str:
    """A logfmt value: bare where that is unambiguous, else quoted on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=not text.isprintable())
