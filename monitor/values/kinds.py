"""How a column of the reference is compared where the model file does not say."""

from typing import Any

import numpy as np
import pyarrow as pa

from monitor.types import ColumnType
from monitor.values.arrays import is_text, lower_trimmed, matches, plain
from monitor.values.numbers import parse

_LEADING_ZERO = r"^[+-]?0[0-9]"


def column_type(kind: pa.DataType, sample: Any = None) -> ColumnType | None:
    """Numeric, categorical, or None for what is not measured: nested and binary values, nulls only.

    Numbers, decimals, dates, times and timestamps are numeric, booleans categorical. Texts are
    categorical unless the sample has some and all of them are numbers without leading zeros (a CSV
    file has only texts; "00501" is a zip code). A dictionary of anything but texts is categorical.

    >>> column_type(pa.string(), pa.array(["1", "2.5", None]))
    <ColumnType.NUMERIC: 'numeric'>
    >>> column_type(pa.string(), pa.array(["01", "02"]))
    <ColumnType.CATEGORICAL: 'categorical'>
    """
    if isinstance(kind, pa.BaseExtensionType):
        return column_type(kind.storage_type, sample)
    encoded = pa.types.is_dictionary(kind)
    if encoded or pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
    if is_text(kind) or pa.types.is_string_view(kind):
        numbers = sample is not None and _all_numbers(sample)
        return ColumnType.NUMERIC if numbers else ColumnType.CATEGORICAL
    if pa.types.is_boolean(kind) or (encoded and _is_numeric(kind)):
        return ColumnType.CATEGORICAL
    return ColumnType.NUMERIC if _is_numeric(kind) else None


def _is_numeric(kind: pa.DataType) -> bool:
    """Whether the values are numbers, dates or times."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(number or (pa.types.is_temporal(kind) and not pa.types.is_interval(kind)))


def _all_numbers(sample: Any) -> bool:
    """Whether there are finite numbers, and nothing else but missing values."""
    texts = plain(sample)
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary
    if not is_text(texts.type):
        return False
    parsed = parse(texts)
    if parsed.invalid.any() or not np.isfinite(parsed.values).any():
        return False
    return not matches(lower_trimmed(texts), _LEADING_ZERO).any()
