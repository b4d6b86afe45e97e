"""Values counted in frozen bins: both paths give the same, whatever the edges and the values."""

import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stats import counting
from monitor.stats.lookup import lookup

LARGEST = np.finfo(np.float64).max
SMALLEST = 5e-324
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, LARGEST, -LARGEST, SMALLEST, -SMALLEST, 1e-310, 1.0]

numbers = st.floats(allow_nan=False, allow_infinity=False)
edge_lists = st.one_of(
    st.lists(numbers, min_size=1, max_size=40),
    st.lists(st.integers(-5, 300).map(float), min_size=1, max_size=40),
    st.lists(st.floats(-300, 300).map(lambda power: 10.0**power), min_size=1, max_size=40),
    # clusters far apart, and values with a bin of their own
    st.lists(st.sampled_from([0.0, 1.0, 1e6, -1e9]), min_size=1, max_size=4).map(
        lambda centers: [center + step * 1e-3 for center in centers for step in range(12)]
    ),
    st.lists(numbers, min_size=1, max_size=10).map(
        lambda values: [*values, *(math.nextafter(value, -LARGEST) for value in values)]
    ),
).map(lambda values: np.unique(np.array(values) + 0.0))


@pytest.fixture(scope="module")
def compiled():
    kernel = counting.load()
    assert kernel is not None, "numba is a dependency, but it cannot be imported"
    return kernel


def around(edges):
    """Values on the edges, beside them, between them and far away."""
    with np.errstate(over="ignore"):
        beside = [np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), edges[:-1] / 2 + edges[1:] / 2]
    return np.concatenate([edges, *beside, SPECIAL])


def counted(values, edges, monkeypatch, kernel, center=0.0, stretches=None):
    monkeypatch.setattr(counting, "_kernel", lambda _: kernel)
    places = lookup(edges)
    tally = counting.empty(1, places.bins)
    counting.count(values, stretches or counting.whole(len(values), 0), places, center, tally)
    return tally


@settings(max_examples=150, deadline=None)
@given(edges=edge_lists, more=st.lists(st.floats(), max_size=50), center=st.sampled_from([0.0, 1.5, -1e9]))
def test_numba_and_numpy_agree_to_the_last_bit(compiled, edges, more, center):
    values = np.concatenate([around(edges), np.array(more, float)])
    with pytest.MonkeyPatch.context() as patch:
        fast = counted(values, edges, patch, compiled, center)
        plain = counted(values, edges, patch, None, center)
    np.testing.assert_array_equal(fast.bins, plain.bins)
    np.testing.assert_array_equal(fast.others, plain.others)
    np.testing.assert_array_equal(fast.sums, plain.sums)


@settings(max_examples=60, deadline=None)
@given(edges=edge_lists)
def test_bins_are_open_below_and_closed_above(compiled, edges):
    values = around(edges)
    finite = values[np.isfinite(values)]
    with pytest.MonkeyPatch.context() as patch:
        tally = counted(values, edges, patch, compiled)
    expected = [int((finite <= edges[0]).sum())]
    expected += [int(((finite > low) & (finite <= high)).sum()) for low, high in itertools.pairwise(edges)]
    expected.append(int((finite > edges[-1]).sum()))
    assert tally.bins[0].tolist() == expected
    assert tally.others[0].tolist() == [
        int(np.isnan(values).sum()),
        int((values == np.inf).sum()),
        int((values == -np.inf).sum()),
    ]


