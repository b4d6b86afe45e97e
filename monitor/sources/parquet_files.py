"""Parquet: only the wanted columns, only the row groups that can hold the wanted times."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitor.sources.base import Interval
from monitor.sources.reading import BATCH_ROWS, Reading
from monitor.values import event_time, since_epoch
from monitor.values.arrays import is_text

Micros: TypeAlias = NDArray[np.int64]

BUFFER_BYTES = 1 << 16
"""A column is read from disk in such pieces, so that a huge row group does not lie in memory."""
DICTIONARY_BYTES = 6
"""A text column that takes fewer bytes per value is stored as a dictionary, and faster read as one."""
_UNITS = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}


class ParquetFormat:
    """Reads Parquet."""

    learns_times = False

    def schema(self, reading: Reading) -> pa.Schema:
        """From the footer."""
        with reading.open() as file:
            return pq.ParquetFile(file).schema_arrow

    def scan(self, reading: Reading) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Runs of row groups, columns decoded by all threads, dictionaries kept."""
        with reading.open() as file:
            footer = pq.ParquetFile(file)
            reading.rows = footer.metadata.num_rows
            names = [name for name in footer.schema_arrow.names if name in reading.columns]
            reading.present = frozenset(names)
            groups = _wanted_groups(footer, reading)
            parquet = pq.ParquetFile(
                file,
                metadata=footer.metadata,
                read_dictionary=_dictionaries(footer, names, groups),
                pre_buffer=reading.remote,  # one request for many columns, a row group at a time
                buffer_size=0 if reading.remote else BUFFER_BYTES,
            )
            for first, last in ((group, group) for group in groups) if reading.remote else _runs(groups):
                offset = sum(footer.metadata.row_group(group).num_rows for group in range(first))
                batches = parquet.iter_batches(BATCH_ROWS, row_groups=range(first, last + 1), columns=names)
                for batch in batches:
                    yield offset, batch if batch.schema.names == names else batch.select(names)
                    offset += batch.num_rows


def _runs(groups: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours.

    >>> list(_runs([0, 1, 2, 5, 7, 8]))
    [(0, 2), (5, 5), (7, 8)]
    """
    start = 0
    for index in range(1, len(groups) + 1):
        if index == len(groups) or groups[index] != groups[index - 1] + 1:
            yield groups[start], groups[index - 1]
            start = index


def _wanted_groups(footer: Any, reading: Reading) -> list[int]:
    """The row groups that can hold a row of the interval; tells the file's span on the way."""
    every = list(range(footer.metadata.num_row_groups))
    interval = reading.interval
    if interval is None:
        return every
    bounds = _bounds(footer, interval)
    if bounds is None:
        return every
    low, high, known = bounds
    if known.all() and len(known):
        reading.span = int(low.min()), int(high.max())
    wanted = ~known
    wanted |= np.array([overlaps(first, last, interval) for first, last in zip(low, high, strict=True)], bool)
    return [group for group in every if wanted[group]]


def overlaps(first: int, last: int, interval: Interval) -> bool:
    """Whether times from `first` to `last`, both included, can lie in the interval."""
    return (interval.start is None or last >= since_epoch(interval.start)) and (
        interval.end is None or first < since_epoch(interval.end)
    )


def _bounds(footer: Any, interval: Interval) -> tuple[Micros, Micros, NDArray[np.bool_]] | None:
    """First and last event time of each row group, and where they are known; None for other types."""
    schema = footer.metadata.schema
    leaf = next((at for at in range(len(schema)) if schema.column(at).path == interval.timestamp), None)
    if leaf is None:
        return None
    kind = _stored_type(schema.column(leaf), footer.schema_arrow.field(interval.timestamp).type)
    if kind is None:
        return None
    groups = footer.metadata.num_row_groups
    known = np.zeros(groups, np.bool_)
    raw = np.zeros((2, groups), np.int32 if pa.types.is_date32(kind) else np.int64)
    for group in range(groups):
        statistics = footer.metadata.row_group(group).column(leaf).statistics
        if statistics is not None and statistics.has_min_max:
            known[group] = True
            raw[:, group] = statistics.min_raw, statistics.max_raw
    low, high = (
        event_time(pa.Array.from_buffers(kind, groups, [None, pa.py_buffer(side)]), interval.zone)
        for side in np.ascontiguousarray(raw)
    )
    return low.micros, high.micros, known & low.valid & high.valid


def _stored_type(column: Any, kind: pa.DataType) -> pa.DataType | None:
    """The type of the statistics' raw values; None where their order is not that of the times."""
    if pa.types.is_date32(kind):
        return kind
    if not pa.types.is_timestamp(kind) or column.physical_type != "INT64":
        return None
    unit = _UNITS.get(json.loads(column.logical_type.to_json()).get("timeUnit", ""))
    return pa.timestamp(unit, kind.tz) if unit else None


def _dictionaries(footer: Any, names: Sequence[str], groups: Sequence[int]) -> list[str]:
    """The text columns whose values repeat."""
    schema = footer.schema_arrow
    texts = {name for name in names if is_text(schema.field(name).type)}
    if not texts or not groups:
        return []
    group = footer.metadata.row_group(groups[0])
    columns = (group.column(at) for at in range(group.num_columns))
    return [
        column.path_in_schema
        for column in columns
        if column.path_in_schema in texts
        and column.total_uncompressed_size < DICTIONARY_BYTES * max(column.num_values, 1)
    ]
