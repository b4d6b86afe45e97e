"""Which rows of a batch lie in an interval of event time."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.sources.base import Interval
from monitor.values import event_time
from monitor.windows import micros


def within(rows: pa.RecordBatch, interval: Interval) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Event times in microseconds, and whether each row lies in the interval; none does without the column.

    >>> from datetime import UTC, datetime
    >>> rows = pa.RecordBatch.from_pydict({"ts": ["2024-01-01T00:00Z", "2024-01-02T00:00Z", None]})
    >>> within(rows, Interval("ts", "UTC", datetime(2024, 1, 2, tzinfo=UTC), None))[1].tolist()
    [False, True, False]
    """
    if interval.timestamp not in rows.schema.names:
        return np.zeros(rows.num_rows, np.int64), np.zeros(rows.num_rows, np.bool_)
    found = event_time(rows.column(interval.timestamp), interval.zone)
    inside = found.valid.copy()
    if interval.start is not None:
        inside &= found.micros >= micros(interval.start)
    if interval.end is not None:
        inside &= found.micros < micros(interval.end)
    return found.micros, inside
