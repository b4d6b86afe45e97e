"""What a source is: it says which columns there are and streams rows as Arrow record batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from monitor.registry import Registry
from monitor.types import Problem


@dataclass(frozen=True, slots=True)
class Interval:
    """The event times `[start, end)` that are wanted; None is open."""

    timestamp: str
    zone: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one file, in file order; `offset` is the first row's number within the file."""

    file: str
    offset: int
    rows: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file as it stands now; `version` changes with its content (size and mtime, or an etag)."""

    name: str
    size: int
    version: str


class Source(Protocol):
    """Where rows come from."""

    def schema(self) -> pa.Schema:
        """The columns of the newest readable part; raises SourceError where nothing is readable."""
        ...

    def files(self) -> tuple[FileEntry, ...]:
        """The files in name order; empty for a source that has none."""
        ...

    def fingerprint(self) -> str:
        """Changes when the data do: a digest over the names, sizes and versions of the files."""
        ...

    def scan(
        self, columns: Sequence[str], interval: Interval | None = None, file: str | None = None
    ) -> Iterator[Batch]:
        """Stream the rows, at least those of the interval (a source may give more), of all files or one.

        Batches hold only the wanted columns that their file has; memory is bounded by a few batches.
        A file that cannot be read ends in a problem, not an error; the others go on.
        """
        ...

    def problems(self) -> tuple[Problem, ...]:
        """What the last listing by `files`, or the last scan, met: unreadable, empty, unfinished files.

        After the scan of one file only what is wrong with that file.
        """
        ...


SOURCES: Registry[Source] = Registry("source", "driftd.sources")
