"""What a data file looks like: its columns' types, ranges and counts, from a bounded part of its rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from monitor.errors import DriftdError

SAMPLE = 500_000
"""Rows that are looked at; times and splits are read in full."""

FORMATS = {
    ".parquet": "parquet", ".pq": "parquet",
    ".csv": "csv",
    ".jsonl": "json", ".ndjson": "json", ".json": "json",
}  # fmt: skip
_FORMAT_NAMES = {"parquet": "Parquet", "csv": "CSV", "json": "JSON Lines"}


@dataclass(frozen=True, slots=True)
class Look:
    """One column: `kind` is time, number, integer, boolean, text or other.

    `present` and `distinct` count values of the rows looked at; `low` and `high` are the range of
    numbers; `values` are all distinct ones where there are at most 50.
    """

    name: str
    kind: str
    type: str
    rows: int
    present: int
    distinct: int
    low: float | None = None
    high: float | None = None
    values: tuple[object, ...] = ()
    zoned: bool = True

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 1 and self.distinct == self.rows

    @property
    def whole(self) -> bool:
        """Whether all its values are whole numbers, whatever their type."""
        if self.kind != "number":
            return self.kind == "integer"
        return bool(self.values) and all(float(str(value)).is_integer() for value in self.values)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with its number of rows and a look at each of its columns, in its order."""

    path: Path
    rows: int
    looks: tuple[Look, ...]
    dataset: ds.Dataset

    def column(self, name: str) -> pa.ChunkedArray:
        """One column in full; times as they are in UTC, microseconds, without a zone."""
        array = _plain(self.dataset.to_table(columns=[name]).column(0))
        time = any(look.name == name and look.kind == "time" for look in self.looks)
        return times_of(array) if time else array

    def span(self, name: str) -> tuple[datetime, datetime]:
        """The first and the last of a column of times."""
        ends = pc.min_max(self.column(name))
        return ends["min"].as_py().replace(tzinfo=UTC), ends["max"].as_py().replace(tzinfo=UTC)

    def end_of(self, name: str, first: frozenset[str], times: str) -> datetime | None:
        """The first time of the rows whose text in `name` is not among `first`, in UTC without a zone.

        None where rows of both kinds are mixed in time, or where one kind is missing.
        """
        inside = pc.is_in(pc.utf8_lower(self.column(name)), value_set=pa.array(sorted(first)))
        when = self.column(times)
        last = pc.max(when.filter(inside)).as_py()
        bound: datetime | None = pc.min(when.filter(pc.invert(inside))).as_py()
        return None if last is None or bound is None or last >= bound else bound


def look_at(path: Path) -> DataFile:
    """Read what `driftd init` needs of a file; DriftdError says why it cannot be read."""
    if path.is_dir():
        message = f"{path} is a folder; give one file of it"
        raise DriftdError(message)
    suffix = path.suffix if path.suffix != ".gz" else Path(path.stem).suffix
    format_ = FORMATS.get(suffix.lower())
    if format_ is None:
        message = f"{path}: the name says no format; it must end in {', '.join(FORMATS)}"
        raise DriftdError(message)
    try:
        dataset = ds.dataset(str(path), format=format_)
        rows = dataset.count_rows()
        table = dataset.head(SAMPLE)
    except FileNotFoundError:
        message = f"{path}: there is no such file"
        raise DriftdError(message) from None
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        message = f"{path} cannot be read as {_FORMAT_NAMES[format_]}: {reason}"
        raise DriftdError(message) from error
    if not rows or not table.num_columns:
        message = f"{path} has no rows; a reference needs the rows that are normal"
        raise DriftdError(message)
    looks = tuple(_look(name, table.column(name)) for name in table.column_names)
    return DataFile(path, rows, looks, dataset)


def times_of(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times, dates or ISO 8601 text as microseconds; raises pa.ArrowInvalid for other text."""
    array = _plain(array)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return array.cast(pa.timestamp("us"), safe=False)
    try:
        return array.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return array.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _plain(array: pa.ChunkedArray) -> pa.ChunkedArray:
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _look(name: str, array: pa.ChunkedArray) -> Look:
    array = _plain(array)
    kind = _kind(array)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    rows, present = len(array), len(array) - array.null_count
    if kind == "other":
        return Look(name, kind, str(array.type), rows, present, 0)
    distinct = pc.count_distinct(array).as_py()
    values = sorted(pc.unique(array.drop_null()).to_pylist(), key=repr) if distinct <= 50 else ()
    low = high = None
    if kind in {"integer", "number"}:
        ends = pc.min_max(array.cast(pa.float64(), safe=False))
        low, high = ends["min"].as_py(), ends["max"].as_py()
    zoned = not pa.types.is_timestamp(array.type) or array.type.tz is not None
    return Look(name, kind, str(array.type), rows, present, distinct, low, high, tuple(values), zoned)


def _kind(array: pa.ChunkedArray) -> str:
    of = array.type
    found = "other"
    if pa.types.is_boolean(of):
        found = "boolean"
    elif pa.types.is_integer(of):
        found = "integer"
    elif pa.types.is_floating(of) or pa.types.is_decimal(of):
        found = "number"
    elif pa.types.is_timestamp(of) or pa.types.is_date(of):
        found = "time"
    elif pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of):
        found = "time" if _is_time(array.drop_null()) else "text"
    return found


def _is_time(array: pa.ChunkedArray) -> bool:
    """Whether all of some text is ISO 8601 times."""
    if not len(array):
        return False
    try:
        times_of(array.slice(0, 1000))
    except pa.ArrowInvalid:
        return False
    return True