@pytest.mark.parametrize(
    "shape", ["normal", "lognormal", "cauchy", "clusters", "sentinel", "constant", "integers"]
)
def test_many_values_of_every_shape_fall_where_a_binary_search_puts_them(compiled, shape, monkeypatch):
    random = np.random.default_rng(3)
    values = {
        "normal": random.normal(size=20_000),
        "lognormal": random.lognormal(0, 3, 20_000),
        "cauchy": random.standard_cauchy(20_000) * 1e6,
        "clusters": random.normal(size=20_000) + 1e9 * random.integers(0, 3, 20_000),
        "sentinel": np.where(random.random(20_000) < 0.1, -999e9, random.normal(size=20_000)),
        "constant": np.full(20_000, 7.25),
        "integers": random.poisson(3, 20_000).astype(float),
    }[shape]
    ordered = np.sort(values)
    edges = np.unique(np.append(ordered[:: len(ordered) // 256], np.nextafter(ordered[0], -np.inf)))
    tally = counted(values, edges, monkeypatch, compiled)
    found = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    np.testing.assert_array_equal(tally.bins[0], found)


def test_sums_are_those_of_the_values(compiled, monkeypatch):
    values = np.array([-5.0, 1.0, 2.0, 3.0, 40.0, np.nan, np.inf])
    tally = counted(values, np.array([0.0, 2.0, 10.0]), monkeypatch, compiled, center=2.0)
    counts = tally.counts(0)
    assert counts.bins.tolist() == [1, 2, 1, 1]
    assert counts.total == (values[:5] - 2).sum()
    assert counts.square == ((values[:5] - 2) ** 2).sum()
    assert (counts.low, counts.high, counts.low_sum, counts.high_sum) == (-5.0, 40.0, -5.0, 40.0)
    assert (counts.nan, counts.pos_inf, counts.neg_inf) == (1, 1, 0)


def test_sums_stay_finite_for_the_largest_numbers(compiled, monkeypatch):
    values = np.full(1000, LARGEST)
    for kernel in (compiled, None):
        sums = counted(values, np.array([0.0]), monkeypatch, kernel).sums
        assert np.isfinite(sums).all()


@settings(max_examples=50, deadline=None)
@given(
    index=st.lists(st.integers(-1, 3), min_size=1, max_size=80),
    cut=st.integers(0, 80),
    seed=st.integers(0, 1000),
)
def test_windows_in_one_batch_equal_windows_apart_however_the_rows_are_split(compiled, index, cut, seed):
    where = np.array(index, np.int32)
    values = np.random.default_rng(seed).normal(size=len(where)) * 1e3
    edges = np.array([-500.0, 0.0, 500.0])
    places = lookup(edges)
    together = counting.empty(4, places.bins)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_kernel", lambda _: compiled)
        for part in (slice(0, cut), slice(cut, None)):
            if len(where[part]):
                counting.count(values[part], counting.runs(where[part]), places, 0.1, together)
        for window in range(4):
            alone = counted(values[where == window], edges, patch, compiled, 0.1)
            np.testing.assert_array_equal(together.bins[window], alone.bins[0])
            np.testing.assert_array_equal(together.sums[window], alone.sums[0])


@pytest.mark.parametrize("index", [[0, 0, 1, 1, -1], [0, 1] * 40, list(range(20))])
def test_cells_of_categories_are_counted_by_window(index):
    where = np.array(index, np.int32)
    cells = np.arange(len(where)) % 3
    out = np.zeros((20, 3), np.int64)
    counting.count_cells(cells, counting.runs(where), out)
    for window in range(20):
        np.testing.assert_array_equal(out[window], np.bincount(cells[where == window], minlength=3))


@pytest.mark.parametrize("edges", [[], [1.0, 1.0], [2.0, 1.0], [0.0, np.inf], [np.nan]])
def test_edges_that_define_no_bins_are_refused(edges):
    with pytest.raises(ValueError, match="strictly increasing"):
        lookup(np.array(edges, float))


def test_the_environment_keeps_numba_away():
    code = (
        "import sys, numpy as np; from monitor.stats import counting;"
        "assert counting.load() is None; assert 'numba' not in sys.modules"
    )
    environment = {**os.environ, counting.DISABLE: "numpy"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


def test_few_values_are_counted_without_loading_numba():
    code = (
        "import sys, numpy as np; from monitor.stats import counting;"
        "places = counting.lookup(np.arange(3.0)); tally = counting.empty(1, places.bins);"
        "counting.count(np.ones(1000), counting.whole(1000, 0), places, 0.0, tally);"
        "assert 'numba' not in sys.modules and tally.bins.sum() == 1000"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_a_folder_for_its_cache_numba_still_counts(monkeypatch):
    asked = []

    def compiled(*, cache):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda *_: None

    pytest.importorskip("numba")
    monkeypatch.setattr("monitor.stats.kernel.compiled", compiled)
    monkeypatch.delenv(counting.DISABLE, raising=False)
    assert counting._load.__wrapped__() is not None
    assert asked == [True, False]
