"""A column as event times: int64 microseconds since 1970 in UTC."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.values.arrays import (
    dictionary_codes,
    fixed,
    integers,
    is_missing_word,
    is_text,
    lower_trimmed,
    matches,
    plain,
    selected,
    valid,
)

Micros: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

SECOND = 1_000_000
PER_SECOND = {"s": 1, "ms": 1_000, "us": SECOND, "ns": 1_000_000_000}
DAY = 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_UNITS = ((1e8, 5e9, "s"), (1e11, 5e12, "ms"), (1e14, 5e15, "us"), (1e17, 5e18, "ns"))
"""Plain numbers are times by their size, 1973 to 2128; the gaps keep 20240210 and the like out."""
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Changes of the clock are looked for in these years; beyond them the nearest offset holds."""

_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_AWARE = rf"{_DATE}[t ]{_CLOCK} ?(z|utc|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$"
_NAIVE = rf"{_DATE}([t ]{_CLOCK})?$"
_NUMBER = r"^[0-9]{9,19}(\.[0-9]+)?$"


@dataclass(frozen=True, slots=True, eq=False)
class EventTime:
    """When each row happened.

    `micros`: int64 (n,), microseconds since 1970 in UTC, 0 where not `valid`. `naive`: whether any
    of them had no zone. `unreadable`: how many values are there but cannot be read as times.
    """

    micros: Micros
    valid: Mask
    naive: bool
    unreadable: int


def event_time(array: Any, zone: str) -> EventTime:
    """A column as event times; those without a zone are read in `zone`.

    Read are timestamps and dates (midnight), ISO 8601 texts, and numbers that by their size are
    seconds, milliseconds, microseconds or nanoseconds since 1970, between 1973 and 2128. A local time
    that the clock shows twice is the earlier one; one that it skips is the moment it skips to. Texts
    like 03/04/2024 are unreadable: day and month are never guessed.

    >>> found = event_time(pa.array(["2024-07-01 12:00", "2024-07-01T12:00Z", "01/07/2024"]), "Europe/Berlin")
    >>> [int(micros // 3_600_000_000) % 24 for micros in found.micros[found.valid]], found.unreadable
    ([10, 12], 1)
    """
    array = plain(array)
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _of_dictionary(array, zone)
    if pa.types.is_timestamp(kind):
        micros, good = timestamp_micros(array, zone)
        return _found(array, micros, good, naive=kind.tz is None)
    if pa.types.is_date(kind):
        days = array.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
        scale = DAY if pa.types.is_date32(kind) else 1000
        micros, good = _scaled(integers(days), scale, valid(array))
        return _found(array, local_to_utc(micros, zone), good, naive=True)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = fixed(array, kind.to_pandas_dtype())
        return _found(array, *_epoch(values, valid(array)), naive=False)
    if is_text(kind):
        return _of_text(array, zone)
    return _found(array, np.zeros(len(array), np.int64), np.zeros(len(array), np.bool_), naive=False)


