"""The first pass over the reference: what each column is, and a sample that fixes its bins."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.errors import BadReferenceError
from monitor.learners import LEARNERS, CategoricalLearner, Learner, NumericLearner, RowSample, Selection
from monitor.types import ColumnType, Problem, Reason, Role
from monitor.values import column_type, event_time

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


@dataclass(slots=True)
class FirstPass:
    """What the first pass knows so far; a column has no learner before its type is known."""

    wanted: Mapping[str, WantedColumn]
    sample: RowSample
    bounds: TimeBounds | None
    learners: dict[str, Learner] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)
    rows: int = 0
    read: int = 0
    range: tuple[int | None, int | None] = (None, None)
    """First and last event time, microseconds UTC."""
    ordered: bool = True
    """Whether the rows came in the order of their event times."""
    counters: frozenset[str] = frozenset()
    """Inferred numeric columns that are ids or grow with the rows: left out."""


def first_pass(
    scan: Callable[[], Iterator[Part]],
    columns: Sequence[WantedColumn],
    bounds: TimeBounds | None,
    threads: int,
) -> FirstPass:
    """Read all rows once; raises BadReferenceError where there is none within the bounds."""
    size = max(FEWEST_SAMPLE_ROWS, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns))))
    found = FirstPass({column.name: column for column in columns}, RowSample(size), bounds)
    with ThreadPoolExecutor(threads, "learn") as pool:
        for part in scan():
            _take(found, part, threads, pool)
    if not found.rows:
        raise BadReferenceError(_no_rows(found))
    _prune(found, found.sample.prune(last=True))
    found.counters = frozenset(
        name
        for name, learner in found.learners.items()
        if isinstance(learner, NumericLearner)
        and found.wanted[name].type is None
        and learner.counts_rows(found.rows, ordered=found.ordered)
    )
    return found


def _take(found: FirstPass, part: Part, threads: int, pool: ThreadPoolExecutor) -> None:
    found.read += part.rows.num_rows
    found.seen |= dict.fromkeys(part.rows.schema.names)
    inside = inside_bounds(found, part.rows)
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


def _prune(found: FirstPass, stay: NDArray[np.bool_] | None) -> None:
    if stay is not None:
        for learner in found.learners.values():
            learner.prune(stay)


def _begin(found: FirstPass, name: str, array: pa.Array, before: int) -> None:
    """Choose how a column is learned once its type is known; `before` rows of the sample lack it."""
    if pa.types.is_null(array.type):
        return
    inferred = column_type(array.type, array)
    if inferred is None:
        found.unsupported[name] = str(array.type)
        return
    wanted = found.wanted[name]
    learner = LEARNERS[wanted.type or inferred](private=wanted.private)
    learner.add_absent(np.zeros(before, np.int64))
    found.learners[name] = learner


def inside_bounds(found: FirstPass, rows: pa.RecordBatch) -> Selection | None:
    """Positions of the rows within the bounds, None for all; notes the first and last time."""
    bounds = found.bounds
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
    low, high = found.range
    kept = times.micros[valid]
    first, last = int(kept.min()), int(kept.max())
    found.ordered &= (high is None or first >= high) and not (kept[1:] < kept[:-1]).any()
    found.range = (first if low is None else min(low, first), last if high is None else max(high, last))
    return None if valid.all() else np.flatnonzero(valid)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _no_rows(found: FirstPass) -> str:
    bounds = found.bounds
    if bounds is None or (not found.read and bounds.start is None and bounds.end is None):
        return "the reference has no rows: check reference.source.path"
    limits = " to ".join("open" if moment is None else str(moment) for moment in (bounds.start, bounds.end))
    rows = f"none of the {found.read} rows" if found.read else "no row"
    return (
        f"{rows} of the reference has an event time in {bounds.timestamp!r} within "
        f"its bounds ({limits}): check columns.timestamp, reference.start and reference.end"
    )


def problems_of(found: FirstPass, column: WantedColumn) -> Iterator[Problem]:
    """What the user should know of one column of the reference."""
    name, learner = column.name, found.learners.get(column.name)
    if name in found.unsupported:
        text = f"holds {found.unsupported[name]}, which is not measured; list it under features.ignore"
        yield Problem(name, Reason.UNSUPPORTED_TYPE, f"column {name!r} {text}")
    elif name not in found.seen:
        text = f"column {name!r} is absent from the reference: not measured"
        yield Problem(name, Reason.ABSENT_COLUMN, text)
    elif isinstance(learner, NumericLearner) and learner.invalid:
        yield _mixed(column, learner)
    elif learner is None or learner.empty:
        text = f"column {name!r} has no value in the reference: not measured"
        yield Problem(name, Reason.ALL_MISSING, text)
    elif isinstance(learner, CategoricalLearner) and learner.high_cardinality:
        text = (
            f"column {name!r} holds ids or free text ({learner.described} in {found.rows} rows of the "
            "reference): not tested. List it under features.ignore"
        )
        yield Problem(name, Reason.HIGH_CARDINALITY, text)
    elif name in found.counters:
        text = (
            f"column {name!r} holds ids, or a count or time that grows with the rows: not tested, since new "
            "rows always differ. List it under features.ignore, or under features.numeric to test it"
        )
        yield Problem(name, Reason.HIGH_CARDINALITY, text)
    elif learner.constant:
        yield Problem(name, Reason.CONSTANT, f"column {name!r} has a single value in the reference")


def _mixed(column: WantedColumn, learner: NumericLearner) -> Problem:
    name = column.name
    shown = f", as {', '.join(map(repr, learner.examples))}" if not column.private else ""
    if learner.empty:
        text = f"no value of {name!r} in the reference is a number{shown}"
    else:
        text = (
            f"{learner.invalid} values of {name!r} in the reference are no numbers{shown}: "
            "they count as missing"
        )
    return Problem(
        name, Reason.MIXED_TYPES, f"{text}; list it under features.categorical if they mean something"
    )
