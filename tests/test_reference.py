"""What the reference fixes: types, bins, categories, and what it says of columns that define no normal."""

import itertools
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import first_pass, reference
from monitor.errors import BadReferenceError, StoreError
from monitor.learners import RowSample
from monitor.reference import Reference, TimeBounds, WantedColumn, learn
from monitor.sources.base import Batch
from monitor.stats.binning import bins_of
from monitor.stats.bins import CategoricalReference, NumericReference, cells
from monitor.types import ColumnType, Problem, Reason, Role


def learned(columns, *, size=None, threads=1, wanted=None, bounds=None):
    rows = pa.RecordBatch.from_pydict(columns)
    step = size or max(1, rows.num_rows)

    def scan():
        for start in range(0, rows.num_rows, step):
            yield Batch("a.parquet", start, rows.slice(start, step))

    asked = wanted or [WantedColumn(name) for name in columns]
    return learn(scan, asked, bounds=bounds, threads=threads)


def numeric(values, **more) -> NumericReference:
    found = learned({"x": pa.array(values, pa.float64())}, **more).columns["x"][1]
    assert isinstance(found, NumericReference)
    return found


def categorical(values) -> CategoricalReference:
    found = learned({"k": pa.array(values), "x": pa.array(np.arange(len(values)))}).columns["k"][1]
    assert isinstance(found, CategoricalReference)
    return found


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=100)
@given(values=st.lists(finite, min_size=1, max_size=80))
def test_no_row_of_the_reference_is_outside_its_range_and_all_are_counted(values):
    found = numeric(values)
    bins, counts = found.bins, found.counts
    assert np.isfinite(bins.edges).all()
    assert (bins.edges[1:] > bins.edges[:-1]).all()
    assert counts.bins.sum() == len(values)
    assert counts.bins[-1] == 0
    if min(values) > -np.finfo(np.float64).max:  # nothing finite is below the least number
        assert counts.bins[0] == 0
    assert (bins.low, bins.high) == (min(values), max(values))
    assert np.isfinite([bins.center, bins.scale]).all()
    assert (bins.scale > 0) <= (min(values) < max(values))
    assert bins.cells[0] == 0
    assert set(np.diff(bins.cells)) <= {0, 1}
    assert (cells(found, counts)[:-2] > 0).all()


@settings(max_examples=40)
@given(values=st.lists(st.integers(-20, 20), min_size=1, max_size=200))
def test_few_distinct_values_have_a_bin_each_and_between_them_nothing(values):
    found = numeric([float(value) for value in values])
    edges = found.bins.edges
    for value in set(values):
        place = np.searchsorted(edges, value, side="left")
        assert found.counts.bins[place] == values.count(value)
        assert edges[place] == value
        assert edges[place - 1] == np.nextafter(value, -np.inf)


def test_a_value_with_mass_has_its_own_bin_among_many_others():
    random = np.random.default_rng(1)
    values = np.where(random.random(20_000) < 0.4, 0.0, random.gamma(2, 3, 20_000))
    found = numeric(values)
    place = np.searchsorted(found.bins.edges, 0.0)
    assert found.counts.bins[place] == (values == 0).sum()
    assert cells(found, found.counts)[0] == (values == 0).sum()


def test_bins_are_of_equal_depth_with_tails_down_to_single_rows():
    values = np.random.default_rng(2).normal(size=100_000)
    found = numeric(values)
    assert 256 <= len(found.bins.edges) <= 300
    assert found.counts.bins.max() <= 100_000 / 256 + 1
    assert found.counts.bins[1] == found.counts.bins[-2] == 1
    shares = cells(found, found.counts)[:-2] / 100_000
    np.testing.assert_allclose(shares, 0.1, atol=1e-3)
    assert found.bins.scale == pytest.approx(1, abs=0.02)
    assert found.bins.center == pytest.approx(0, abs=0.02)


def test_a_rare_value_of_two_is_a_cell_of_its_own():
    found = numeric([0.0] * 50 + [1.0] * 950)
    assert cells(found, found.counts).tolist() == [50, 950, 0, 0]


def test_scale_is_that_of_the_bulk():
    values = np.random.default_rng(3).normal(size=10_000)
    values[:20] = 1e12
    assert numeric(values).bins.scale == pytest.approx(1, abs=0.05)
    mostly_zero = numeric([0.0] * 900 + [10.0] * 100).bins
    assert mostly_zero.scale == pytest.approx(3.0)
    assert numeric([4.2] * 100).bins.scale == 0
    assert numeric([1e308, -1e308] * 50).bins.scale == pytest.approx(1e308 / 1.349 * 2)


def test_the_range_is_exact_where_the_bins_come_from_a_sample(monkeypatch):
    monkeypatch.setattr(first_pass, "SAMPLE_ROWS", 1000)
    monkeypatch.setattr(first_pass, "FEWEST_SAMPLE_ROWS", 100)
    values = np.random.default_rng(4).normal(size=50_000)
    found = numeric(values, size=7000)
    assert (found.bins.low, found.bins.high) == (values.min(), values.max())
    assert found.counts.bins.sum() == 50_000
    assert found.counts.bins[0] == found.counts.bins[-1] == 0


