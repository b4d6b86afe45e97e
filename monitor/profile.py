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
from monitor.pairs import Correlations
from monitor.stats.bins import ColumnCounts, ColumnReference, Counts, NumericCounts
from monitor.stats.summaries import Summarizer, Summary, summarize

VERSION = 1
"""Of the bytes; a greater one is refused."""
STORED_VERSION = 2
"""Of the bytes of a stored window."""


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
    """A column of a stored window: cells of neighbouring fine bins, or of categories, rare ones pooled.

    `extra` counts infinite values or unseen categories. `location` and `scale` are mean scores of the
    reference's ranks, NaN for categories and for columns without a finite value. `mean` is relative to the
    reference's median, NaN likewise.
    """

    cells: Counts
    missing: int
    extra: int
    location: float
    scale: float
    mean: float

    @property
    def rows(self) -> int:
        """All rows."""
        return int(self.cells.sum()) + self.missing + self.extra

    @property
    def summary(self) -> Summary:
        """The column without what is missing or extra."""
        return Summary(int(self.cells.sum()), self.location, self.scale, self.cells)


@dataclass(frozen=True, slots=True, eq=False)
class StoredProfile:
    """What a stored window keeps of its profile: enough to calibrate, without a name of a category.

    `reference`: the fingerprint of the one whose cells these are, where it is known.
    """

    rows: int
    columns: Mapping[str, StoredColumn]
    correlations: Correlations | None = None
    """Of the pairs that are watched, in their order; None where none is, or no row was sampled."""
    reference: str = ""


def summarized(profile: Profile, how: Mapping[str, Summarizer]) -> StoredProfile:
    """The columns of the profile as calibration reads them, by the scores and cells of the reference."""
    return StoredProfile(
        profile.rows, {name: _stored(counts, how[name]) for name, counts in profile.columns.items()}
    )


def compact(profile: StoredProfile) -> bytes:
    """The profile as bytes, sparse: only cells that hold rows."""
    columns = list(profile.columns.values())
    filled = [np.flatnonzero(each.cells) for each in columns]
    cells = [each.cells[where] for each, where in zip(columns, filled, strict=True)]
    header = {"rows": profile.rows, "names": list(profile.columns), "reference": profile.reference}
    shapes = [(each.location, each.scale, each.mean) for each in columns]
    found = profile.correlations
    more = {"z": found.z, "pair_rows": smallest(found.rows)} if found is not None else {}
    return pack(
        "window",
        STORED_VERSION,
        header,
        {
            **more,
            "length": smallest([len(each.cells) for each in columns]),
            "filled": smallest([len(where) for where in filled]),
            "where": smallest(join(filled)),
            "cells": smallest(join(cells)),
            "missing": smallest([each.missing for each in columns]),
            "extra": smallest([each.extra for each in columns]),
            "shapes": np.array(shapes, np.float32).reshape(-1, 3),
        },
    )


def read_compact(data: bytes) -> StoredProfile:
    """What `compact` kept; raises StoreError for newer or damaged bytes, and for those of an older form."""
    header, arrays = unpack("window", STORED_VERSION, data)
    names: list[str] = header["names"]
    if len(names) != len(arrays["length"]) or "shapes" not in arrays:
        message = "this window is damaged, or of an older form: columns and cells differ in number"
        raise StoreError(message)
    where = split(arrays["where"], arrays["filled"])
    cells = split(arrays["cells"], arrays["filled"])
    columns = {}
    for number, name in enumerate(names):
        counts = np.zeros(int(arrays["length"][number]), np.int64)
        counts[where[number].astype(np.int64)] = cells[number]
        shapes = arrays["shapes"][number].tolist()
        columns[name] = StoredColumn(
            counts, int(arrays["missing"][number]), int(arrays["extra"][number]), *shapes
        )
    found = Correlations(arrays["z"], arrays["pair_rows"].astype(np.int64)) if "z" in arrays else None
    return StoredProfile(header["rows"], columns, found, header["reference"])


def _stored(counts: ColumnCounts, how: Summarizer) -> StoredColumn:
    found = summarize(how, counts)
    if isinstance(counts, NumericCounts):
        mean = counts.total / found.observed if found.observed else np.nan
        extra = counts.pos_inf + counts.neg_inf
        return StoredColumn(found.cells, counts.missing, extra, found.location, found.scale, mean)
    return StoredColumn(found.cells, counts.missing, counts.unseen, np.nan, np.nan, np.nan)
