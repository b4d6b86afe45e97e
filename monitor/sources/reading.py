"""What every format's reader takes and tells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from monitor.sources.base import Interval
from monitor.types import Problem, Reason

BATCH_ROWS = 131_072
"""The most rows of one batch."""

Open = Callable[[], pa.NativeFile]


class UnfinishedError(Exception):
    """The file ends in the middle of a row."""


class EncodingError(Exception):
    """The file as a whole is not text in the encoding that was said."""


@dataclass(slots=True)
class Reading:
    """One file on its way: what is wanted of it, and what was found.

    `rows`: all rows of the file, read or left out. `span`: the first and last event time, int64
    microseconds in UTC, where the format knows them. `young`: it was written to a moment ago.
    """

    name: str
    open: Open
    columns: frozenset[str]
    interval: Interval | None
    remote: bool = False
    young: bool = False
    rows: int = 0
    span: tuple[int, int] | None = None
    present: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)

    def say(self, column: str, reason: Reason, text: str) -> None:
        """Tell a problem of this file."""
        self.problems.append(Problem(column, reason, f"{self.name}: {text}"))


class Format(Protocol):
    """How files of one format are read."""

    @property
    def learns_times(self) -> bool:
        """Whether only the rows tell when they happened."""
        ...

    def schema(self, reading: Reading) -> pa.Schema:
        """The columns of the file."""
        ...

    def scan(self, reading: Reading) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The wanted columns, batch by batch, each with the number of its first row."""
        ...


def sliced(batch: pa.RecordBatch, offset: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batch in parts of at most `BATCH_ROWS`."""
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield offset + start, batch.slice(start, BATCH_ROWS)
