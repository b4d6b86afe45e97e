"""What a request to the API says, checked: each fault as a sentence."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from urllib.parse import parse_qsl

from monitor.errors import DriftdError
from monitor.web.answers import Accept

MOST_PARAMETERS = 20


class BadRequestError(DriftdError):
    """A request does not say what it should."""


def query_of(text: str, known: Sequence[str]) -> Mapping[str, str]:
    """The parameters by name, each known and given once."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        message = "the query cannot be read: percent-encode it as UTF-8"
        raise BadRequestError(message) from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            message = f'unknown parameter "{name}"' + (f"; did you mean {near[0]}?" if near else "")
            raise BadRequestError(message)
        if name in found:
            message = f"{name} is given twice"
            raise BadRequestError(message)
        found[name] = value
    return found


def moment(query: Mapping[str, str], name: str) -> datetime | None:
    """A time in ISO 8601 with a zone, None where it is not given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    message = f'{name}: "{text}" is no time with a zone; write it as 2024-02-10T00:00Z (a plus sign as %2B)'
    raise BadRequestError(message)


def whole(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    text = query.get(name, str(default))
    if text.isdecimal() and text.isascii() and len(text) <= len(str(most)) and 1 <= int(text) <= most:
        return int(text)
    message = f'{name}: "{text}" is no whole number from 1 to {most}'
    raise BadRequestError(message)


def accept_body(body: bytes) -> Accept:
    """What a request to accept says; an empty body gives no reason."""
    try:
        content = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.keys() - {"reason"}:
        message = 'the body is a JSON object with at most the key "reason"'
        raise BadRequestError(message)
    reason = content.get("reason", "")
    if not isinstance(reason, str):
        message = "reason is a text"
        raise BadRequestError(message)
    return Accept(reason)
