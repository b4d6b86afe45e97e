"""Like samples are not told apart, unlike ones are, and the columns named are those that moved."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stats import domain_classifier, domain_forest
from monitor.stats.domain_classifier import Variant, null_error, separate
from monitor.stats.domain_forest import area_of
from monitor.stats.domain_sparse import Sparse, penalty
from monitor.stats.tables import Table, pooled

BOTH = pytest.mark.parametrize("variant", list(Variant))


def table(rows=1000, numeric=6, categorical=2, seed=0) -> Table:
    """Normal columns, each correlated with the next, and categories of falling frequency."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, numeric))
    for column in range(1, numeric):
        numbers[:, column] = 0.8 * numbers[:, column - 1] + 0.6 * numbers[:, column]
    codes = np.minimum(random.geometric(0.3, size=(rows, categorical)) - 1, 9)
    return Table(numbers.astype(np.float32), codes.astype(np.int32))


def with_column(of: Table, column: int, values) -> Table:
    numbers = of.numbers.copy()
    numbers[:, column] = values
    return Table(numbers, of.codes)


def named(found) -> list[int]:
    return [column for column, _ in found.columns]


@BOTH
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), rows=st.integers(100, 600), others=st.integers(100, 600))
def test_like_samples_are_not_told_apart(variant, seed, rows, others):
    found = separate(table(rows, 3, 1, seed), table(others, 3, 1, seed + 1), variant)
    assert abs(found.auc - 0.5) < 5 * found.error
    assert found.error == null_error(rows, others)
    assert not found.columns


@BOTH
def test_a_column_that_moved_far_tells_them_apart_and_is_named_first(variant):
    live = table(seed=1)
    found = separate(table(), with_column(live, 2, live.numbers[:, 2] + 4), variant)
    assert found.auc > 0.97
    assert named(found)[0] == 2
    assert sum(share for _, share in found.columns) == pytest.approx(1)
    shares = [share for _, share in found.columns]
    assert shares == sorted(shares, reverse=True)


@BOTH
def test_a_broken_correlation_is_seen_though_no_column_moved(variant):
    live = table(2000, seed=1)
    shuffled = np.random.default_rng(5).permutation(live.numbers[:, 0])
    found = separate(table(2000), with_column(live, 0, shuffled), variant)
    assert found.auc > 0.7
    assert set(named(found)[:2]) == {0, 1}


@BOTH
def test_missing_values_are_seen(variant):
    live = table(seed=1)
    gaps = np.where(np.random.default_rng(6).random(1000) < 0.4, np.nan, live.numbers[:, 3])
    found = separate(table(), with_column(live, 3, gaps), variant)
    assert 0.6 < found.auc < 0.8
    assert named(found) == [3]


@BOTH
def test_a_category_that_the_reference_lacks_is_seen(variant):
    live = table(seed=1)
    codes = live.codes.copy()
    codes[:200, 1] = 77
    found = separate(table(), Table(live.numbers, codes), variant)
    assert found.auc > 0.55
    assert named(found) == [7]


@BOTH
def test_categories_alone_are_enough(variant):
    reference, live = table(numeric=0, categorical=1), table(numeric=0, categorical=1, seed=1)
    found = separate(reference, Table(live.numbers, 9 - live.codes), variant)
    assert found.auc > 0.8
    assert found.columns == ((0, 1.0),)


@BOTH
def test_columns_of_one_value_tell_nothing(variant):
    same = Table(np.full((200, 2), 3.0, np.float32), np.full((200, 1), -1, np.int32))
    found = separate(same, same, variant)
    assert found.auc == 0.5
    assert not found.columns


@BOTH
def test_the_same_rows_give_the_same_and_the_sides_are_alike(variant):
    live = table(400, seed=1)
    moved = with_column(live, 2, live.numbers[:, 2] + 1)
    found = separate(table(400), moved, variant)
    assert separate(table(400), moved, variant) == found
    assert separate(moved, table(400), variant).auc == pytest.approx(found.auc, abs=0.05)


def test_the_sparse_one_names_few_of_many_columns():
    live = table(numeric=40, seed=1)
    found = separate(table(numeric=40), with_column(live, 39, live.numbers[:, 39] + 1), Variant.SPARSE)
    assert named(found)[0] == 39
    assert len(found.columns) <= 3


