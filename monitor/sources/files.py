"""The source `files`: Parquet, CSV and JSON Lines, on this machine or behind a URL."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from monitor.errors import SourceError
from monitor.sources.base import SOURCES, Batch, FileEntry, Interval
from monitor.sources.csv_files import CsvFormat
from monitor.sources.faults import ChangedError, absent_in_some, fault, hidden, is_young
from monitor.sources.filesystem import FileSystem, Found, Listing, open_filesystem
from monitor.sources.json_files import JsonFormat
from monitor.sources.names import format_of
from monitor.sources.parameters import FilesParameters, revealed
from monitor.sources.parquet_files import ParquetFormat, overlaps
from monitor.sources.reading import Format, Reading
from monitor.types import Problem, Reason
from monitor.values import event_time

HELD_BYTES = 64 << 20
"""Rows of a file are handed out only after this much of it, or all of it, was read without a fault."""


@dataclass(frozen=True, slots=True)
class FileSpan:
    """First and last event time of one version of a file, int64 microseconds in UTC, both included."""

    name: str
    version: str
    timestamp: str
    zone: str
    first: int
    last: int


@dataclass(slots=True)
class _Scan:
    """What one scan wants, and what it met."""

    columns: frozenset[str]
    interval: Interval | None
    file: str | None = None
    problems: list[Problem] = field(default_factory=list)
    present: dict[str, frozenset[str]] = field(default_factory=dict)
    """By file: which of the wanted columns it has."""


def _now() -> datetime:
    return datetime.now(UTC)


@SOURCES.register("files", "Parquet, CSV and JSON Lines files, local or behind a URL", FilesParameters)
class FilesSource:
    """Rows from files. Names of files are relative to the folder above the first wildcard.

    A file is used as a whole or not at all as long as what is wanted of it fits into `HELD_BYTES`. Of a
    larger one, what was read before a fault is used and the problem says so; but if it was written to
    meanwhile, the scan ends with an error that may pass. `clock` tells how old a file is; `spans` are
    what `index` gave earlier: files that they show to lie outside of an interval are not opened.
    """

    def __init__(
        self,
        parameters: FilesParameters,
        *,
        clock: Callable[[], datetime] = _now,
        spans: Iterable[FileSpan] = (),
    ) -> None:
        self._parameters = parameters
        self._clock = clock
        self._system: FileSystem | None = None
        self._listing = Listing(())
        self._scan = _Scan(frozenset(), None)
        self._spans = {span.name: span for span in spans}
        self._formats: dict[str, Format] = {
            "parquet": ParquetFormat(),
            "csv": CsvFormat(parameters.delimiter, parameters.encoding),
            "jsonl": JsonFormat(),
        }

    def schema(self) -> pa.Schema:
        """The columns of the newest readable file; CSV and JSON Lines as their first block shows them."""
        files = self._list().files
        faults = [problem.message for problem in self._listing_problems()]
        age = {
            one.entry.name: (one.modified or datetime.min.replace(tzinfo=UTC), one.entry.name)
            for one in files
        }
        for found in sorted(files, key=lambda one: age[one.entry.name], reverse=True):
            try:
                return self._format(found).schema(self._reading(found, _Scan(frozenset(), None)))
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - each filesystem raises exceptions of its own
                faults.append(self._fault(found, error).message)
        raise SourceError("; ".join(faults[:3]), transient=True)

    def files(self) -> tuple[FileEntry, ...]:
        """The files as they stand now, in name order."""
        self._scan = _Scan(frozenset(), None)
        return tuple(found.entry for found in self._list().files)

    def fingerprint(self) -> str:
        """A digest over the names, sizes and versions of the files."""
        digest = hashlib.sha256()
        for entry in (found.entry for found in self._list().files):
            digest.update(f"{entry.name}\0{entry.size}\0{entry.version}\0".encode())
        return digest.hexdigest()

    def index(self) -> tuple[FileSpan, ...]:
        """The event times of the files that were read so far, to be given to the next source."""
        return tuple(self._spans[name] for name in sorted(self._spans))

    def problems(self) -> tuple[Problem, ...]:
        """What the last listing and the last scan met; after the scan of one file only what it met."""
        listing = self._listing_problems() if self._scan.file is None else ()
        return (*listing, *self._scan.problems, *absent_in_some(self._scan.present))

    def scan(
        self, columns: Sequence[str], interval: Interval | None = None, file: str | None = None
    ) -> Iterator[Batch]:
        """Stream the wanted columns of all files in name order, or of one."""
        self._scan = scan = _Scan(frozenset(columns), interval, file)
        files = self._list().files if file is None else (self._one(file),)
        return self._stream([one for one in files if one is not None], scan)

    def _one(self, name: str) -> Found | None:
        """The file by its name, as it was last listed."""
        found = self._listing.by_name(name) or self._list().by_name(name)
        if found is not None:
            return found
        self._scan.problems.append(Problem("", Reason.FILE_INCOMPLETE, f"{name}: it is no longer there"))
        return None

    def _list(self) -> Listing:
        if self._system is None:
            self._system = open_filesystem(revealed(self._parameters.path), self._options())
        try:
            self._listing = self._system.list(any_format=self._parameters.format is not None)
        except SourceError as error:
            message = hidden(str(error), self._options().values())
            raise SourceError(message, transient=error.transient) from None
        there = {found.entry.name for found in self._listing.files}
        self._spans = {name: span for name, span in self._spans.items() if name in there}
        return self._listing

    def _options(self) -> dict[str, Any]:
        return {key: revealed(value) for key, value in self._parameters.options.items()}

    def _listing_problems(self) -> Iterator[Problem]:
        for folder in self._listing.unreadable:
            text = f"{folder}; let the user that runs driftd read it. The other folders go on"
            yield Problem("", Reason.FILE_UNREADABLE, text)
        if self._system is not None and not self._listing.files:
            text = f"no file matches {self._parameters.path}; check the path, or wait for the first file"
            yield Problem("", Reason.NO_FILES, text)

    def _stream(self, files: Collection[Found], scan: _Scan) -> Iterator[Batch]:
        for found in files:
            if scan.interval is None or self._may_hold(found, scan.interval):
                yield from self._read(found, scan)

    def _may_hold(self, found: Found, interval: Interval) -> bool:
        """Whether the file can have rows in the interval, as far as is known without opening it."""
        span = self._spans.get(found.entry.name)
        same = (found.entry.version, interval.timestamp, interval.zone)
        if span is None or (span.version, span.timestamp, span.zone) != same:
            return True
        return overlaps(span.first, span.last, interval)

    def _read(self, found: Found, scan: _Scan) -> Iterator[Batch]:
        """One file: hold its first rows back, then stream; faults end in problems."""
        handed = 0
        reading = self._reading(found, scan)
        try:
            assert self._system is not None
            found = self._system.look(found)
            reading = self._reading(found, scan)
            held: list[Batch] = []
            size = 0
            for offset, rows in self._rows(found, reading):
                held.append(Batch(found.entry.name, offset, rows))
                size += rows.nbytes if not handed else HELD_BYTES
                if size >= HELD_BYTES:
                    handed = offset + rows.num_rows
                    yield from held
                    held.clear()
            self._finish(found, reading, scan)
            yield from held
        except (MemoryError, SourceError):
            raise
        except Exception as error:
            problem = self._fault(found, error)
            if handed and problem.reason is Reason.FILE_INCOMPLETE:
                message = f"{problem.message}; {handed} of its rows were read, so this run starts anew"
                raise SourceError(message, transient=True) from error
            used = f"; its first {handed} rows were used" if handed else ""
            scan.problems.append(Problem("", problem.reason, problem.message + used))

    def _rows(self, found: Found, reading: Reading) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The batches of the format; where it does not know the file's times, they are learned."""
        if found.entry.size == 0:
            return
        reader = self._format(found)
        interval = reading.interval
        spans: list[tuple[int, int]] = []
        for offset, rows in reader.scan(reading):
            if interval is not None and reader.learns_times and interval.timestamp in rows.schema.names:
                times = event_time(rows.column(interval.timestamp), interval.zone)
                known = times.micros[times.valid]
                spans += [(int(known.min()), int(known.max()))] if len(known) else []
            yield offset, rows
        if spans:
            reading.span = min(first for first, _ in spans), max(last for _, last in spans)

    def _finish(self, found: Found, reading: Reading, scan: _Scan) -> None:
        """The file was read to its end: is it still the same, and what is to be said of it?"""
        assert self._system is not None
        if self._system.look(found).entry.version != found.entry.version:
            raise ChangedError
        scan.problems += reading.problems
        scan.present[found.entry.name] = reading.present
        if not reading.rows:
            scan.problems.append(Problem("", Reason.FILE_EMPTY, f"{found.entry.name}: it has no rows"))
            del scan.present[found.entry.name]
        if reading.span is not None and scan.interval is not None:
            name, version = found.entry.name, found.entry.version
            self._spans[name] = FileSpan(
                name, version, scan.interval.timestamp, scan.interval.zone, *reading.span
            )

    def _reading(self, found: Found, scan: _Scan) -> Reading:
        system = self._system
        assert system is not None
        return Reading(
            found.entry.name,
            lambda: _decompressed(system.open(found), found.entry.name),
            scan.columns,
            scan.interval,
            remote=system.remote,
            young=is_young(found, self._clock()),
        )

    def _format(self, found: Found) -> Format:
        kind = self._parameters.format or format_of(found.entry.name)
        if kind is None:
            message = "its name does not tell a format; give the source its `format`: parquet, csv or jsonl"
            raise ValueError(message)
        return self._formats[kind]

    def _fault(self, found: Found, error: Exception) -> Problem:
        problem = fault(found, error, self._clock())
        return Problem(problem.column, problem.reason, hidden(problem.message, self._options().values()))


def _decompressed(file: pa.NativeFile, name: str) -> pa.NativeFile:
    return pa.CompressedInputStream(file, "gzip") if name.lower().endswith(".gz") else file