def test_neither_batches_nor_threads_change_what_is_learned(monkeypatch):
    monkeypatch.setattr(first_pass, "SAMPLE_ROWS", 500)
    monkeypatch.setattr(first_pass, "FEWEST_SAMPLE_ROWS", 100)
    random = np.random.default_rng(5)
    columns = {
        "x": pa.array(random.normal(size=5000), mask=random.random(5000) < 0.1),
        "k": pa.array(random.choice(["a", "b"], 5000).tolist()),
    }
    once = learned(columns).to_bytes()
    assert learned(columns, size=333).to_bytes() == once
    assert learned(columns, size=1024, threads=3).to_bytes() == once


@given(cuts=st.lists(st.integers(1, 999), max_size=6), size=st.integers(1, 200))
def test_the_row_sample_does_not_depend_on_the_batches(cuts, size):
    def drawn(bounds):
        sample, kept = RowSample(size), np.zeros(0, np.int64)
        for low, high in itertools.pairwise(bounds):
            numbers = np.arange(low, high)
            kept = np.append(kept, numbers[sample.take("a", numbers)])
            stay = sample.prune()
            kept = kept if stay is None else kept[stay]
        stay = sample.prune(last=True)
        return (kept if stay is None else kept[stay]).tolist()

    whole = drawn([0, 1000])
    assert len(whole) == size
    assert drawn(sorted({0, 1000, *cuts})) == whole


def test_the_row_sample_is_even():
    sample = RowSample(2000)
    chosen = sample.take("a", np.arange(40_000))
    stay = sample.prune(last=True)
    assert stay is not None
    share = np.bincount(chosen[stay] // 4000) / 200
    assert (np.abs(share - 1) < 0.3).all()


def test_categories_are_ranked_and_rare_ones_share_a_cell():
    names = [f"c{number:02}" for number in range(30) for _ in range(number + 1)]
    found = categorical(names)
    assert found.bins.categories[0] == "c29"
    assert found.bins.rare == {"c00", "c01", "c02", "c03"}
    assert found.bins.singletons == 1
    assert found.counts.other == 1 + 2 + 3 + 4
    assert found.counts.unseen == 0
    assert found.counts.observed == len(names)


def test_few_categories_are_all_kept():
    found = categorical(["often"] * 99 + ["once"])
    assert found.bins.categories == ("often", "once")
    assert found.bins.rare == frozenset()


def reasons(found: Reference) -> dict[str, Reason]:
    return {problem.column: problem.reason for problem in found.problems}


def test_columns_that_define_no_normal_are_told_and_the_others_go_on():
    rows = 200
    found = learned(
        {
            "good": pa.array(np.arange(rows) % 7),
            "same": pa.array([3.5] * rows),
            "nothing": pa.array([None] * rows, pa.float64()),
            "untyped": pa.nulls(rows),
            "nested": pa.array([[1, 2]] * rows),
            "id": pa.array([f"id{number}" for number in range(rows)]),
            "mixed": pa.array(["1", "two"] * (rows // 2)),
        },
        wanted=[
            *map(WantedColumn, ["good", "same", "nothing", "untyped", "nested", "id", "gone"]),
            WantedColumn("mixed", type=ColumnType.NUMERIC),
        ],
    )
    assert reasons(found) == {
        "same": Reason.CONSTANT,
        "nothing": Reason.ALL_MISSING,
        "untyped": Reason.ALL_MISSING,
        "nested": Reason.UNSUPPORTED_TYPE,
        "id": Reason.HIGH_CARDINALITY,
        "gone": Reason.ABSENT_COLUMN,
        "mixed": Reason.MIXED_TYPES,
    }
    assert set(found.columns) == {"good", "same", "id", "mixed"}
    told = {problem.column: problem.message for problem in found.problems}
    assert "list<" in told["nested"]
    assert "features.ignore" in told["id"]
    assert "100 values" in told["mixed"]
    assert "'two'" in told["mixed"]
    assert found.seen == ("good", "same", "nothing", "untyped", "nested", "id", "mixed")


def test_a_private_value_is_in_no_message():
    wanted = [WantedColumn("x", type=ColumnType.NUMERIC, private=True), WantedColumn("y")]
    found = learned({"x": pa.array(["1", "secret"]), "y": pa.array([1, 2])}, wanted=wanted)
    assert "secret" not in found.problems[0].message


def test_a_column_whose_type_shows_late_is_learned_from_all_rows():
    first = pa.RecordBatch.from_pydict({"x": pa.nulls(10), "y": pa.array(np.arange(10.0))})
    second = pa.RecordBatch.from_pydict({"x": pa.array(np.arange(10.0)), "y": pa.array(np.arange(10.0))})

    def scan():
        return iter([Batch("a", 0, first), Batch("b", 0, second), Batch("c", 0, second.drop_columns(["x"]))])

    found = learn(scan, [WantedColumn("x"), WantedColumn("y")])
    counts = found.columns["x"][1].counts
    assert (counts.rows, counts.missing) == (30, 20)


def test_more_than_a_hundred_thousand_categories_are_given_up_in_bounded_memory(monkeypatch):
    monkeypatch.setattr("monitor.learners.MOST_DISTINCT", 1000)
    ids = pa.array([f"id{number}" for number in range(5000)])
    found = learned({"k": ids, "x": pa.array(np.arange(5000))}, size=500)
    assert reasons(found)["k"] is Reason.HIGH_CARDINALITY
    assert "over 1000 values" in found.problems[0].message
    reference_ = found.columns["k"][1]
    assert isinstance(reference_, CategoricalReference)
    assert reference_.bins.high_cardinality
    assert reference_.counts.rows == 5000


def test_rows_outside_of_the_bounds_are_left_out():
    times = pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 11)] + [None])
    bounds = TimeBounds("ts", "UTC", datetime(2024, 1, 3, tzinfo=UTC), datetime(2024, 1, 6, tzinfo=UTC))
    found = learned(
        {"ts": times, "x": pa.array(np.arange(11.0))}, wanted=[WantedColumn("x")], bounds=bounds, size=4
    )
    assert found.rows == 3
    assert (found.start, found.end) == (datetime(2024, 1, 3, tzinfo=UTC), datetime(2024, 1, 5, tzinfo=UTC))
    bins = found.columns["x"][1].bins
    assert (bins.low, bins.high) == (2.0, 4.0)