def timestamp_micros(array: Any, zone: str) -> tuple[Micros, Mask]:
    """An array of timestamps as microseconds in UTC, and where they can be had."""
    per_second = PER_SECOND[array.type.unit]
    raw = fixed(array, np.int64)
    good = valid(array)
    if per_second > SECOND:
        micros = raw // (per_second // SECOND)
    elif per_second == SECOND:
        micros = raw
    else:
        micros, good = _scaled(raw, SECOND // per_second, good)
    return (local_to_utc(micros, zone) if array.type.tz is None else micros), good


def _scaled(raw: NDArray[Any], scale: int, good: Mask) -> tuple[Micros, Mask]:
    """`raw * scale`, without those that int64 microseconds cannot hold."""
    limit = (2**63 - 1 - DAY) // scale
    held = good & (raw >= -limit) & (raw <= limit)
    return np.where(held, raw, 0).astype(np.int64) * scale, held


def _found(array: Any, micros: Micros, good: Mask, *, naive: bool) -> EventTime:
    present = len(array) - array.null_count
    if pa.types.is_floating(array.type):
        present -= int(np.count_nonzero(np.isnan(fixed(array, array.type.to_pandas_dtype())) & valid(array)))
    count = int(np.count_nonzero(good))
    return EventTime(
        micros if count == len(array) else np.where(good, micros, 0),
        good,
        naive and count > 0,
        present - count,
    )


def _epoch(values: NDArray[Any], good: Mask) -> tuple[Micros, Mask]:
    """Numbers as times by their size."""
    micros = np.zeros(len(values), np.int64)
    held = np.zeros(len(values), np.bool_)
    for low, high, unit in EPOCH_UNITS:
        inside = good & (values >= low) & (values < high)
        if not inside.any():
            continue
        per_second = PER_SECOND[unit]
        some = values[inside].astype(np.float64 if values.dtype.kind == "f" else np.int64)
        micros[inside] = (
            some // (per_second // SECOND) if per_second > SECOND else some * (SECOND // per_second)
        )
        held |= inside
    return micros, held


def _of_text(array: Any, zone: str) -> EventTime:
    """All at once where every text has the same usual form, else each form by itself."""
    first = np.flatnonzero(valid(array))[:1]
    for tz in ("UTC", None):
        kind = pa.timestamp("us", tz)
        try:
            array.take(pa.array(first)).cast(kind)  # a cast of all that fails is slow
            return event_time(array.cast(kind), zone)
        except pa.ArrowInvalid:
            continue
    return _of_mixed_text(array, zone)


def _of_mixed_text(array: Any, zone: str) -> EventTime:
    lowered = lower_trimmed(array)
    missing = is_missing_word(lowered)
    micros = np.zeros(len(array), np.int64)
    good = np.zeros(len(array), np.bool_)
    number = matches(lowered, _NUMBER)
    if number.any():
        texts = selected(lowered, number)
        whole = not matches(texts, r"\.").any()
        numbers = texts.cast(pa.uint64() if whole else pa.float64())
        micros[number], good[number] = _epoch(
            fixed(numbers, np.uint64 if whole else np.float64), np.ones(len(numbers), np.bool_)
        )
    aware = matches(lowered, _AWARE)
    micros[aware], good[aware] = _iso(selected(lowered, aware), aware=True)
    naive = matches(lowered, _NAIVE)
    local, good[naive] = _iso(selected(lowered, naive), aware=False)
    micros[naive] = np.where(good[naive], local_to_utc(local, zone), 0)
    unreadable = int(np.count_nonzero(~good & ~missing))
    return EventTime(micros, good, bool((good & naive).any()), unreadable)


def _iso(texts: Any, *, aware: bool) -> tuple[Micros, Mask]:
    """ISO 8601 texts in lower case: all at once, or one by one where there is no such date among them."""
    texts = pc.replace_substring_regex(texts, r"[.,]([0-9]{1,6})[0-9]*", r".\1")
    texts = pc.replace_substring_regex(texts, r" ?(z|utc)$", "Z")
    texts = pc.replace_substring_regex(texts, r" ([+-])", r"\1")
    texts = pc.replace_substring(texts, "t", "T")
    try:
        times = texts.cast(pa.timestamp("us", "UTC") if aware else pa.timestamp("us"))
    except pa.ArrowInvalid:
        found = [_moment(text) for text in texts.to_pylist()]
        good = np.array([moment is not None for moment in found], np.bool_)
        return np.array([moment or 0 for moment in found], np.int64), good
    return fixed(times, np.int64), np.ones(len(times), np.bool_)


def _moment(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return since_epoch(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def since_epoch(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970 in UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def _of_dictionary(array: Any, zone: str) -> EventTime:
    codes = dictionary_codes(array)
    inner = event_time(array.dictionary, zone)
    good = np.append(inner.valid, False)[codes]
    dictionary = plain(array.dictionary)
    present = valid(dictionary)
    if is_text(dictionary.type):
        present = ~is_missing_word(lower_trimmed(dictionary))
    lost = np.append(present & ~inner.valid, False)[codes]
    return EventTime(
        np.append(inner.micros, 0)[codes], good, inner.naive and bool(good.any()), int(np.count_nonzero(lost))
    )


def local_to_utc(local: Micros, zone: str) -> Micros:
    """Microseconds on the wall clock of `zone` as microseconds in UTC; the order is kept."""
    if zone == "UTC" or not len(local):
        return local
    first, last = (_year(int(local.min())), _year(int(local.max())))
    changes, offsets = _changes(zone, first - 1, last + 1)
    ends = changes + offsets[:-1]  # what the clock shows as each offset ends
    part = np.searchsorted(ends, local, side="right")
    starts = np.append(np.iinfo(np.int64).min, changes)
    moments: Micros = np.maximum(local - offsets[part], starts[part])
    return moments


def _year(micros: int) -> int:
    """The year, within those that are looked at."""
    return min(max(int(micros // (365.2425 * DAY)) + 1970, FIRST_YEAR), LAST_YEAR)


@lru_cache(maxsize=64)
def _changes(zone: str, first: int, last: int) -> tuple[Micros, Micros]:
    """When the offset changes within these years (UTC, (k,)) and the offsets between (k + 1,)."""
    info = ZoneInfo(zone)
    changes: list[int] = []
    kept: list[int] = []
    for midnight in range(_seconds(first), _seconds(last + 1) + 1, 86_400):
        offset = _offset(info, midnight)
        if kept and offset != kept[-1]:
            yesterday = range(midnight - 86_400, midnight)
            old = kept[-1]
            before = bisect_left(yesterday, 1, key=lambda second: int(_offset(info, second) != old))
            changes.append(yesterday[0] + before)
        if not kept or offset != kept[-1]:
            kept.append(offset)
    return np.array(changes, np.int64) * SECOND, np.array(kept, np.int64) * SECOND


def _seconds(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _offset(info: ZoneInfo, second: int) -> int:
    """Seconds that the zone is ahead of UTC at this moment."""
    moment = datetime.fromtimestamp(second, UTC).astimezone(info)
    ahead = moment.utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds())
