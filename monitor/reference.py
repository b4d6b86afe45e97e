"""What the reference rows fix for good: per column its bins and its own counts in them."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.errors import BadReferenceError
from monitor.folding import ColumnsFolder
from monitor.learners import LEARNERS, CategoricalLearner, Learner, NumericLearner, RowSample, Selection
from monitor.packing import pack, pack_references, unpack, unpack_references
from monitor.stats.bins import ColumnReference, NumericReference
from monitor.types import Column, ColumnType, Problem, Reason, Role
from monitor.values import column_type, event_time

VERSION = 1
"""Of the bytes; a greater one is refused."""
SAMPLE_ROWS = 200_000
SAMPLE_CELLS = 30_000_000
"""What the samples of all columns hold together: with many columns each gets fewer rows."""
FEWEST_SAMPLE_ROWS = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Part(Protocol):
    """Some rows of one file, in file order; `offset` is the first row's number within the file."""

    @property
    def file(self) -> str: ...  # noqa: D102 - see the class

    @property
    def offset(self) -> int: ...  # noqa: D102 - see the class

    @property
    def rows(self) -> pa.RecordBatch: ...  # noqa: D102 - see the class


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """Where event time stands, the zone of times without one, and the `[start, end)` that counts."""

    timestamp: str
    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class WantedColumn:
    """A column to be learned; without a type it is inferred from what the rows hold."""

    name: str
    role: Role = Role.FEATURE
    type: ColumnType | None = None
    private: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The reference of one model. `start` and `end`: first and last event time, None without time.

    `seen`: every column that the rows had. `types`: by column, the Arrow types of its values.
    `attachments`: what other parts learned from the same rows, as their own bytes. `fingerprint`
    changes with the data and with what was asked of them.
    """

    rows: int
    start: datetime | None
    end: datetime | None
    columns: Mapping[str, tuple[Column, ColumnReference]]
    problems: tuple[Problem, ...] = ()
    seen: tuple[str, ...] = ()
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    fingerprint: str = ""

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        header, arrays = pack_references({name: each for name, (_, each) in self.columns.items()})
        header |= {
            "rows": self.rows,
            "time": [moment.isoformat() if moment is not None else None for moment in (self.start, self.end)],
            "columns": [[each.name, each.role, each.type, each.private] for each, _ in self.columns.values()],
            "problems": [[each.column, each.reason, each.message] for each in self.problems],
            "seen": list(self.seen),
            "types": {name: list(types) for name, types in self.types.items()},
            "fingerprint": self.fingerprint,
            "attachments": list(self.attachments),
        }
        for number, data in enumerate(self.attachments.values()):
            arrays[f"attachment_{number}"] = np.frombuffer(data, np.uint8)
        return pack("reference", VERSION, header, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Reference":
        """The reference that `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("reference", VERSION, data)
        found = unpack_references(header, arrays)
        start, end = (datetime.fromisoformat(text) if text is not None else None for text in header["time"])
        columns = [
            Column(name, Role(role), ColumnType(kind), private)
            for name, role, kind, private in header["columns"]
        ]
        attachments = {
            name: arrays[f"attachment_{number}"].tobytes()
            for number, name in enumerate(header["attachments"])
        }
        return cls(
            header["rows"],
            start,
            end,
            {column.name: (column, found[column.name]) for column in columns},
            tuple(Problem(column, Reason(reason), text) for column, reason, text in header["problems"]),
            tuple(header["seen"]),
            {name: tuple(types) for name, types in header["types"].items()},
            attachments,
            header["fingerprint"],
        )


@dataclass(slots=True)
class _Pass:
    """What the first pass knows so far; a column has no learner before its type is known."""

    wanted: Mapping[str, WantedColumn]
    sample: RowSample
    learners: dict[str, Learner] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)
    rows: int = 0
    read: int = 0
    first: int | None = None
    last: int | None = None


def learn(
    scan: Callable[[], Iterator[Part]],
    columns: Sequence[WantedColumn],
    *,
    bounds: TimeBounds | None = None,
    threads: int = 1,
) -> Reference:
    """Learn a reference in two passes: `scan` is called twice and gives the same rows in the same order.

    The first pass draws a sample and fixes the bins, the second counts every row in them. Rows outside
    of the bounds, or without a time where there are bounds, are left out. Columns that define no
    normal are left out with a problem. Raises BadReferenceError where no row or no column remains.
    """
    size = max(FEWEST_SAMPLE_ROWS, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns))))
    found = _Pass({column.name: column for column in columns}, RowSample(size))
    with ThreadPoolExecutor(max(1, threads), "learn") as pool:
        for part in scan():
            _first(found, part, bounds, max(1, threads), pool)
    if not found.rows:
        raise BadReferenceError(_no_rows(found.read, bounds))
    _prune(found, found.sample.prune(last=True))
    problems = tuple(problem for column in columns for problem in _problems(found, column))
    frozen = {
        column.name: found.learners[column.name].reference()
        for column in columns
        if column.name in found.learners and not found.learners[column.name].empty
    }
    if not frozen:
        told = "; ".join(problem.message for problem in problems)
        message = f"no column of the reference can be used: {told or 'none was asked for'}"
        raise BadReferenceError(message)
    return _counted(scan, found, frozen, bounds, problems, threads)


def _first(
    found: _Pass, part: Part, bounds: TimeBounds | None, threads: int, pool: ThreadPoolExecutor
) -> None:
    """Take one batch into the first pass."""
    found.read += part.rows.num_rows
    found.seen |= dict.fromkeys(part.rows.schema.names)
    inside = _inside(part.rows, bounds, found)
    numbers = np.arange(part.rows.num_rows) if inside is None else inside
    if not len(numbers):
        return
    chosen = found.sample.take(part.file, numbers + part.offset)
    present = {name: part.rows.column(number) for number, name in enumerate(part.rows.schema.names)}
    for name in found.wanted:
        if name in present and name not in found.learners and name not in found.unsupported:
            _begin(found, name, present[name], found.sample.held - len(chosen))
    waiting = deque(found.learners.items())

    def work() -> None:
        while waiting:
            try:
                name, learner = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            if name in present:
                learner.add(present[name], inside, chosen)
            else:
                learner.add_absent(chosen)

    for future in [pool.submit(work) for _ in range(threads)]:
        future.result()
    found.rows += len(numbers)
    _prune(found, found.sample.prune())


def _prune(found: _Pass, stay: NDArray[np.bool_] | None) -> None:
    if stay is not None:
        for learner in found.learners.values():
            learner.prune(stay)


def _begin(found: _Pass, name: str, array: pa.Array, before: int) -> None:
    """Choose how a column is learned once its type is known; `before` rows of the sample lack it."""
    if pa.types.is_null(array.type):
        return
    inferred = column_type(array.type)
    if inferred is None:
        found.unsupported[name] = str(array.type)
        return
    learner = LEARNERS[found.wanted[name].type or inferred]()
    learner.add_absent(np.zeros(before, np.int64))
    found.learners[name] = learner


def _inside(rows: pa.RecordBatch, bounds: TimeBounds | None, found: _Pass) -> Selection | None:
    """Positions of the rows within the bounds, None for all; notes the first and last time."""
    if bounds is None:
        return None
    if bounds.timestamp not in rows.schema.names:
        return np.zeros(0, np.int64)
    times = event_time(rows.column(bounds.timestamp), bounds.zone)
    valid = times.valid
    if bounds.start is not None:
        valid = valid & (times.micros >= _micros(bounds.start))
    if bounds.end is not None:
        valid = valid & (times.micros < _micros(bounds.end))
    if not valid.any():
        return np.zeros(0, np.int64)
    kept = times.micros[valid]
    found.first = min(int(kept.min()), found.first if found.first is not None else int(kept.min()))
    found.last = max(int(kept.max()), found.last if found.last is not None else int(kept.max()))
    return None if valid.all() else np.flatnonzero(valid)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _counted(
    scan: Callable[[], Iterator[Part]],
    found: _Pass,
    frozen: Mapping[str, ColumnReference],
    bounds: TimeBounds | None,
    problems: tuple[Problem, ...],
    threads: int,
) -> Reference:
    """The second pass: every row of the reference in its own bins."""
    folder = ColumnsFolder(frozen, 1, threads)
    for part in scan():
        inside = _inside(part.rows, bounds, found)
        index = 0 if inside is None else np.full(part.rows.num_rows, -1, np.int32)
        if inside is not None and isinstance(index, np.ndarray):
            index[inside] = 0
        folder.add(part.rows, index)
    (counted,) = folder.finish()
    columns: dict[str, tuple[Column, ColumnReference]] = {}
    for name, reference in frozen.items():
        wanted, counts = found.wanted[name], counted.columns[name]
        numeric = isinstance(reference, NumericReference)
        kind = ColumnType.NUMERIC if numeric else ColumnType.CATEGORICAL
        columns[name] = (
            Column(name, wanted.role, kind, wanted.private),
            replace(reference, counts=counts),
        )
    return Reference(
        counted.rows,
        EPOCH + timedelta(microseconds=found.first) if found.first is not None else None,
        EPOCH + timedelta(microseconds=found.last) if found.last is not None else None,
        columns,
        problems,
        tuple(found.seen),
        {name: facts.types for name, facts in counted.facts.items()},
    )


def _no_rows(read: int, bounds: TimeBounds | None) -> str:
    if not read:
        return "the reference has no rows: check reference.source.path"
    assert bounds is not None
    limits = " to ".join(
        str(moment) if moment is not None else "open" for moment in (bounds.start, bounds.end)
    )
    return (
        f"none of the {read} rows of the reference has an event time in {bounds.timestamp!r} within its bounds "
        f"({limits}): check columns.timestamp, reference.start and reference.end"
    )


def _problems(found: _Pass, column: WantedColumn) -> Iterator[Problem]:
    """What the user should know of one column of the reference."""
    name, learner = column.name, found.learners.get(column.name)
    if name in found.unsupported:
        text = f"column {name!r} holds {found.unsupported[name]}, which is not measured; list it under features.ignore"
        yield Problem(name, Reason.UNSUPPORTED_TYPE, text)
    elif name not in found.seen:
        yield Problem(
            name, Reason.ABSENT_COLUMN, f"column {name!r} is absent from the reference: not measured"
        )
    elif isinstance(learner, NumericLearner) and learner.invalid:
        shown = f", as {', '.join(map(repr, learner.examples))}" if not column.private else ""
        if learner.empty:
            text = f"no value of {name!r} in the reference is a number{shown}: list it under features.categorical"
        else:
            text = (
                f"{learner.invalid} values of {name!r} in the reference are no numbers{shown}; they count as "
                "missing. Where they mean something, list the column under features.categorical"
            )
        yield Problem(name, Reason.MIXED_TYPES, text)
    elif learner is None or learner.empty:
        yield Problem(
            name, Reason.ALL_MISSING, f"column {name!r} has no value in the reference: not measured"
        )
    elif isinstance(learner, CategoricalLearner) and learner.high_cardinality:
        text = (
            f"column {name!r} holds ids or free text ({learner.described} in {found.rows} rows of the reference); "
            "it is not tested. List it under features.ignore"
        )
        yield Problem(name, Reason.HIGH_CARDINALITY, text)
    elif learner.constant:
        yield Problem(name, Reason.CONSTANT, f"column {name!r} has a single value in the reference")
