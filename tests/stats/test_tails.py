"""An exponential tail on peaks, and limits that hold as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats.tails import NATURAL, Tail, fit, guarded, peaks

TAILS = st.builds(Tail, st.floats(-5, 5), st.floats(1e-4, 0.5), st.floats(0.15, 5))


@given(TAILS, st.floats(1, 1e6))
def test_the_line_of_so_many_windows_is_as_rare_as_that(tail, windows):
    assert tail.rarity(np.array([tail.line(windows)])).item() == pytest.approx(np.log10(windows), abs=1e-6)


@given(TAILS, st.floats(-10, 20), st.floats(0, 5))
def test_a_higher_score_is_rarer(tail, score, more):
    low, high = tail.rarity(np.array([score, score + more]))
    assert high >= low


@given(TAILS, st.integers(2, 5000), st.floats(0.5, 0.99), st.floats(0.01, 1))
def test_the_guarded_tail_is_never_smaller(tail, windows, confidence, worth):
    found = guarded(tail, windows, confidence, worth)
    assert found.start == tail.start
    assert found.rate >= tail.rate
    assert found.excess >= tail.excess
    beyond = 1 / tail.rate * np.array([1, 10, 1000])
    for each in beyond:
        assert found.line(each) >= tail.line(each) - 1e-9


@given(TAILS, st.integers(20, 5000), st.floats(0.5, 0.95))
def test_a_surer_guard_and_fewer_peaks_are_wider(tail, windows, confidence):
    usual = guarded(tail, windows, confidence)
    for wider in (guarded(tail, windows, confidence + 0.04), guarded(tail, windows, confidence, 0.3)):
        assert wider.rate >= usual.rate - 1e-12
        assert wider.excess >= usual.excess - 1e-12


def test_limits_hold_as_often_as_they_say():
    random = np.random.default_rng(4)
    windows, rate, excess = 2000, 0.01, 0.5
    held = np.zeros(2)
    for _ in range(2000):
        count = max(int(random.poisson(windows * rate)), 1)
        mean = float(random.exponential(excess, count).mean())
        found = guarded(Tail(0.0, count / windows, mean), windows, 0.8)
        held += [found.rate >= rate, found.excess >= excess]
    rate_held, excess_held = held / 2000
    assert 0.78 <= rate_held <= 0.87  # a Poisson limit covers a little more
    assert excess_held == pytest.approx(0.8, abs=0.03)


def test_peaks_are_the_highest_of_their_cluster_and_end_with_the_segment():
    scores = np.array([0, 3, 4, 0, 0, 5, 6, 0, 0.0])
    assert peaks(scores, 1, 4, np.zeros(9, np.int64)).tolist() == [4, 6]
    assert peaks(scores, 1, 5, np.zeros(9, np.int64)).tolist() == [5, 6]
    assert peaks(scores, 1, 9, np.array([0] * 6 + [1] * 3)).tolist() == [5, 6]
    assert peaks(scores, 9, 4, np.zeros(9, np.int64)).size == 0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.integers(1, 10))
def test_peaks_exceed_the_start_and_hold_the_highest(values, apart):
    scores = np.array(values)
    found = peaks(scores, 2, apart, np.zeros(len(scores), np.int64))
    assert (found > 2).all()
    assert len(found) <= -(-len(scores) // apart)
    if (scores > 2).any():
        assert found.max() == scores.max()


def test_the_tail_of_right_p_values_is_that_of_their_logarithm():
    scores = -np.log10(np.random.default_rng(2).random(200_000))
    found = fit(scores, np.zeros(len(scores), np.int64), 0.99, 1)
    assert found.excess == pytest.approx(NATURAL, rel=0.03)
    assert found.rate == pytest.approx(0.01, rel=0.03)
    assert found.line(1000) == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_scores_that_never_vary_have_a_tail(value):
    found = fit(np.full(50, value), np.zeros(50, np.int64), 0.9, 1)
    assert found == Tail(value, 1 / 50, NATURAL)