def test_a_reference_without_rows_is_refused_with_what_to_check():
    with pytest.raises(BadReferenceError, match=r"no rows: check reference\.source\.path"):
        learn(lambda: iter([]), [WantedColumn("x")])
    times = pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 4)
    bounds = TimeBounds("ts", "UTC", datetime(2025, 1, 1, tzinfo=UTC), None)
    with pytest.raises(BadReferenceError, match=r"none of the 4 rows .*2025-01-01.* to open"):
        learned({"ts": times, "x": pa.array([1.0] * 4)}, bounds=bounds)


def test_a_reference_without_a_usable_column_is_refused_with_the_reasons():
    with pytest.raises(BadReferenceError, match="'x' has no value"):
        learned({"x": pa.nulls(5)})


def test_bytes_give_the_reference_back():
    found = learned(
        {
            "x": pa.array([0.1, 0.2, None, 1e300] * 5),
            "k": pa.array(["a", "b", None, "naïve"] * 5),
            "same": pa.array([1] * 20),
        },
        wanted=[WantedColumn("x", Role.PREDICTION), WantedColumn("k", private=True), WantedColumn("same")],
    )
    full = Reference(
        found.rows,
        datetime(2024, 1, 1, 12, 30, 0, 5, tzinfo=UTC),
        None,
        found.columns,
        found.problems,
        found.seen,
        found.types,
        {"errors": b"\x00\x01", "empty": b""},
        "abc",
    )
    again = Reference.from_bytes(full.to_bytes())
    assert again.to_bytes() == full.to_bytes()
    assert (again.start, again.end, again.fingerprint, again.rows) == (full.start, None, "abc", 20)
    assert again.attachments == {"errors": b"\x00\x01", "empty": b""}
    assert again.problems == found.problems == (Problem("same", Reason.CONSTANT, found.problems[0].message),)
    assert [column for column, _ in again.columns.values()] == [
        column for column, _ in found.columns.values()
    ]
    one, other = found.columns["x"][1], again.columns["x"][1]
    assert isinstance(one, NumericReference)
    assert isinstance(other, NumericReference)
    np.testing.assert_array_equal(one.bins.edges, other.bins.edges)
    np.testing.assert_array_equal(one.counts.bins, other.counts.bins)
    before, after = found.columns["k"][1].bins, again.columns["k"][1].bins
    assert after.categories == before.categories
    assert (after.rare, after.singletons, after.digests) == (before.rare, before.singletons, True)


def test_a_reference_of_a_newer_version_is_refused_with_a_sentence(monkeypatch):
    found = learned({"x": pa.array([1.0, 2.0])})
    monkeypatch.setattr(reference, "VERSION", 9)
    data = found.to_bytes()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="written by a newer driftd"):
        Reference.from_bytes(data)


def test_bins_of_the_largest_numbers_are_finite():
    largest = np.finfo(np.float64).max
    for sample in ([largest, -largest, 0.0], [largest], [-largest], [5e-324, 0.0], [1e-300, 2e-300, 3e-300]):
        values = np.array(sample)
        found = bins_of(values, values.min(), values.max())
        assert np.isfinite([*found.edges, found.center, found.scale]).all()
