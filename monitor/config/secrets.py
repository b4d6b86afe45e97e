"""Text that no log, error, page or metric may show: its text is stars until it is revealed."""

import re
from collections.abc import Iterable, Iterator, Mapping

STARS = "***"
SHORTEST = 3
"""Shorter pieces are not hidden inside of messages: stars for every "1" would make them unreadable."""

_SECRET_NAME = re.compile(r"(?i)(^|_)(password|passwd|pwd|secret|token|key|credentials?)$")


class Secret:
    """A text that shows itself as stars; `shown` may keep the harmless parts of it.

    `pieces` are the parts that must not be seen, by default the whole text. No dataclass, so that
    nothing that walks over fields can print it.

    >>> secret = Secret("s3://top/data", "s3://***/data", ("top",))
    >>> print(secret, repr(secret), f"{secret}")
    s3://***/data Secret('s3://***/data') s3://***/data
    >>> secret.reveal()
    's3://top/data'
    """

    __slots__ = ("_shown", "_text", "parts")

    def __init__(self, text: str, shown: str = STARS, pieces: tuple[str, ...] = ()) -> None:
        self._text = text
        self._shown = shown
        self.parts = pieces or (text,)

    @property
    def shown(self) -> str:
        """The text with stars for every secret part."""
        return self._shown

    def reveal(self) -> str:
        """The text itself, for the one who opens the source."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Equal where the text is."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        """By the text."""
        return hash((Secret, self._text))

    def __str__(self) -> str:
        """Stars in place of every secret part."""
        return self._shown

    def __repr__(self) -> str:
        """Stars as well."""
        return f"Secret({self._shown!r})"

    def __format__(self, spec: str) -> str:
        """Stars in every format."""
        return format(self._shown, spec)


def names_a_secret(key: str) -> bool:
    """Whether an option of this name holds a secret, even written out in the file.

    >>> names_a_secret("secret_key"), names_a_secret("path"), names_a_secret("keys")
    (True, False, False)
    """
    return _SECRET_NAME.search(key) is not None


def secrets_in(value: object) -> Iterator[Secret]:
    """Every secret inside of nested mappings and sequences."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner)


def revealed(value: object) -> object:
    """The same nested value with every secret's text in its place."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: revealed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [revealed(inner) for inner in value]
    return value


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text with stars where a secret's parts stand, the longest first.

    >>> redact("cannot open s3://hunter2/x", [Secret("hunter2")])
    'cannot open s3://***/x'
    """
    parts = {part for secret in secrets for part in secret.parts if len(part) >= SHORTEST}
    for part in sorted(parts, key=lambda part: (-len(part), part)):
        text = text.replace(part, STARS)
    return text
