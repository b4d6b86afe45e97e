from datetime import date

import pyarrow as pa
import pytest

from monitor.types import ColumnType
from monitor.values import column_type

NUMERIC, CATEGORICAL = ColumnType.NUMERIC, ColumnType.CATEGORICAL


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.int8(), NUMERIC),
        (pa.uint64(), NUMERIC),
        (pa.float16(), NUMERIC),
        (pa.decimal128(9, 2), NUMERIC),
        (pa.date32(), NUMERIC),
        (pa.timestamp("ns", "UTC"), NUMERIC),
        (pa.time64("us"), NUMERIC),
        (pa.duration("s"), NUMERIC),
        (pa.bool_(), CATEGORICAL),
        (pa.string(), CATEGORICAL),
        (pa.large_string(), CATEGORICAL),
        (pa.string_view(), CATEGORICAL),
        (pa.dictionary(pa.int32(), pa.string()), CATEGORICAL),
        (pa.dictionary(pa.int32(), pa.int64()), CATEGORICAL),
        (pa.run_end_encoded(pa.int32(), pa.float64()), NUMERIC),
        (pa.uuid(), None),
        (pa.null(), None),
        (pa.binary(), None),
        (pa.list_(pa.int64()), None),
        (pa.struct([("a", pa.int64())]), None),
        (pa.map_(pa.string(), pa.int64()), None),
        (pa.month_day_nano_interval(), None),
        (pa.dictionary(pa.int32(), pa.binary()), None),
    ],
    ids=str,
)
def test_by_type(kind, expected):
    assert column_type(kind) is expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "-2.5", "1e3", "NA", None, ""], NUMERIC),
        (["0", "0.5"], NUMERIC),
        (["1", "x"], CATEGORICAL),
        (["00501", "10001"], CATEGORICAL),
        (["nan", "inf"], CATEGORICAL),
        ([None, ""], CATEGORICAL),
        (["2024-01-01"], CATEGORICAL),
        (["true"], CATEGORICAL),
    ],
    ids=str,
)
def test_texts_by_what_they_hold(texts, expected):
    sample = pa.array(texts, pa.string())
    assert column_type(sample.type, sample) is expected
    assert column_type(pa.string(), sample.dictionary_encode()) is expected
    assert column_type(sample.dictionary_encode().type, sample.dictionary_encode()) is expected
    assert column_type(sample.type, pa.chunked_array([sample, sample])) is expected


def test_dates_in_the_sample_change_nothing():
    sample = pa.array([date(2024, 1, 1)])
    assert column_type(sample.type, sample) is NUMERIC