def test_the_sparse_one_sees_a_change_of_spread():
    live = table(2000, seed=1)
    found = separate(table(2000), with_column(live, 5, live.numbers[:, 5] * 1.5), Variant.SPARSE)
    assert found.auc > 0.55
    assert named(found)[0] == 5


def test_the_sparse_one_does_not_mind_outliers_or_the_scale():
    live = table(seed=1)
    moved = with_column(live, 2, live.numbers[:, 2] + 1)
    wild = [with_column(each, 2, np.exp(10 * each.numbers[:, 2])) for each in (table(), moved)]
    plain, found = separate(table(), moved, Variant.SPARSE), separate(*wild, Variant.SPARSE)
    assert found.auc == pytest.approx(plain.auc, abs=1e-3)


def test_the_penalty_lets_chance_choose_nothing():
    chosen = 0
    for seed in range(20):
        model = Sparse(table(300, 8, 2, seed) + table(300, 8, 2, seed + 1000), 5)
        _, weights = model.fold(0, np.arange(600) >= 300, np.arange(600), np.arange(600))
        chosen += bool(weights.any())
    assert chosen <= 1


def test_the_penalty_grows_with_rows_and_features():
    assert penalty(400, 400, 10) < penalty(400, 400, 100) < penalty(800, 800, 100)
    assert penalty(100, 700, 10) == penalty(700, 100, 10) > penalty(400, 400, 10)


def test_products_are_of_the_pairs_that_changed_most_where_there_are_many(monkeypatch):
    monkeypatch.setattr("monitor.stats.domain_sparse.MOST_PRODUCTS", 3)
    live = table(2000, seed=1)
    shuffled = np.random.default_rng(5).permutation(live.numbers[:, 0])
    found = separate(table(2000), with_column(live, 0, shuffled), Variant.SPARSE)
    assert set(named(found)[:2]) == {0, 1}


def test_of_many_columns_fewer_rows_and_shuffles_are_used(monkeypatch):
    monkeypatch.setattr(domain_classifier, "MOST_CELLS", 8 * 500)
    monkeypatch.setattr(domain_forest, "SHUFFLES", 16)
    live = table(seed=1)
    found = separate(table(), with_column(live, 2, live.numbers[:, 2] + 4))
    assert found.error == null_error(500, 500)
    assert named(found)[0] == 2


def test_at_most_so_many_rows_are_used():
    assert separate(table(), table(300, seed=1), Variant.SPARSE, most=200).error == null_error(200, 200)


def test_what_does_not_compare_is_refused():
    with pytest.raises(ValueError, match="do not compare"):
        separate(table(), table(numeric=5))
    with pytest.raises(ValueError, match="do not compare"):
        separate(table(numeric=0, categorical=0), table(numeric=0, categorical=0))
    with pytest.raises(ValueError, match="needs 50 a side"):
        separate(table(), table(49))


def test_the_error_of_the_null_is_exact():
    flags = np.array(list(itertools.permutations([True] * 2 + [False] * 3)))
    areas = [area_of(each, np.arange(5.0)) for each in flags]
    assert np.std(areas) == pytest.approx(null_error(2, 3))


def test_one_side_alone_has_no_area():
    with pytest.raises(ValueError, match="one side"):
        area_of(np.array([True, True]), np.array([0.1, 0.2]))


@given(
    codes=st.lists(st.integers(-1, 8), max_size=60),
    fewest=st.integers(1, 5),
    most=st.integers(2, 6),
)
def test_pooled_codes_stay_apart_while_frequent(codes, fewest, most):
    found = pooled(np.array(codes, np.int32), fewest, most).tolist()
    assert [code == -1 for code in found] == [code == -1 for code in codes]
    assert max(found, default=-1) < most
    counts = {code: codes.count(code) for code in set(codes) - {-1}}
    kept = {code for code, place in zip(codes, found, strict=True) if found.count(place) == codes.count(code)}
    for code, count in counts.items():
        rank = sum(other > count for other in counts.values())
        ties = sum(other == count for other in counts.values())
        if count >= fewest and rank + ties < most:
            assert code in kept
    ranked = [found.count(place) for place in range(max(found, default=-1))]
    assert ranked == sorted(ranked, reverse=True)
