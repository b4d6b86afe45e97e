"""Profiles: one pass over the rows, mergeable, the same whatever the batches and threads."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import packing, profile
from monitor.columns import SKETCH, frequent
from monitor.errors import StoreError
from monitor.profile import Folder, Profile, compact, read_compact, summarized
from monitor.reference import Reference, WantedColumn, learn
from monitor.sources.base import Batch
from monitor.stats.bins import UNSEEN_NAMES, CategoricalCounts, NumericCounts
from monitor.stats.summaries import summarizer
from monitor.types import ColumnType
from monitor.values import categorical


def table(rows=1000, seed=0, **changes):
    random = np.random.default_rng(seed)
    columns = {
        "x": pa.array(random.normal(size=rows), mask=random.random(rows) < 0.1),
        "n": pa.array(random.poisson(3, rows)),
        "c": pa.array(random.choice(["a", "b", "c"], rows).tolist()),
    }
    return pa.RecordBatch.from_pydict({**columns, **changes})


def learned(rows, **types):
    columns = [WantedColumn(name, type=types.get(name)) for name in rows.schema.names]
    return learn(lambda: iter([Batch("reference", 0, rows)]), columns)


def references(reference: Reference):
    return {name: each for name, (_, each) in reference.columns.items()}


REFERENCE = references(learned(table()))


def folded(*batches, windows=1, index=None, threads=1, columns=REFERENCE):
    folder = Folder(columns, windows, threads)
    for number, rows in enumerate(batches):
        folder.add(rows, 0 if index is None else index[number])
    return folder.finish()


def same(one: Profile, other: Profile) -> bool:
    return one.to_bytes() == other.to_bytes()


live_rows = st.lists(
    st.tuples(
        st.one_of(st.none(), st.floats(allow_subnormal=True), st.sampled_from([0.0, 1.5, -100.0])),
        st.one_of(st.none(), st.integers(-5, 12)),
        st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d", "e"])),
    ),
    max_size=60,
)


def batch(rows):
    x, n, c = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.RecordBatch.from_pydict(
        {"x": pa.array(x, pa.float64()), "n": pa.array(n, pa.int64()), "c": pa.array(c, pa.string())}
    )


def close(one: Profile, other: Profile) -> None:
    assert one.rows == other.rows
    for name, counts in one.columns.items():
        against = other.columns[name]
        if isinstance(counts, CategoricalCounts):
            np.testing.assert_array_equal(counts.categories, against.categories)
            assert (counts.other, counts.unseen, counts.null) == (against.other, against.unseen, against.null)
            assert counts.unseen_names == against.unseen_names
            continue
        np.testing.assert_array_equal(counts.bins, against.bins)
        for exact in ("null", "nan", "pos_inf", "neg_inf", "invalid", "low", "high"):
            assert getattr(counts, exact) == getattr(against, exact)
        for inexact in ("total", "square", "low_sum", "high_sum"):
            size = max(abs(getattr(counts, inexact)), counts.square**0.5, 1.0)
            assert getattr(counts, inexact) == pytest.approx(
                getattr(against, inexact), rel=1e-9, abs=1e-9 * size
            )


@settings(max_examples=60)
@given(one=live_rows, two=live_rows, three=live_rows)
def test_merging_is_associative_and_equals_one_pass_over_all_rows(one, two, three):
    (a,), (b,), (c,) = folded(batch(one)), folded(batch(two)), folded(batch(three))
    close((a + b) + c, a + (b + c))
    close(a + b, b + a)
    (together,) = folded(batch(one + two + three))
    close(a + b + c, together)


@settings(max_examples=40)
@given(rows=live_rows, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_how_rows_are_split_into_batches_changes_not_one_bit(rows, cuts):
    whole = batch(rows)
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [whole.slice(low, high - low) for low, high in itertools.pairwise(bounds)]
    if rows:
        assert same(*folded(whole), *folded(*parts))


@settings(max_examples=40)
@given(rows=live_rows, data=st.data())
def test_windows_folded_together_equal_windows_folded_apart(rows, data):
    index = np.array([data.draw(st.integers(-1, 2)) for _ in rows], np.int32)
    whole = batch(rows)
    together = folded(whole, windows=3, index=[index])
    for window in range(3):
        (alone,) = folded(whole.take(pa.array(np.flatnonzero(index == window))))
        assert alone.rows == together[window].rows
        if alone.rows:
            assert same(alone, together[window])


def test_many_windows_in_one_batch_count_categories_and_unseen_names():
    index = np.arange(300, dtype=np.int32) // 10
    rows = table(300, c=pa.array([["a", "new"][number % 2] for number in range(300)]))
    for profile_ in folded(rows, windows=30, index=[index]):
        counts = profile_.columns["c"]
        assert (counts.observed, counts.unseen, counts.unseen_names) == (10, 5, {"new": 5})


def test_the_number_of_threads_changes_nothing(monkeypatch):
    monkeypatch.setattr("monitor.folding.WORTH_THREADS", 0)
    batches = [table(500, seed) for seed in range(6)]
    assert same(*folded(*batches, threads=1), *folded(*batches, threads=3))


def test_a_fault_in_a_thread_reaches_the_caller(monkeypatch):
    monkeypatch.setattr("monitor.folding.WORTH_THREADS", 0)
    folder = Folder(REFERENCE, 1, 2)
    monkeypatch.setattr("monitor.columns.numeric", lambda _: 1 / 0)
    folder.add(table(), 0)
    with pytest.raises(ZeroDivisionError):
        folder.finish()


def test_counts_add_up_to_the_rows():
    rows = table(200, x=pa.array([1.0, None, np.nan, np.inf, -np.inf] * 40))
    (found,) = folded(rows)
    counts = found.columns["x"]
    assert (counts.observed, counts.null, counts.nan, counts.pos_inf, counts.neg_inf) == (40, 40, 40, 40, 40)
    assert {each.rows for each in found.columns.values()} == {200}


def test_a_column_absent_from_every_batch_is_absent_and_the_others_are_as_before():
    rows = table(100, 5)
    (found,) = folded(rows.drop_columns(["x"]))
    (before,) = folded(rows)
    assert found.absent == {"x"}
    assert found.columns["x"].null == found.columns["x"].rows == 100
    np.testing.assert_array_equal(found.columns["n"].bins, before.columns["n"].bins)


def test_a_column_absent_from_one_batch_is_null_there_and_not_absent():
    (found,) = folded(table(100), table(50).drop_columns(["c", "x"]))
    assert found.absent == frozenset()
    assert found.without == {"x": 50, "c": 50}
    assert found.columns["c"].null == 50
    assert (folded(table(100))[0] + folded(table(50).drop_columns(["x"]))[0]).absent == frozenset()


def test_an_empty_window_lacks_nothing():
    (found,) = folded(windows=1)
    assert (found.rows, found.absent) == (0, frozenset())


def test_columns_that_the_reference_lacks_are_not_read():
    (found,) = folded(table(10).append_column("more", pa.array([{"nested": 1}] * 10)))
    assert set(found.columns) == {"x", "n", "c"}


@pytest.mark.parametrize("windows", [1, 40])
def test_numbers_that_come_as_text_are_counted_and_what_is_none_is_told(windows):
    texts = ["1.5", "oops", None, "NA"] * 20
    index = np.arange(80, dtype=np.int32) % windows
    found = folded(table(80, x=pa.array(texts)), windows=windows, index=[index])
    total = found[0]
    for each in found[1:]:
        total += each
    counts = total.columns["x"]
    assert (counts.observed, counts.invalid, counts.null, counts.nan) == (20, 20, 40, 0)
    assert total.facts["x"].examples == ("oops",)
    assert "string" in total.facts["x"].types


def test_numbers_are_read_as_the_categories_of_the_same_name():
    columns = references(
        learned(pa.RecordBatch.from_pydict({"k": pa.array(["1", "2", "2"])}), k=ColumnType.CATEGORICAL)
    )
    (found,) = folded(pa.RecordBatch.from_pydict({"k": pa.array([2.0, 1.0, 3.0])}), columns=columns)
    assert found.columns["k"].categories.tolist() == [1, 1]
    assert found.columns["k"].unseen_names == {"3": 1}


def encoded(values, dictionary):
    return pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), pa.array(dictionary))


def test_dictionaries_that_change_between_batches_are_mapped_by_their_texts():
    batches = [
        table(4, c=encoded([0, 1, None, 0], ["a", "b"])),
        table(4, c=encoded([0, 1, 1, 2], ["b", "a", "new"])),
        table(4, c=encoded([0, 1, 2, 3], ["a", None, "a", "c"])),
    ]
    (found,) = folded(*batches)
    (plain,) = folded(*(table(4, c=rows.column("c").cast(pa.string())) for rows in batches))
    counts = found.columns["c"]
    assert counts.unseen_names == {"new": 1}
    np.testing.assert_array_equal(counts.categories, plain.columns["c"].categories)
    assert (counts.null, counts.unseen) == (plain.columns["c"].null, plain.columns["c"].unseen) == (2, 1)


def test_a_repeated_dictionary_is_mapped_once(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "monitor.columns.categorical", lambda array: asked.append(len(array)) or categorical(array)
    )
    batches = [table(2, c=encoded([0, 1], ["a", "b"])) for _ in range(5)]
    folded(*batches)
    assert asked == [2]


def test_a_hundred_thousand_unseen_categories_keep_a_bounded_sketch():
    folder = Folder(REFERENCE, 1, 1)
    for start in range(0, 100_000, 20_000):
        names = [f"new{number}" for number in range(start, start + 20_000)] + ["frequent"] * 5000
        folder.add(table(25_000, c=pa.array(names)), 0)
    fold = folder._folder._folds["c"]
    assert len(fold.names[0]) <= SKETCH
    (found,) = folder.finish()
    counts = found.columns["c"]
    assert counts.unseen == 125_000
    assert len(counts.unseen_names) <= UNSEEN_NAMES
    assert 25_000 - 125_000 / SKETCH <= counts.unseen_names["frequent"] <= 25_000


@given(
    parts=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=30), min_size=1, max_size=5),
    keep=st.integers(1, 6),
)
def test_the_sketch_never_overstates_and_errs_by_at_most_its_share(parts, keep):
    sketch: dict[str, int] = {}
    true: dict[str, int] = {}
    for part in parts:
        for name in part:
            sketch[name] = sketch.get(name, 0) + 1
            true[name] = true.get(name, 0) + 1
        sketch = frequent(sketch, keep)
    rows = sum(true.values())
    assert len(sketch) <= keep
    for name, count in true.items():
        assert count - rows / (keep + 1) <= sketch.get(name, 0) <= count


def test_ids_are_counted_and_nothing_of_them_is_kept():
    ids = pa.RecordBatch.from_pydict({"k": pa.array([f"id{number}" for number in range(500)])})
    columns = references(learned(ids))
    (found,) = folded(ids, columns=columns)
    assert found.columns["k"].rows == 500
    assert found.columns["k"].unseen_names == {}
    assert len(found.columns["k"].categories) == 0


def test_of_a_private_column_no_name_is_kept():
    rows = pa.RecordBatch.from_pydict({"k": pa.array(["secret", "hidden", "secret"] * 9)})
    reference = learn(lambda: iter([Batch("r", 0, rows)]), [WantedColumn("k", private=True)])
    live = pa.RecordBatch.from_pydict({"k": pa.array(["secret", "whispered", "hidden"])})
    (found,) = folded(live, columns=references(reference))
    counts = found.columns["k"]
    assert (counts.categories.tolist(), counts.unseen, counts.unseen_names) == ([1, 1], 1, {})
    header, _ = packing.unpack("reference", 1, reference.to_bytes())
    assert "secret" not in str(header)


def test_bytes_give_the_profile_back():
    rows = table(300, 2, c=pa.array(["a", "naïve \x00", None] * 100), x=pa.array(["1", "?", None] * 100))
    (found,) = folded(rows, table(7).drop_columns(["n"]))
    again = Profile.from_bytes(found.to_bytes())
    assert same(found, again)
    assert again.facts["x"].examples == ("?",)
    assert again.without == {"n": 7}
    assert again.columns["c"].unseen_names == {"naïve \x00": 100}
    assert isinstance(again.columns["x"], NumericCounts)


def test_a_profile_of_a_newer_version_is_refused_with_a_sentence(monkeypatch):
    (found,) = folded(table())
    monkeypatch.setattr(profile, "VERSION", 2)
    data = found.to_bytes()
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"written by a newer driftd \(format 2, this one reads up to 1\)"):
        Profile.from_bytes(data)


def test_bytes_that_are_no_profile_or_damaged_are_refused():
    (found,) = folded(table())
    data = found.to_bytes()
    with pytest.raises(StoreError, match="no profile"):
        Profile.from_bytes(b"PAR1 something else")
    with pytest.raises(StoreError, match="damaged"):
        Profile.from_bytes(data[:-20])
    with pytest.raises(StoreError, match="damaged"):
        Profile.from_bytes(data[:60] + b"\xff\xff" + data[62:])
    with pytest.raises(StoreError, match="no profile"):
        Profile.from_bytes(kept(found))


def test_profiles_of_different_columns_do_not_add():
    (one,) = folded(table())
    (other,) = folded(table(), columns={"x": REFERENCE["x"]})
    with pytest.raises(ValueError, match="different columns"):
        _ = one + other


def kept(found: Profile, columns=REFERENCE) -> bytes:
    return compact(summarized(found, {name: summarizer(each) for name, each in columns.items()}))


def test_a_stored_window_keeps_few_cells_and_all_rows():
    (found,) = folded(table(5000, 4))
    stored = read_compact(kept(found))
    assert stored.rows == 5000
    for name, counts in found.columns.items():
        column = stored.columns[name]
        assert len(column.cells) <= 32
        assert column.rows == 5000
        assert column.missing == counts.missing
    numeric, category = stored.columns["x"], stored.columns["c"]
    assert abs(numeric.location) < 0.1
    assert abs(numeric.scale) < 0.1
    assert np.isnan([category.location, category.scale, category.mean]).all()


def test_a_stored_window_tells_where_its_rows_lie():
    shifted = table(5000, 4, x=pa.array(np.random.default_rng(5).normal(0.5, 1.5, 5000)))
    (found,) = folded(shifted)
    column = read_compact(kept(found)).columns["x"]
    assert column.location == pytest.approx(0.5, abs=0.15)
    assert column.scale > 0.8
    assert column.mean == pytest.approx(0.5, abs=0.15)


def test_a_thousand_columns_and_two_thousand_windows_fit():
    random = np.random.default_rng(0)
    columns = {f"column_{number:04}": pa.array(random.normal(size=400)) for number in range(100)}
    rows = pa.RecordBatch.from_pydict(columns)
    known = references(learned(rows))
    (found,) = folded(rows, columns=known)
    assert len(kept(found, known)) * 10 * 2000 < 200 * 2**20


def test_a_stored_window_that_is_empty_lies_nowhere():
    (found,) = folded(windows=1)
    stored = read_compact(kept(found))
    assert stored.rows == 0
    assert np.isnan([stored.columns["x"].mean, stored.columns["x"].location]).all()
