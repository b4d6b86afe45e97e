"""What the reference rows fix for good: per column its bins and its own counts in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from monitor.errors import BadReferenceError
from monitor.first_pass import (
    EPOCH,
    FirstPass,
    Part,
    TimeBounds,
    WantedColumn,
    first_pass,
    inside_bounds,
    problems_of,
)
from monitor.folding import ColumnsFolder
from monitor.packing import pack, pack_references, unpack, unpack_references
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericCounts,
    NumericReference,
)
from monitor.types import Column, ColumnType, Problem, Reason, Role

__all__ = ["Part", "Reference", "TimeBounds", "WantedColumn", "learn"]

VERSION = 1
"""Of the bytes; a greater one is refused."""


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
    found = first_pass(scan, columns, bounds, max(1, threads))
    problems = tuple(problem for column in columns for problem in problems_of(found, column))
    frozen = {
        column.name: found.learners[column.name].reference()
        for column in columns
        if column.name in found.learners
        and column.name not in found.counters
        and not found.learners[column.name].empty
    }
    if not frozen:
        told = "; ".join(problem.message for problem in problems)
        message = f"no column of the reference can be used: {told or 'none was asked for'}"
        raise BadReferenceError(message)
    return _counted(scan, found, frozen, problems, threads)


def _counted(
    scan: Callable[[], Iterator[Part]],
    found: FirstPass,
    frozen: Mapping[str, ColumnReference],
    problems: tuple[Problem, ...],
    threads: int,
) -> Reference:
    """The second pass: every row of the reference in its own bins."""
    folder = ColumnsFolder(frozen, 1, threads)
    for part in scan():
        inside = inside_bounds(found, part.rows)
        if inside is None:
            folder.add(part.rows, 0)
        else:
            index = np.full(part.rows.num_rows, -1, np.int32)
            index[inside] = 0
            folder.add(part.rows, index)
    (counted,) = folder.finish()
    first, last = (EPOCH + timedelta(microseconds=time) if time is not None else None for time in found.range)
    return Reference(
        counted.rows,
        first,
        last,
        {
            name: _column(found.wanted[name], reference, counted.columns[name])
            for name, reference in frozen.items()
        },
        problems,
        tuple(found.seen),
        {name: facts.types for name, facts in counted.facts.items()},
    )


def _column(
    wanted: WantedColumn, reference: ColumnReference, counts: ColumnCounts
) -> tuple[Column, ColumnReference]:
    if isinstance(reference, NumericReference):
        assert isinstance(counts, NumericCounts)
        column = Column(wanted.name, wanted.role, ColumnType.NUMERIC, wanted.private)
        return column, NumericReference(reference.bins, counts)
    assert isinstance(counts, CategoricalCounts)
    column = Column(wanted.name, wanted.role, ColumnType.CATEGORICAL, wanted.private)
    return column, CategoricalReference(reference.bins, counts)
