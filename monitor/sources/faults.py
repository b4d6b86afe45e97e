"""What is told of a file that cannot be used, and how to mend it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from monitor.sources.filesystem import Found
from monitor.sources.reading import EncodingError, UnfinishedError
from monitor.types import Problem, Reason

YOUNG = timedelta(seconds=60)
"""A file that ends too early and was written to so shortly ago is taken to be still being written."""
SHORTEST = 3
"""Shorter options are not hidden in messages: stars for every "1" would make them unreadable."""


class ChangedError(Exception):
    """The file was written to while it was read."""


def is_young(found: Found, now: datetime) -> bool:
    """Whether the file was written to a moment ago."""
    return found.modified is not None and now - found.modified < YOUNG


def fault(found: Found, error: Exception, now: datetime) -> Problem:
    """The problem that an error while reading a file stands for."""
    name = found.entry.name
    if isinstance(error, FileNotFoundError):
        text = "it was removed before it was read"
        return Problem("", Reason.FILE_INCOMPLETE, f"{name}: {text}")
    if isinstance(error, ChangedError):
        text = "it was written to while it was read and is tried again at the next run"
        return Problem(
            "", Reason.FILE_INCOMPLETE, f"{name}: {text}; write elsewhere and rename it when it is whole"
        )
    if isinstance(error, PermissionError):
        return Problem(
            "", Reason.FILE_UNREADABLE, f"{name}: no permission; let the user that runs driftd read it"
        )
    if isinstance(error, EncodingError):
        text = f"it is not UTF-8 but {error}; write it as UTF-8, or give the source its `encoding`"
        return Problem("", Reason.BAD_ENCODING, f"{name}: {text}")
    what = "it ends in the middle of a row" if isinstance(error, UnfinishedError) else _first_line(error)
    if is_young(found, now):
        text = f"it is not whole yet and is tried again at the next run ({what})"
        return Problem("", Reason.FILE_INCOMPLETE, f"{name}: {text}")
    text = f"it cannot be read: {what}; write it anew, or take it out of the source's path"
    return Problem("", Reason.FILE_UNREADABLE, f"{name}: {text}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def hidden(text: str, values: Iterable[object]) -> str:
    """The text with stars in place of the source's options, which may be secrets."""
    for value in values:
        if isinstance(value, str) and len(value) >= SHORTEST:
            text = text.replace(value, "***")
    return text


def absent_in_some(present: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    """Columns that some of the files have and others have not."""
    for column in sorted(frozenset().union(*present.values())):
        without = [name for name, columns in present.items() if column not in columns]
        if without:
            text = (
                f"{len(without)} of {len(present)} files have no column {column!r}, "
                f"the first is {without[0]}; it is missing in their rows"
            )
            yield Problem(column, Reason.ABSENT_COLUMN, text)
