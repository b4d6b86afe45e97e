"""A column as categories: codes, and the texts that they stand for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.values.arrays import any_true, dictionary_codes, fixed, is_text, plain
from monitor.values.times import PER_SECOND, timestamp_micros

_INTEGER_WITH_ZERO = r"^(-?(0|[1-9][0-9]*))\.0$"
_WORDS = {"-0": "0", "True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_WHOLE = 2.0**63
"""Below it an integral float is written as an integer."""
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is written behind the text


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """One column as categories.

    `codes`: int32 (n,), the place in `categories`, -1 where missing. Every category occurs.
    """

    codes: NDArray[np.int32]
    categories: tuple[str, ...]


def categorical(array: Any) -> Codes:
    """A column of any Arrow type as categories, equal by the rule that the package states.

    >>> found = categorical(pa.array(["1.0", "1", "True", "007", None, ""]))
    >>> found.codes.tolist(), found.categories
    ([0, 0, 1, 2, -1, 3], ('1', 'true', '007', ''))
    """
    array = plain(array)
    if not pa.types.is_dictionary(array.type):
        array = _encoded(array)
    dictionary = plain(array.dictionary)
    codes = dictionary_codes(array)
    occurs = np.zeros(len(dictionary) + 1, np.bool_)
    occurs[codes] = True
    texts = canonical_texts(dictionary)
    different = set(texts)
    if len(different) == len(texts) and None not in different and occurs[:-1].all():
        return Codes(codes.astype(np.int32), tuple(text for text in texts if text is not None))
    names: dict[str, int] = {}
    places = np.full(len(dictionary) + 1, -1, np.int32)
    for index in np.flatnonzero(occurs[:-1]).tolist():
        text = texts[index]
        if text is not None:
            places[index] = names.setdefault(text, len(names))
    return Codes(places[codes], tuple(names))


def _encoded(array: Any) -> Any:
    """The same rows with a dictionary; nested values by their text."""
    try:
        return array.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        texts = [None if value is None else str(value) for value in array.to_pylist()]
        return pa.array(texts, pa.string()).dictionary_encode()


def canonical_texts(values: Any) -> Sequence[str | None]:
    """The text that each value is compared by; None where it is missing."""
    kind = values.type
    if is_text(kind):
        return list(canonical_text(values).to_pylist())
    if pa.types.is_floating(kind):
        numbers = fixed(values.fill_null(float("nan")), kind.to_pandas_dtype())
        return [_float_text(number) for number in (numbers.tolist() if numbers.itemsize == 8 else numbers)]
    if pa.types.is_timestamp(kind):
        return _timestamp_texts(values)
    writer = _writer(kind)
    return [None if value is None else writer(value) for value in _python_values(values)]


def canonical_text(texts: Any) -> Any:
    """An array of texts with the spellings of one value made one."""
    kind = texts.type
    if any_true(pc.ends_with(texts, ".0")):
        texts = pc.replace_substring_regex(texts, _INTEGER_WITH_ZERO, r"\1")
    place = pc.index_in(texts, value_set=pa.array(_WORDS.keys(), kind))
    if place.null_count == len(texts):
        return texts
    return pc.coalesce(pa.array(_WORDS.values(), kind).take(place), texts)


def _python_values(values: Any) -> list[Any]:
    """Python objects; durations and nanosecond times as integers, which need no pandas."""
    kind = values.type
    if pa.types.is_duration(kind):
        seconds = fixed(values.fill_null(0), np.int64) / PER_SECOND[kind.unit]
        return [
            second if known else None
            for second, known in zip(seconds, values.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_time64(kind):
        values = values.cast(pa.time64("us"), safe=False)
    return list(values.to_pylist())


def _writer(kind: pa.DataType) -> Callable[[Any], str]:
    """How a value of this type is written."""
    if pa.types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if pa.types.is_decimal(kind):
        return _decimal_text
    if pa.types.is_duration(kind):
        return lambda value: _float_text(value) or ""
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return lambda value: str(value.isoformat())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _binary_text
    return str


def _float_text(value: Any) -> str | None:
    """The shortest text that gives the number back in its own precision; an integer where it is one."""
    if value != value:  # noqa: PLR0124 - NaN, a hundred times faster than numpy tells it of one number
        return None
    if abs(value) < _WHOLE and value == int(value):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def _decimal_text(value: Decimal) -> str:
    if value == value.to_integral_value():
        return str(int(value))
    as_float = str(float(value))
    return as_float if Decimal(as_float) == value else format(value.normalize(), "f")


def _binary_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _timestamp_texts(values: Any) -> list[str | None]:
    micros, good = timestamp_micros(values, "UTC")
    zone = "" if values.type.tz is None else "Z"
    return [
        _moment_text(moment) + zone if known else None
        for moment, known in zip(micros.tolist(), good.tolist(), strict=True)
    ]


def _moment_text(micros: int) -> str:
    try:
        return (_START + timedelta(microseconds=micros)).isoformat()
    except OverflowError:  # beyond the years that Python has
        return str(np.datetime64(micros, "us"))
