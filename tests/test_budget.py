"""The budget of false alarms is spent once: over kinds, over tests, over windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import budget
from monitor.types import Kind

P_VALUES = st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=20)


@given(st.sets(st.sampled_from(list(Kind)), min_size=1))
def test_the_kinds_that_are_present_share_all_of_it(kinds):
    split = budget.shares(kinds)
    assert split.keys() == kinds
    assert sum(split.values()) == pytest.approx(1)
    for kind, share in split.items():
        assert share >= budget.SHARES[kind]


def test_all_kinds_have_their_stated_shares():
    assert budget.shares(list(Kind)) == pytest.approx(budget.SHARES)
    assert budget.shares([]) == {}


@given(st.floats(1, 1000), st.floats(0.01, 30), st.floats(0.05, 1), st.integers(1, 500))
def test_a_p_value_at_the_level_scores_one(budget_days, window_days, share, tests):
    alpha = budget.level(budget_days, window_days, share)
    if alpha == 1:
        return
    days = budget.days_by_chance(budget.bonferroni(alpha, tests), tests, window_days)
    assert budget.score(days, budget_days / share) == pytest.approx(1)


def test_hourly_windows_have_a_smaller_level_than_daily_ones():
    assert budget.level(30, 1 / 24, 0.45) == pytest.approx(budget.level(30, 1, 0.45) / 24)
    assert budget.level(1, 30) == 1


def test_days_by_chance_are_bounded():
    assert budget.days_by_chance(1e-300, 1, 1) == budget.MOST_DAYS
    assert budget.days_by_chance(1.0, 50, 0.25) == 0.25
    assert budget.days_by_chance(1e-5, 100, 1) == pytest.approx(1000)


@given(P_VALUES)
def test_holm_lies_between_the_raw_and_the_bonferroni_p_values(p_values):
    adjusted = budget.holm(p_values)
    bonferroni = np.minimum(np.array(p_values) * len(p_values), 1)
    assert (adjusted >= np.array(p_values) * (1 - 1e-12)).all()
    assert (adjusted <= bonferroni * (1 + 1e-12)).all()
    assert adjusted.min() == pytest.approx(bonferroni.min())
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = budget.holm([p_values[each] for each in order])
    np.testing.assert_allclose(np.sort(shuffled), np.sort(budget.holm(p_values)))


@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
def test_what_is_not_positive_is_refused(wrong):
    with pytest.raises(ValueError, match="budget_days"):
        budget.level(wrong, 1)
    with pytest.raises(ValueError, match="window_days"):
        budget.days_by_chance(0.1, 1, wrong)
    with pytest.raises(ValueError, match="budget_days"):
        budget.score(1, wrong)
