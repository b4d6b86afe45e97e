"""What moved since it began: pooled, less one standard error, in the units that the user states."""

import numpy as np
import pytest

from monitor.stats import materiality
from monitor.stats.distributions import layout_of
from monitor.stats.effects import MinimumEffect
from monitor.stats.materiality import Seen
from monitor.stats.summaries import Summarizer

NUMERIC = Summarizer(np.zeros(4), np.zeros(4), (1.0, 2.0), np.arange(4))
CATEGORY = Summarizer(None, None, (0.0, 0.0), np.arange(3))
LAYOUT = layout_of([NUMERIC, CATEGORY])
SHARES = np.array([0.25, 0.25, 0.25, 0.25, 0.9, 0.09, 0.01])
MINIMUM = MinimumEffect()
OFF = MinimumEffect(0.0, 0.0, 0.0, 0.0, 0.0)


def seen(location=0.0, cells=None) -> Seen:
    moved = np.zeros(7)
    moved[: len(cells or [])] = cells or []
    return Seen(np.array([location, 0.0]), np.zeros(2), moved, SHARES, np.full(2, 1000.0))


def pooled(window: Seen, rows=1000.0, times=1):
    pool = materiality.empty(LAYOUT)
    for _ in range(times):
        pool = materiality.add(pool, LAYOUT, np.array([rows, rows]), window, 1.0)
    return materiality.material(materiality.sizes(pool, LAYOUT, window), LAYOUT, MINIMUM).tolist()


def test_a_location_is_material_from_its_minimum_and_an_error_on():
    assert pooled(seen(0.19)) == [True, False]
    assert pooled(seen(0.17)) == [False, False]


def test_rows_that_came_since_make_an_estimate_surer():
    assert pooled(seen(0.17), rows=300) == [False, False]
    assert pooled(seen(0.17), rows=300, times=10) == [True, False]


def test_the_distance_of_ordered_cells_counts_for_numbers():
    assert pooled(seen(0.0, [0.1, 0.0, 0.0, -0.1])) == [True, False]
    assert pooled(seen(0.0, [0.03, -0.03, 0.03, -0.03])) == [False, False]


def test_a_share_of_a_category_counts_by_points_and_by_ratio():
    assert pooled(seen(0.0, [0, 0, 0, 0, -0.04, 0.04, 0.0])) == [False, True]
    assert pooled(seen(0.0, [0, 0, 0, 0, -0.005, 0.0, 0.005])) == [False, False]
    assert pooled(seen(0.0, [0, 0, 0, 0, -0.015, 0.0, 0.015]), rows=5000) == [False, True]


def test_a_minimum_of_nothing_asks_for_nothing():
    pool = materiality.empty(LAYOUT)
    found = materiality.sizes(pool, LAYOUT, seen())
    assert materiality.material(found, LAYOUT, OFF).all()


def test_many_small_locations_matter_together():
    many = layout_of([NUMERIC] * 20)
    rows = np.full(20, 2000.0)
    window = Seen(np.repeat([0.07, 0.0], 20), np.zeros(40), np.zeros(80), np.full(80, 0.25), rows)
    pool = materiality.add(materiality.empty(many), many, rows, window, 1.0)
    found = materiality.sizes(pool, many, window)
    assert not materiality.material(found, many, MINIMUM).any()
    assert materiality.together(found, many, MINIMUM)


def test_what_is_calm_begins_anew():
    pool = materiality.add(materiality.empty(LAYOUT), LAYOUT, np.array([10.0, 10.0]), seen(1.0), 1.0)
    found = materiality.restarted(pool, LAYOUT, np.array([True, False]))
    assert found.rows.tolist() == [0.0, 10.0]
    assert found.effects.tolist() == [0.0, 0.0]


def test_old_rows_are_forgotten_with_the_longest_memory():
    pool = materiality.empty(LAYOUT)
    for _ in range(500):
        pool = materiality.add(pool, LAYOUT, np.array([100.0, 100.0]), seen(1.0), 0.96)
    assert pool.rows[0] == pytest.approx(2500, rel=0.01)
