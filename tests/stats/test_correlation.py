"""Second moments add up, and Fisher's z is what numpy says of the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from monitor.stats import correlation
from monitor.stats.binning import bins_of
from monitor.stats.bins import NumericCounts, NumericReference
from monitor.stats.correlation import Moments, fisher, fisher_error, moments, normal_score_matrix, pairs

SCORES = st.integers(0, 40).flatmap(
    lambda rows: arrays(
        np.float64, (rows, 4), elements=st.one_of(st.just(np.nan), st.integers(-30, 30).map(lambda x: x / 10))
    )
)


def reference_of(values) -> NumericReference:
    bins = bins_of(values, float(values.min()), float(values.max()))
    place = np.searchsorted(bins.edges, values, side="left")
    return NumericReference(bins, NumericCounts(np.bincount(place, minlength=len(bins.edges) + 1)))


def same(one: Moments, other: Moments) -> None:
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_allclose(one.sums, other.sums, rtol=1e-9, atol=1e-9)


def related(rows, strength, columns=2, seed=0):
    """Normal columns that share one part."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(rows, 1)) * np.sqrt(strength)
    return common + random.normal(size=(rows, columns)) * np.sqrt(1 - strength)


@given(SCORES)
def test_z_is_that_of_scipy_over_the_rows_that_have_both(scores):
    z, rows = fisher(moments(scores, pairs(4, 6)))
    for number, (left, right) in enumerate(pairs(4, 6)):
        both = scores[~np.isnan(scores[:, [left, right]]).any(axis=1)][:, [left, right]]
        assert rows[number] == len(both)
        if len(both) < 10 or (both == both[0]).all(axis=0).any():
            assert np.isnan(z[number])
        else:
            expected = np.clip(stats.pearsonr(both[:, 0], both[:, 1])[0], -0.999, 0.999)
            assert z[number] == pytest.approx(np.arctanh(expected), abs=1e-6)


def test_z_is_that_of_numpy():
    scores = related(500, 0.4, columns=5)
    expected = np.arctanh(np.corrcoef(scores.T)[np.triu_indices(5, 1)])
    np.testing.assert_allclose(fisher(moments(scores, pairs(5, 10)))[0], expected)


@given(SCORES, st.lists(st.integers(0, 40), max_size=3))
def test_the_moments_of_parts_add_up_to_those_of_the_whole(scores, cuts):
    parts = np.split(scores, sorted(min(cut, len(scores)) for cut in cuts))
    found = moments(parts[0], pairs(4, 6))
    for part in parts[1:]:
        found += moments(part, pairs(4, 6))
    same(found, moments(scores, pairs(4, 6)))


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(scores, random):
    order = list(range(len(scores)))
    random.shuffle(order)
    same(moments(scores[order], pairs(4, 6)), moments(scores, pairs(4, 6)))


@given(SCORES)
def test_both_ways_to_compute_agree(scores):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correlation, "WORTH_PRODUCTS", 0)
        patch.setattr(correlation, "BLOCK", 50)
        by_pair = moments(scores, pairs(4, 6))
    same(by_pair, moments(scores, pairs(4, 6)))


@given(st.floats(0.1, 10), st.floats(-3, 3))
def test_scale_and_place_of_a_column_do_not_matter_and_its_sign_turns(factor, shift):
    scores = related(100, 0.3)
    z = fisher(moments(scores, pairs(2, 1)))[0]
    np.testing.assert_allclose(fisher(moments(scores * factor + shift, pairs(2, 1)))[0], z, rtol=1e-6)
    np.testing.assert_allclose(fisher(moments(scores * [1, -factor], pairs(2, 1)))[0], -z, rtol=1e-6)


def test_copies_have_a_finite_z():
    column = np.arange(50.0)
    z, _ = fisher(moments(np.column_stack([column, column, -column]), pairs(3, 3)))
    np.testing.assert_allclose(np.tanh(z), [0.999, -0.999, -0.999])


