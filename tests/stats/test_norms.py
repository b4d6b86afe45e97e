"""Norms keep their axioms, agree with numpy, and stay finite where squares do not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.stats import norms

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: 0.0 if abs(x) < 1e-6 else x)
VECTORS = arrays(np.float64, st.integers(1, 20), elements=NUMBERS)
PAIRS = st.integers(1, 20).flatmap(lambda size: st.tuples(*[arrays(np.float64, size, elements=NUMBERS)] * 2))
ORDERS = st.sampled_from([1, 1.5, 2, 3, 7, np.inf])


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_agrees_with_numpy(p, axis):
    x = np.random.default_rng(1).normal(size=(4, 7))
    expected = np.linalg.norm(x.ravel(), p) if axis is None else np.linalg.norm(x, p, axis=axis)
    np.testing.assert_allclose(norms.lp(x, p, axis=axis), expected)


def test_l0_counts_along_an_axis_with_a_tolerance():
    x = [[0.0, 0.2, -3.0], [0.1, 0.0, 0.0]]
    assert norms.l0(x, axis=1).tolist() == [2, 1]
    assert norms.l0(x, tolerance=0.15, axis=1).tolist() == [2, 0]
    assert norms.lp(x, 0) == 3


@given(VECTORS, NUMBERS, ORDERS)
def test_scales_with_its_vector(x, factor, p):
    assert norms.lp(factor * x, p) == pytest.approx(abs(factor) * float(norms.lp(x, p)), rel=1e-9, abs=1e-9)


@given(PAIRS, ORDERS)
def test_a_detour_is_never_shorter(pair, p):
    x, y = pair
    assert norms.lp(x + y, p) <= (norms.lp(x, p) + norms.lp(y, p)) * (1 + 1e-9)


@given(VECTORS)
def test_norms_are_ordered(x):
    slack = 1 + 1e-9
    assert norms.linf(x) <= norms.l2(x) * slack
    assert norms.l2(x) <= norms.l1(x) * slack
    assert norms.l1(x) <= math.sqrt(x.size) * norms.l2(x) * slack


@given(VECTORS)
def test_lp_tends_to_the_largest_entry(x):
    assert norms.lp(x, 500) == pytest.approx(float(norms.linf(x)), rel=0.01, abs=1e-12)


@given(PAIRS, ORDERS)
def test_distance_is_symmetric_and_zero_only_for_equals(pair, p):
    x, y = pair
    assert norms.distance(x, y, p) == norms.distance(y, x, p)
    assert (norms.distance(x, y, p) == 0) == np.array_equal(x, y)


@given(VECTORS, st.floats(0.001, 1e6), ORDERS)
def test_clipping_keeps_the_direction_and_the_limit(x, limit, p):
    clipped = norms.clip(x, limit, p)
    assert norms.lp(clipped, p) <= limit * (1 + 1e-9)
    if norms.lp(x, p) <= limit:
        np.testing.assert_array_equal(clipped, x)
    else:
        np.testing.assert_allclose(clipped * norms.lp(x, p), x * limit, rtol=1e-9)


def test_clipping_along_an_axis_leaves_short_vectors_alone():
    x = np.array([[6.0, 8.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(norms.clip(x, 5, axis=1), [[3, 4], [0.3, 0.4], [0, 0]])
    np.testing.assert_allclose(norms.clip(x.T, 5, axis=0), norms.clip(x, 5, axis=1).T)


@pytest.mark.parametrize("size", [1e-308, 1e200, 1e307])
def test_neither_overflows_nor_vanishes(size):
    assert norms.l2([3 * size, 4 * size]) == pytest.approx(5 * size, rel=1e-9)
    assert norms.lp([size] * 2, 3) == pytest.approx(2 ** (1 / 3) * size, rel=1e-9)


def test_infinite_entries_have_infinite_norms():
    assert norms.l2([np.inf, 1.0]) == np.inf
    with pytest.raises(ValueError, match="infinite entry"):
        norms.clip([np.inf, 1.0], 1)


@pytest.mark.parametrize("norm", [norms.l0, norms.l1, norms.l2, norms.linf])
def test_the_empty_vector_has_norm_zero_and_nan_has_none(norm):
    assert norm([]) == 0
    assert norm(np.empty((3, 0)), axis=1).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="NaN"):
        norm([1.0, np.nan])


def test_the_difference_of_infinities_has_no_norm():
    with pytest.raises(ValueError, match="NaN"):
        norms.distance([np.inf], [np.inf])


@pytest.mark.parametrize("p", [0.5, -1, np.nan])
def test_other_orders_are_refused(p):
    with pytest.raises(ValueError, match="p = 0, p >= 1"):
        norms.lp([1.0], p)


def test_limits_and_tolerances_are_not_negative():
    with pytest.raises(ValueError, match="limit"):
        norms.clip([1.0], -1)
    with pytest.raises(ValueError, match="tolerance"):
        norms.l0([1.0], tolerance=-1)
    with pytest.raises(ValueError, match="not zero"):
        norms.clip([1.0], 1, 0)
