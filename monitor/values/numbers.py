"""A column as float64."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.values.arrays import (
    booleans,
    dictionary_codes,
    fixed,
    is_missing_word,
    is_text,
    lower_trimmed,
    matches,
    plain,
    selected,
    valid,
)
from monitor.values.times import PER_SECOND, SECOND, timestamp_micros

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

NUMBER = r"^[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf|infinity|nan)$"
EXAMPLES = 3
_NAN = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan]))])[0]
"""Made from a buffer: `pyarrow.scalar` loads pandas, which takes longer than a small window."""


@dataclass(frozen=True, eq=False)
class NumericValues:
    """One column as numbers.

    `values`: float64 (n,), NaN where the row is null or invalid, infinities as they are; it may be a
    read-only view of the column's own memory. `null_count`: rows without a value. `invalid`: rows
    whose value is not a number, with the first few different ones as `examples`.
    """

    values: Floats
    null_count: int = 0
    invalid: int = 0
    examples: tuple[str, ...] = ()

    @cached_property
    def nan_count(self) -> int:
        """Rows whose value is NaN, told apart from those without one."""
        return int(np.count_nonzero(np.isnan(self.values))) - self.null_count - self.invalid


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """Texts as numbers: NaN where `missing` or `invalid`."""

    values: Floats
    missing: Mask
    invalid: Mask


def numeric(array: Any, zone: str = "UTC") -> NumericValues:
    """A column of any Arrow type as float64.

    Booleans are 0 and 1, dates days since 1970, timestamps seconds since 1970 in UTC (those without a
    zone are read in `zone`), times and durations seconds. Texts are read as numbers. Nothing is ever
    refused: values that are no numbers, nested ones among them, are counted as invalid.

    >>> found = numeric(pa.array(["1.5", "NA", "x", "nan"]))
    >>> found.values.tolist(), found.null_count, found.nan_count, found.invalid, found.examples
    ([1.5, nan, nan, nan], 1, 1, 1, ('x',))
    """
    array = plain(array)
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _of_dictionary(array, zone)
    if is_text(kind):
        return _counted(array, parse(array))
    if pa.types.is_float64(kind):
        if not array.null_count:
            return NumericValues(fixed(array, np.float64))
        return NumericValues(fixed(pc.fill_null(array, _NAN), np.float64), array.null_count)
    values = _by_type(array, zone)
    if values is None:
        present = valid(array)
        return _counted(array, _Parsed(np.full(len(array), np.nan), ~present, present))
    if array.null_count:
        values[~valid(array)] = np.nan
    return NumericValues(values, array.null_count)


def _by_type(array: Any, zone: str) -> Floats | None:
    """A new array of the values, anything where the row is null; None for types without numbers."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_float32(kind):
        return fixed(array, kind.to_pandas_dtype()).astype(np.float64)
    if pa.types.is_boolean(kind):
        return booleans(array).astype(np.float64)
    if pa.types.is_decimal(kind):
        return fixed(array.cast(pa.float64()), np.float64).copy()
    if pa.types.is_timestamp(kind):
        return timestamp_micros(array, zone)[0] / float(SECOND)
    unit = _unit(kind)
    if unit is None:
        return None
    return fixed(array, np.int32 if kind.bit_width == 32 else np.int64) / unit


def _unit(kind: pa.DataType) -> float | None:
    """How many of the stored integers make a day (dates) or a second (times and durations)."""
    if pa.types.is_date32(kind):
        return 1.0
    if pa.types.is_date64(kind):
        return 86_400_000.0
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return float(PER_SECOND[kind.unit])
    return None


def parse(array: Any) -> _Parsed:
    """Texts as numbers: all at once where every one is a number, else those that are."""
    try:
        numbers = array.cast(pa.float64())
    except pa.ArrowInvalid:
        return _parse_some(array)
    missing = ~valid(numbers)
    return _Parsed(fixed(pc.fill_null(numbers, _NAN), np.float64), missing, np.zeros(len(array), np.bool_))


def _parse_some(array: Any) -> _Parsed:
    lowered = lower_trimmed(array)
    missing = is_missing_word(lowered)
    good = matches(lowered, NUMBER)
    texts = selected(lowered, good)
    values = np.full(len(array), np.nan)
    values[good] = fixed(texts.cast(pa.float64()), np.float64)
    return _Parsed(values, missing, ~good & ~missing)


def _counted(array: Any, parsed: _Parsed) -> NumericValues:
    bad = np.flatnonzero(parsed.invalid)
    return NumericValues(
        parsed.values,
        int(np.count_nonzero(parsed.missing)),
        len(bad),
        _examples(array, bad),
    )


def _examples(array: Any, rows: NDArray[np.int64]) -> tuple[str, ...]:
    """The first few different texts among the first rows given."""
    texts = (str(array[int(row)].as_py()) for row in rows[:100])
    return tuple(dict.fromkeys(texts))[:EXAMPLES]


def _of_dictionary(array: Any, zone: str) -> NumericValues:
    """Read the dictionary's values only, then look each row up."""
    codes = dictionary_codes(array)
    dictionary = plain(array.dictionary)
    if is_text(dictionary.type):
        parsed = parse(dictionary)
    else:
        inner = numeric(dictionary, zone)
        missing = ~valid(dictionary)
        invalid = np.full(len(dictionary), bool(inner.invalid)) & ~missing
        parsed = _Parsed(inner.values, missing, invalid)
    counts = np.bincount(codes + 1, minlength=len(dictionary) + 1)
    invalid_codes = np.flatnonzero(parsed.invalid & (counts[1:] > 0))
    return NumericValues(
        np.append(parsed.values, np.nan)[codes],
        int(counts[0] + counts[1:][parsed.missing].sum()),
        int(counts[1:][parsed.invalid].sum()),
        _examples(dictionary, invalid_codes),
    )