def test_a_constant_column_and_too_few_rows_have_none():
    scores = related(20, 0.5, columns=3)
    scores[:, 1] = 2.2
    scores[9:, 2] = np.nan
    z, rows = fisher(moments(scores, pairs(3, 3)))
    assert np.isnan(z).all()
    assert rows.tolist() == [20, 9, 9]
    assert np.isnan(fisher(moments(np.zeros((0, 2)), pairs(2, 1)))[0]).all()


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.9])
def test_the_variance_of_z_is_that_of_fisher(strength):
    windows = [moments(related(60, strength, seed=seed), pairs(2, 1)) for seed in range(2000)]
    z = np.array([fisher(each)[0][0] for each in windows])
    assert z.std() == pytest.approx(fisher_error(60), rel=0.06)


def test_so_few_rows_have_no_error():
    assert fisher_error(3) == np.inf


def test_all_pairs_where_there_are_few():
    assert pairs(1, 5).shape == (0, 2)
    assert len(pairs(10, 45)) == 45
    assert moments(np.zeros((5, 1)), pairs(1, 5)).rows.shape == (0,)


def test_the_strongest_pairs_where_there_are_many():
    scores = np.random.default_rng(2).normal(size=(300, 6))
    scores[:, 4] = -scores[:, 1] + 0.1 * scores[:, 4]
    scores[:, 5] = scores[:, 0] + 0.5 * scores[:, 5]
    scores[:, 3] = 1.0
    every = moments(scores, pairs(6, 15))
    assert pairs(6, 2, every).tolist() == [[0, 5], [1, 4]]
    # the constant column has no correlation that could break
    assert len(pairs(6, 14, every)) == 10


def test_equal_pairs_are_chosen_in_their_order():
    scores = np.repeat(np.random.default_rng(0).normal(size=(50, 1)), 4, axis=1)
    assert pairs(4, 2, moments(scores, pairs(4, 6))).tolist() == [[0, 1], [0, 2]]


def test_choosing_needs_a_reference():
    with pytest.raises(ValueError, match="reference's moments"):
        pairs(5, 9)


def test_moments_of_other_pairs_do_not_add():
    with pytest.raises(ValueError, match="different pairs"):
        moments(np.zeros((3, 2)), pairs(2, 1)) + moments(np.zeros((3, 3)), pairs(3, 3))


def test_scores_of_the_reference_are_standard_normal_whatever_its_distribution():
    values = np.random.default_rng(1).lognormal(size=20_000)
    scores = normal_score_matrix([reference_of(values)], values[:, None])[:, 0]
    assert scores.mean() == pytest.approx(0, abs=0.01)
    assert scores.std() == pytest.approx(1, abs=0.02)


def test_values_rounded_to_float32_keep_their_scores():
    values = np.random.default_rng(1).integers(-20, 20, 5000) / 10
    mixed = np.where(np.arange(5000) % 3 == 0, 0.1, np.random.default_rng(2).normal(size=5000))
    references = [reference_of(values), reference_of(mixed)]
    matrix = np.column_stack([values, mixed])
    exact, rounded = (
        normal_score_matrix(references, matrix.astype(kind)) for kind in (np.float64, np.float32)
    )
    np.testing.assert_array_equal(rounded[:, 0], exact[:, 0])
    np.testing.assert_array_equal(rounded[::3, 1], exact[::3, 1])
    assert np.abs(rounded[:, 1] - exact[:, 1]).mean() < 1e-3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_missing_or_infinite_has_no_score_and_what_lies_beyond_that_of_the_end(kind):
    reference = reference_of(np.array([-1e300, 0.0, 1.0, 2.0, 1e300]))
    values = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1.0], kind)
    scores = normal_score_matrix([reference], values[:, None])[:, 0]
    assert np.isnan(scores[:3]).all()
    assert scores[3] > scores[5] > scores[4]


def test_a_shuffled_column_changes_nothing_but_its_correlations():
    scores = related(5000, 0.6, columns=3)
    broken = scores.copy()
    np.random.default_rng(9).shuffle(broken[:, 1])
    before, after = (fisher(moments(each, pairs(3, 3)))[0] for each in (scores, broken))
    change = np.abs(after - before) / fisher_error(5000)
    assert change[0] > 30
    assert change[2] > 30
    assert change[1] == 0
