"""Weights make the reference's rows lie as the live ones do, and say how many rows that leaves."""

import numpy as np
import pytest

from monitor.stats.importance import GREATEST, effective, weights
from monitor.stats.tables import Table


def table(rows: int, seed: int, mean: float = 0.0, share: float = 0.3) -> Table:
    """Two numeric columns, the first about `mean`, and a category that this share of rows has."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 2))
    numbers[:, 0] += mean
    codes = (random.random((rows, 1)) < share).astype(np.int32)
    return Table(numbers.astype(np.float32), codes)


def test_weighted_rows_lie_as_live_ones_do():
    reference, live = table(10_000, 1), table(2_000, 2, mean=0.8, share=0.7)
    found = weights(reference, live)
    assert found.mean() == pytest.approx(1)
    assert found @ reference.numbers[:, 0] / len(found) == pytest.approx(0.8, abs=0.08)
    assert found @ reference.codes[:, 0] / len(found) == pytest.approx(0.7, abs=0.04)
    assert found @ reference.numbers[:, 1] / len(found) == pytest.approx(0, abs=0.08)


def test_where_nothing_moved_all_rows_count_the_same():
    found = weights(table(5_000, 3), table(1_000, 4))
    assert effective(found) > 0.98 * len(found)


def test_the_further_away_the_fewer_rows_tell():
    reference = table(5_000, 5)
    left = [effective(weights(reference, table(1_000, 6, mean=mean))) for mean in (0.0, 1.0, 2.0, 4.0)]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.05 * len(reference)


def test_no_row_stands_for_too_many():
    found = weights(table(5_000, 7), table(5_000, 8, mean=6.0))
    assert found.max() / np.median(found) > 1
    assert np.isclose(found, found.max()).sum() > 1
    assert found.max() <= GREATEST * len(found)


def test_missing_values_and_categories_that_the_reference_lacks_do_no_harm():
    reference, live = table(2_000, 9), table(500, 10)
    live.numbers[:100, 1] = np.nan
    live.codes[:50, 0] = 9
    assert np.isfinite(weights(reference, live)).all()


def test_what_cannot_be_told_apart_is_refused():
    reference = table(500, 11)
    with pytest.raises(ValueError, match="49 rows"):
        weights(reference, table(49, 12))
    with pytest.raises(ValueError, match="columns"):
        weights(reference, Table(reference.numbers[:, :1], reference.codes))
    constant = Table(np.zeros((500, 1), np.float32), np.zeros((500, 0), np.int32))
    with pytest.raises(ValueError, match="no column varies"):
        weights(constant, constant)
