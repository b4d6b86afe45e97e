# ruff: noqa: DTZ001 - times without a zone are what is tested
import decimal
from datetime import date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.values import categorical


def shown(array):
    found = categorical(array)
    assert found.codes.dtype == np.int32
    assert set(found.codes.tolist()) - {-1} == set(range(len(found.categories)))
    return [None if code < 0 else found.categories[code] for code in found.codes.tolist()]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 0, None, -3]),
        pa.array([1, 0, None, -3], pa.int8()),
        pa.array([1.0, -0.0, None, -3.0]),
        pa.array([1.0, 0.0, float("nan"), -3.0], pa.float32()),
        pa.array([1.0, 0.0, None, -3.0], pa.float16()),
        pa.array(["1", "0", None, "-3"]),
        pa.array(["1.0", "-0.0", None, "-3.0"]),
        pa.array(["1", "-0", None, "-3"], pa.large_string()),
        pa.array(["1", "0.0", None, "-3"], pa.string_view()),
        pa.array([decimal.Decimal("1.00"), decimal.Decimal("-0.00"), None, decimal.Decimal(-3)]),
        pa.array(["1", "0", None, "-3"]).dictionary_encode(),
        pa.array([1.0, 0.0, None, -3.0]).dictionary_encode(),
        pa.chunked_array([["1", "0.0"], [None, "-3"]]),
    ],
    ids=lambda array: str(array.type),
)
def test_one_number_is_one_category_in_every_type(array):
    assert shown(array) == ["1", "0", None, "-3"]


def test_booleans_are_words_and_not_one_and_zero():
    assert shown(pa.array([True, None, False])) == ["true", None, "false"]
    assert shown(pa.array(["True", "true", "TRUE", "False", "1"])) == ["true", "true", "true", "false", "1"]


def test_texts_stay_what_they_are():
    texts = [
        "007",
        "1.10",
        "1.50",
        "1e3",
        " a",
        "a",
        "A",
        "",
        "+1",
        "-",
        "01.0",
        "tRUE",
        "nan",
        "NA",
        "1.0.0",
    ]
    assert shown(pa.array(texts)) == texts


def test_fractions_equal_in_every_type():
    assert shown(pa.array([0.1, 1.5])) == ["0.1", "1.5"]
    assert shown(pa.array([0.1, 1.5], pa.float32())) == ["0.1", "1.5"]
    assert shown(pa.array([decimal.Decimal("0.10"), decimal.Decimal("1.50")])) == ["0.1", "1.5"]
    assert shown(pa.array(["0.1", "1.5"])) == ["0.1", "1.5"]


def test_decimals_beyond_floats_keep_their_digits():
    value = decimal.Decimal("1.23456789012345678901")
    assert shown(pa.array([value])) == ["1.23456789012345678901"]


def test_large_numbers():
    assert shown(pa.array([2**60])) == shown(pa.array([float(2**60)])) == [str(2**60)]
    assert shown(pa.array([1e300, np.inf, -np.inf])) == ["1e+300", "inf", "-inf"]


def test_times_are_iso_text():
    assert shown(pa.array([date(2024, 1, 2), None])) == ["2024-01-02", None]
    assert shown(pa.array([datetime(2024, 1, 2), None], pa.timestamp("s"))) == ["2024-01-02T00:00:00", None]
    assert shown(pa.array([1_700_000_000_000_000_001], pa.timestamp("ns", "Europe/Berlin"))) == [
        "2023-11-14T22:13:20Z"
    ]
    assert shown(pa.array([time(1, 2, 3)], pa.time64("ns"))) == ["01:02:03"]
    assert shown(pa.array([timedelta(seconds=90), None])) == ["90", None]
    assert shown(pa.array([2**62], pa.timestamp("us")))[0].startswith("148108-")


def test_other_values_by_their_text():
    assert shown(pa.array([b"abc", None, b"\xff"])) == ["abc", None, "ff"]
    assert shown(pa.array([[1, 2], None, [1, 2]])) == ["[1, 2]", None, "[1, 2]"]
    assert shown(pa.array([{"a": 1}, None])) == ["{'a': 1}", None]


def test_nothing_there():
    assert shown(pa.array([None, None])) == [None, None]
    assert shown(pa.array([], pa.string())) == []
    assert shown(pa.array([float("nan"), None])) == [None, None]


def test_spellings_that_fall_together_share_a_code():
    found = categorical(pa.array(["1", "1.0", "b", "1"]))
    assert found.categories == ("1", "b")
    assert found.codes.tolist() == [0, 0, 1, 0]


def test_unused_and_null_entries_of_a_dictionary_are_no_categories():
    array = pa.DictionaryArray.from_arrays(
        pa.array([3, 0, 1, None]), pa.array(["a", None, "unused", "b", "b"])
    )
    assert shown(array) == ["b", "a", None, None]
    assert categorical(array).categories == ("a", "b")


def test_chunks_with_different_dictionaries():
    first, second = pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()
    assert shown(pa.chunked_array([first, second])) == ["a", "b", "b", "c"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=30), st.integers(0, 20))
def test_slices_read_what_the_whole_holds(items, offset):
    whole = pa.array(items, pa.string())
    expected = shown(whole)[offset:]
    assert shown(whole.slice(offset)) == expected
    assert shown(whole.dictionary_encode().slice(offset)) == expected


@given(st.one_of(st.integers(-(2**62), 2**62), st.floats(allow_nan=False)))
def test_a_number_equals_its_own_text(value):
    assert shown(pa.array([value])) == shown(pa.array(shown(pa.array([value]))))
