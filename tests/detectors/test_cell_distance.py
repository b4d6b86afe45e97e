"""Cell distances on real columns: rare categories, and values left out on purpose."""

import numpy as np
import pytest

from monitor.stats.bins import CategoricalReference, present

CELLS = ["psi", "jensen_shannon", "hellinger", "chi2", "l0", "l1", "l2", "linf"]


@pytest.mark.parametrize("token", CELLS)
def test_pooled_rare_categories_do_not_alarm_by_themselves(columns, token):
    rng = np.random.default_rng(101)
    names = np.array([f"c{number}" for number in range(400)])
    weights = rng.dirichlet(np.full(400, 0.5))
    reference = columns.categorical(rng.choice(names, 5000, p=weights).tolist(), rare_under=5)
    assert reference.bins.rare
    for _ in range(3):
        live = rng.choice(names, 5000, p=weights).tolist()
        assert columns.measure(token, reference, live)[1] > 1e-4


@pytest.mark.parametrize("token", CELLS)
def test_a_category_that_vanishes_is_drift(columns, token):
    reference = columns.categorical(["a"] * 6000 + ["b"] * 3000 + ["c"] * 1000)
    assert columns.measure(token, reference, ["a"] * 600 + ["b"] * 400)[1] < 1e-3


@pytest.mark.parametrize("token", CELLS)
def test_without_missing_and_unseen_rows_only_the_known_ones_are_compared(columns, token):
    reference = columns.categorical(["a"] * 6000 + ["b"] * 3000 + [None] * 1000)
    counts = columns.count(reference, ["a"] * 400 + ["b"] * 200 + [None] * 300 + ["new"] * 100)
    only = CategoricalReference(reference.bins, present(reference.counts))
    chosen = columns.detector(token)
    assert chosen.null(reference, counts).sf(chosen.value(reference, counts)) < 1e-4
    assert chosen.value(only, present(counts)) == pytest.approx(0, abs=1e-3)
    assert chosen.null(only, present(counts)).sf(chosen.value(only, present(counts))) > 0.5
