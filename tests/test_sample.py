"""Samples of windows: the same rows however they come, and two of them merge into that of both."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sample import Sample, comparable, joined, occurring
from monitor.sampling import WindowSamples, single
from monitor.values import Codes

ROWS = 300
WINDOWS = 3


@dataclass(frozen=True)
class Part:
    file: str
    offset: int
    rows: pa.RecordBatch


def batch(rows=ROWS, seed=0, encode=False) -> pa.RecordBatch:
    random = np.random.default_rng(seed)
    names = random.choice(["a", "b", "c", "1.0", "d"], rows)
    texts = pa.array(names.tolist(), mask=random.random(rows) < 0.1)
    return pa.record_batch(
        {
            "x": pa.array(random.normal(size=rows), mask=random.random(rows) < 0.1),
            "row": pa.array(np.arange(rows)),
            "k": texts.dictionary_encode() if encode else texts,
            "other": pa.array(["never read"] * rows),
        }
    )


def index(rows=ROWS, seed=0):
    return np.random.default_rng(seed + 99).integers(-1, WINDOWS, rows).astype(np.int32)


def sampled(parts, most=20, windows=WINDOWS, numeric=("x", "row"), categorical=("k",)) -> tuple[Sample, ...]:
    samples = WindowSamples(numeric, categorical, windows, most)
    for part, window in parts:
        samples.add(part, window)
    return samples.finish()


def cut(cuts, file="f", rows=None, window=None):
    """The rows in batches that end at these places."""
    rows = batch() if rows is None else rows
    window = index() if window is None else window
    for low, high in itertools.pairwise(sorted({0, len(rows), *cuts})):
        yield Part(file, low, rows.slice(low, high - low)), window[low:high]


def same(one: Sample, other: Sample, *, in_order: bool = True) -> None:
    assert (one.rows, one.most, one.names) == (other.rows, other.most, other.names)
    np.testing.assert_array_equal(one.hashes, other.hashes)
    if in_order:
        np.testing.assert_array_equal(one.places, other.places)
    pd.testing.assert_frame_equal(one.frame(), other.frame())


@given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=6), most=st.integers(1, 120), encode=st.booleans())
def test_batches_and_their_encoding_do_not_matter(cuts, most, encode):
    whole = sampled(cut([]), most)
    for one, other in zip(whole, sampled(cut(cuts, rows=batch(encode=encode)), most), strict=True):
        same(one, other)


@given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=3), most=st.integers(1, 120))
def test_samples_of_parts_add_up_to_that_of_the_whole(cuts, most):
    merged = None
    for part in cut(cuts):
        found = sampled([part], most)
        merged = found if merged is None else tuple(map(Sample.__add__, merged, found))
    assert merged is not None
    for one, other in zip(merged, sampled(cut([]), most), strict=True):
        same(one, other)


def test_the_order_of_files_and_other_windows_do_not_matter():
    one, other = Part("a", 0, batch()), Part("b", 0, batch(seed=1))
    first = sampled([(one, index()), (other, index(seed=1))])
    second = sampled([(other, index(seed=1)), (one, index())])
    alone = sampled([(one, np.where(index() == 2, 0, -1)), (other, np.where(index(seed=1) == 2, 0, -1))])
    for left, right in zip(first, second, strict=True):
        same(left, right, in_order=False)
    same(first[2], alone[0])


def test_rows_of_other_files_are_other_rows():
    one, other = (sampled([(Part(file, 0, batch()), 0)], windows=1)[0] for file in ("a", "b"))
    assert not set(one.hashes.tolist()) & set(other.hashes.tolist())


def test_a_window_under_the_size_is_taken_whole():
    rows, window = batch(), index()
    for number, found in enumerate(sampled(cut([100]), most=1000)):
        expected = rows.to_pandas()[window == number]
        frame = found.frame().sort_values("row", ignore_index=True)
        assert found.rows == len(found) == len(expected)
        assert frame["row"].tolist() == expected["row"].tolist()
        assert found.frame()["row"].tolist() == expected["row"].to_numpy()[found.places].tolist()
        np.testing.assert_array_equal(frame["x"], expected["x"].astype(np.float32))
        texts = expected["k"].replace("1.0", "1")
        assert frame["k"].astype(object).where(frame["k"].notna(), None).tolist() == [
            text if isinstance(text, str) else None for text in texts
        ]


def test_a_large_window_is_sampled_evenly_and_few_of_its_rows_are_held():
    samples = WindowSamples(("row",), (), 1, 1000)
    for start in range(0, 200_000, 5000):
        rows = pa.record_batch({"row": np.arange(start, start + 5000)})
        samples.add(Part("f", start, rows), 0)
        assert samples._held <= 7000
    (found,) = samples.finish()
    assert (found.rows, len(found)) == (200_000, 1000)
    share = np.bincount((found.numbers[:, 0] // 20_000).astype(int), minlength=10) / 100
    assert (np.abs(share - 1) < 0.35).all()


def test_the_first_rows_are_a_sample_of_the_sample():
    (large,) = sampled([(Part("f", 0, batch()), 0)], 50, 1)
    (small,) = sampled([(Part("f", 0, batch()), 0)], 20, 1)
    pd.testing.assert_frame_equal(large.first(20).frame(), small.frame())
    assert large.first(99) is large


def test_a_column_that_a_batch_lacks_is_missing_there():
    rows = batch(40)
    (found,) = sampled([(Part("f", 0, rows), 0), (Part("g", 0, rows.select(["row"])), 0)], 100, 1)
    frame = found.frame()
    assert len(frame) == 80
    assert frame["row"].notna().all()
    assert frame["x"].isna().sum() == 40 + rows["x"].null_count
    assert frame["k"].isna().sum() == 40 + rows["k"].null_count


def test_windows_without_rows_have_empty_samples():
    found = sampled([(Part("f", 0, batch()), np.full(ROWS, -1, np.int32))])
    assert [(each.rows, len(each)) for each in found] == [(0, 0)] * WINDOWS
    assert list(found[0].frame().columns) == ["x", "row", "k"]
    assert len((found[0] + found[1]).frame()) == 0


def test_dictionaries_may_change_between_batches():
    rows = pa.array(["b", "a", None]).dictionary_encode()
    more = pa.array(["c", "b", "b"]).dictionary_encode()
    parts = [(Part("f", 0, pa.record_batch({"k": each})), 0) for each in (rows, rows, more)]
    parts = [(Part("f", 3 * number, part.rows), window) for number, (part, window) in enumerate(parts)]
    (found,) = sampled(parts, 100, 1, numeric=())
    assert found.texts["k"].categories == ("a", "b", "c")
    assert found.frame()["k"].value_counts().to_dict() == {"b": 4, "a": 2, "c": 1}


def test_samples_compare_under_the_same_codes():
    parts = [
        (Part("f", 0, pa.record_batch({"x": [np.inf, 2.0], "k": keys})), 0)
        for keys in (["b", "c"], ["a", "c"])
    ]
    one, other = (sampled([part], 9, 1, numeric=("x",))[0] for part in parts)
    left, right = comparable(one, other)
    rows = {(float(x), int(k)) for x, k in zip(left.numbers[:, 0], left.codes[:, 0], strict=True) if x == x}
    assert rows == {(2.0, 2)}
    assert sorted(left.codes[:, 0]) == [1, 2]
    assert sorted(right.codes[:, 0]) == [0, 2]
    assert np.isnan(left.numbers).sum() == 1


def test_samples_of_other_columns_or_sizes_neither_add_nor_compare():
    (one,) = sampled([(Part("f", 0, batch()), 0)], 20, 1)
    (other,) = sampled([(Part("f", 0, batch()), 0)], 20, 1, numeric=("x",))
    (larger,) = sampled([(Part("f", 0, batch()), 0)], 30, 1)
    with pytest.raises(ValueError, match="do not add"):
        one + other
    with pytest.raises(ValueError, match="do not add"):
        one + larger
    with pytest.raises(ValueError, match="do not compare"):
        comparable(one, other)
    assert comparable(one, larger)[1].columns == (2, 1)


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6), max_size=4))
def test_joined_and_occurring_keep_every_text(parts):
    codes = []
    for part in parts:
        names = tuple(dict.fromkeys(text for text in part if text is not None))
        place = [-1 if text is None else names.index(text) for text in part]
        codes.append(Codes(np.array(place, np.int32), names))
    found = joined(codes)
    again = occurring(found.codes, found.categories)
    for each in (found, again):
        texts = [each.categories[code] if code >= 0 else None for code in each.codes.tolist()]
        assert texts == list(itertools.chain(*parts))
        assert list(each.categories) == sorted(set(each.categories))
    assert again.categories == found.categories


def test_numbers_beyond_float32_stay_finite():
    assert np.isfinite(single(np.array([1e300, -1e300]))).all()
