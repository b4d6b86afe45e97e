"""The profile of one window: counts in the reference's frozen bins; two profiles add up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.columns import ColumnFacts
from monitor.errors import StoreError
from monitor.folding import ColumnsFolder
from monitor.packing import join, pack, pack_counts, smallest, split, unpack, unpack_counts
from monitor.stats.bins import ColumnCounts, ColumnReference, Counts, NumericCounts

VERSION = 1
"""Of the bytes; a greater one is refused."""
STORED_CELLS = 32
"""How many cells of a column a stored window keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What is kept of the rows of one window.

    `without`: by column, the rows that came from batches which lack it; they count as null.
    `facts`: by column, the Arrow types seen and examples of values that could not be read.
    """

    rows: int
    columns: Mapping[str, ColumnCounts]
    without: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, ColumnFacts] = field(default_factory=dict)

    @property
    def absent(self) -> frozenset[str]:
        """The columns that no row has."""
        return frozenset(name for name, rows in self.without.items() if rows == self.rows)

    def __add__(self, other: "Profile") -> "Profile":
        """The profile of the rows of both, which are counted in the same bins."""
        if self.columns.keys() != other.columns.keys():
            message = "profiles of different columns do not add"
            raise ValueError(message)
        without = dict(self.without)
        for name, rows in other.without.items():
            without[name] = without.get(name, 0) + rows
        nothing = ColumnFacts()
        return Profile(
            self.rows + other.rows,
            {name: _add(counts, other.columns[name]) for name, counts in self.columns.items()},
            without,
            {name: self.facts.get(name, nothing) + other.facts.get(name, nothing) for name in self.columns},
        )

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        header, arrays = pack_counts(self.columns)
        facts = {name: [list(each.types), list(each.examples)] for name, each in self.facts.items()}
        more = {"rows": self.rows, "without": dict(self.without), "facts": facts}
        return pack("profile", VERSION, header | more, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Profile":
        """The profile that `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("profile", VERSION, data)
        facts = {
            name: ColumnFacts(tuple(types), tuple(seen)) for name, (types, seen) in header["facts"].items()
        }
        return cls(header["rows"], unpack_counts(header, arrays), header["without"], facts)


def _add(one: ColumnCounts, other: ColumnCounts) -> ColumnCounts:
    if isinstance(one, NumericCounts):
        if not isinstance(other, NumericCounts):
            message = "numeric and categorical counts do not add"
            raise TypeError(message)
        return one + other
    if isinstance(other, NumericCounts):
        message = "numeric and categorical counts do not add"
        raise TypeError(message)
    return one + other


class Folder:
    """Folds the rows of one scan into the profiles of several windows.

    Columns beyond those of the reference are not read. The result does not depend on `threads`, nor
    on how the rows of a window are split into batches.
    """

    def __init__(self, reference_columns: Mapping[str, ColumnReference], windows: int, threads: int) -> None:
        self._folder = ColumnsFolder(reference_columns, windows, threads)

    def add(self, rows: pa.RecordBatch, window: NDArray[np.int32] | int) -> None:
        """Fold a batch: all of its rows into one window, or each into that of its index (-1: none).

        The batch may still be read when this returns, until the next call.
        """
        self._folder.add(rows, window)

    def finish(self) -> tuple[Profile, ...]:
        """The profiles in the order of the windows; nothing may be added afterwards."""
        return tuple(
            Profile(each.rows, each.columns, each.without, each.facts) for each in self._folder.finish()
        )


@dataclass(frozen=True, slots=True, eq=False)
class StoredColumn:
    """A column of a stored window: cells of neighbouring fine bins or of categories, the last ones pooled.

    `extra` counts infinite values or unseen categories. `mean` is None for categories and for
    columns without a finite value; it is relative to the reference's median.
    """

    cells: Counts
    missing: int
    extra: int
    mean: float | None


@dataclass(frozen=True, slots=True, eq=False)
class StoredProfile:
    """What a stored window keeps of its profile."""

    rows: int
    columns: Mapping[str, StoredColumn]


def compact(profile: Profile) -> bytes:
    """The profile in at most `STORED_CELLS` cells a column, sparse; no name of a category is kept.

    Which bins share a cell depends on their number alone, so windows of one reference compare.
    """
    columns = [_stored(counts) for counts in profile.columns.values()]
    filled = [np.flatnonzero(each.cells) for each in columns]
    cells = [each.cells[where] for each, where in zip(columns, filled, strict=True)]
    header = {"rows": profile.rows, "names": list(profile.columns)}
    return pack(
        "window",
        VERSION,
        header,
        {
            "length": smallest([len(each.cells) for each in columns]),
            "filled": smallest([len(where) for where in filled]),
            "where": smallest(join(filled)),
            "cells": smallest(join(cells)),
            "missing": smallest([each.missing for each in columns]),
            "extra": smallest([each.extra for each in columns]),
            "mean": np.array([np.nan if each.mean is None else each.mean for each in columns], np.float32),
        },
    )


def read_compact(data: bytes) -> StoredProfile:
    """What `compact` kept; raises StoreError for newer or damaged bytes."""
    header, arrays = unpack("window", VERSION, data)
    names: list[str] = header["names"]
    if len(names) != len(arrays["length"]):
        message = "this window is damaged: columns and cells differ in number"
        raise StoreError(message)
    where = split(arrays["where"], arrays["filled"])
    cells = split(arrays["cells"], arrays["filled"])
    columns = {}
    for number, name in enumerate(names):
        counts = np.zeros(int(arrays["length"][number]), np.int64)
        counts[where[number].astype(np.int64)] = cells[number]
        mean = float(arrays["mean"][number])
        columns[name] = StoredColumn(
            counts,
            int(arrays["missing"][number]),
            int(arrays["extra"][number]),
            None if np.isnan(mean) else mean,
        )
    return StoredProfile(header["rows"], columns)


def _stored(counts: ColumnCounts) -> StoredColumn:
    if isinstance(counts, NumericCounts):
        observed = counts.observed
        mean = counts.total / observed if observed else None
        return StoredColumn(_grouped(counts.bins), counts.missing, counts.pos_inf + counts.neg_inf, mean)
    named = counts.categories[: STORED_CELLS - 1]
    rest = int(counts.categories[STORED_CELLS - 1 :].sum()) + counts.other
    return StoredColumn(np.append(named, rest).astype(np.int64), counts.missing, counts.unseen, None)


def _grouped(bins: Counts) -> Counts:
    """Neighbouring bins added up; the two end bins stay alone, since they mean "out of range"."""
    if len(bins) <= STORED_CELLS:
        return bins
    starts = 1 + (np.arange(STORED_CELLS - 2) * (len(bins) - 2)) // (STORED_CELLS - 2)
    found: Counts = np.add.reduceat(bins, np.concatenate([[0], starts, [len(bins) - 1]]))
    return found
