# ruff: noqa: DTZ001 - times without a zone are what is tested
import decimal
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.values import numeric

NAN = float("nan")


def shown(array, **kwargs):
    found = numeric(array, **kwargs)
    return [None if np.isnan(value) else value for value in found.values.tolist()]


def test_float64_without_nulls_is_not_copied():
    array = pa.array([1.0, NAN, 3.0, np.inf])
    found = numeric(array)
    assert found.values.ctypes.data == array.buffers()[1].address
    assert (found.null_count, found.nan_count, found.invalid) == (0, 1, 0)
    assert found.values[3] == np.inf


def test_null_is_told_apart_from_nan():
    found = numeric(pa.array([1.0, None, NAN, None]))
    assert (found.null_count, found.nan_count, found.invalid) == (2, 1, 0)
    assert np.isnan(found.values[1:]).all()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None, -3], pa.int8()), [1, None, -3]),
        (pa.array([1, None, 2**64 - 1], pa.uint64()), [1, None, float(2**64 - 1)]),
        (pa.array([1.5, None], pa.float32()), [1.5, None]),
        (pa.array([np.float16(1.5), None], pa.float16()), [1.5, None]),
        (pa.array([True, None, False]), [1, None, 0]),
        (pa.array([decimal.Decimal("1.25"), None]), [1.25, None]),
        (pa.array([decimal.Decimal("1.25"), None], pa.decimal256(40, 2)), [1.25, None]),
        (pa.array([date(1970, 1, 3), None]), [2, None]),
        (pa.array([date(1970, 1, 3), None], pa.date64()), [2, None]),
        (pa.array([time(0, 1), None], pa.time32("s")), [60, None]),
        (pa.array([time(0, 0, 0, 500_000), None], pa.time64("us")), [0.5, None]),
        (pa.array([timedelta(milliseconds=1500), None], pa.duration("ms")), [1.5, None]),
        (pa.array([1500, None], pa.timestamp("ms", "UTC")), [1.5, None]),
        (pa.array([1500, None], pa.timestamp("ns", "UTC")), [1e-6, None]),
        (pa.array([2, None], pa.timestamp("s")), [2, None]),
        (pa.array([None, None]), [None, None]),
        (pa.array([], pa.float64()), []),
        (pa.chunked_array([], pa.int64()), []),
        (pa.array(["1", "2.5", None]).dictionary_encode(), [1, 2.5, None]),
        (pa.array([3, None, 4]).dictionary_encode(), [3, None, 4]),
        (pa.array(["7", None], pa.string_view()), [7, None]),
        (pa.array(["7", None], pa.large_string()), [7, None]),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None], pa.int8())), [1, None]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], pa.array([5.0, 6.0])), [5, 5, 6]),
    ],
    ids=lambda value: str(value.type) if hasattr(value, "type") else "",
)
def test_every_type_becomes_numbers(array, expected):
    found = numeric(array)
    assert shown(array) == expected
    assert found.null_count == expected.count(None)
    assert (found.nan_count, found.invalid) == (0, 0)


def test_times_without_a_zone_are_read_in_the_zone_given():
    array = pa.array([datetime(2024, 7, 1, 12)], pa.timestamp("us"))
    assert shown(array, zone="Europe/Berlin") == [datetime(2024, 7, 1, 10, tzinfo=UTC).timestamp()]


def test_texts_are_read_as_numbers():
    array = pa.array(["1", " 2.5 ", "1e3", "+4", ".5", "5.", "inf", "-Infinity", "1e999", "1e-999"])
    assert shown(array) == [1, 2.5, 1000, 4, 0.5, 5, np.inf, -np.inf, np.inf, 0]


def test_words_for_missing_numbers_are_missing():
    found = numeric(pa.array(["1", "", "NA", "n/a", "NULL", "None", "nan", None, " "]))
    assert (found.null_count, found.nan_count, found.invalid) == (7, 1, 0)


def test_text_that_is_no_number_is_invalid_and_shown():
    found = numeric(pa.array(["1", "x", "y", "x", "0x10", "1,5", None]))
    assert (found.invalid, found.null_count, found.nan_count) == (5, 1, 0)
    assert found.examples == ("x", "y", "0x10")
    assert found.values[0] == 1


def test_invalid_texts_of_a_dictionary_count_by_row():
    indices = pa.array([0, 1, 1, None, 2, 0])
    array = pa.DictionaryArray.from_arrays(indices, pa.array(["3", "x", None, "never used"]))
    found = numeric(array)
    assert shown(array) == [3, None, None, None, None, 3]
    assert (found.invalid, found.null_count, found.examples) == (2, 2, ("x",))


def test_values_that_cannot_be_numbers_are_invalid_each():
    found = numeric(pa.array([[1], None, [2, 3]]))
    assert (found.invalid, found.null_count) == (2, 1)
    assert found.examples == ("[1]", "[2, 3]")
    assert numeric(pa.array([b"\xff", None])).invalid == 1
    assert numeric(pa.array([{"a": 1}])).examples == ("{'a': 1}",)


def test_dictionary_of_what_cannot_be_numbers():
    found = numeric(pa.array([b"a", None, b"b"]).dictionary_encode())
    assert (found.invalid, found.null_count) == (2, 1)


values = st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1, max_size=40)


@given(values, st.integers(0, 20), st.integers(0, 30))
def test_slices_and_chunks_read_what_the_whole_holds(items, offset, length):
    whole = pa.array(items, pa.float64())
    expected = items[offset : offset + length]
    for array in (
        whole.slice(offset, length),
        pa.chunked_array([whole.slice(offset, length)]),
        pa.chunked_array([whole, whole], pa.float64()).slice(len(items) + offset, length),
        whole.dictionary_encode().slice(offset, length),
        whole.cast(pa.string()).slice(offset, length),
    ):
        assert shown(array) == expected
        assert numeric(array).null_count == expected.count(None)


@given(st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=40), st.integers(0, 20))
def test_slices_of_booleans_keep_their_bits(items, offset):
    assert shown(pa.array(items, pa.bool_()).slice(offset)) == items[offset:]


def test_the_fast_path_loads_no_pandas():
    code = """
import sys
import numpy as np
import pyarrow as pa
from monitor.values import event_time, numeric
present, numbers = pa.py_buffer(b"\\x01"), pa.py_buffer(np.ones(2))
numeric(pa.Array.from_buffers(pa.float64(), 2, [present, numbers], 1))
event_time(pa.Array.from_buffers(pa.timestamp("us"), 2, [None, numbers]), "Europe/Berlin")
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
