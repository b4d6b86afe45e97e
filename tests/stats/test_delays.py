"""Delays of labels: ages, the usual share, and whether rows that are due lack more than that."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats import delays
from monitor.stats.delays import Usual, counts_by_age, learn, overdue

HOUR = 3600.0


def windows(rng, count=40, rows=500, share=0.97, spread=0.0, mean=5 * HOUR):
    found = []
    for _ in range(count):
        delay = rng.exponential(mean, rows)
        delay[rng.random(rows) > np.clip(share + spread * rng.normal(), 0, 1)] = np.nan
        found.append(counts_by_age(delay))
    return np.full(count, rows), np.array(found)


def test_the_ages_are_those_by_which_half_most_and_nearly_all_labels_have_come():
    rng = np.random.default_rng(1)
    usual = learn(*windows(rng))
    exact = -np.log1p(-np.array(delays.CURVE)) * 5 * HOUR
    assert usual.ages == pytest.approx(exact, rel=0.08)
    assert usual.due == usual.ages[-1]
    assert usual.coverage == pytest.approx(0.97 * 0.99, abs=0.005)


def test_windows_that_differ_beyond_chance_are_told_from_chance():
    rng = np.random.default_rng(2)
    assert learn(*windows(rng, share=0.8)).between < 2e-4
    assert learn(*windows(rng, 300, share=0.8, spread=0.05)).between == pytest.approx(0.0025, rel=0.3)


def test_without_labels_nothing_is_learned():
    assert learn(np.array([100]), np.zeros((1, len(delays.EDGES) + 1), np.int64)) is None


def test_false_alarms_come_as_often_as_asked():
    rng = np.random.default_rng(3)
    rows, counts = windows(rng, count=60, share=0.9, spread=0.02)
    usual = learn(rows, counts)
    found = []
    for _ in range(3000):
        share = np.clip(usual.coverage + 0.02 * rng.normal(), 0, 1)
        found.append(overdue(usual, 500, int(rng.binomial(500, share)), 0.01).p_value)
    assert 0.003 < np.mean(np.array(found) <= 0.01) < 0.02


def test_a_shortfall_at_the_line_has_the_probability_that_was_asked_for():
    usual = Usual(HOUR, 0.9, 0.001, 0.0001, (1.0, 2.0, HOUR), 40)
    found = overdue(usual, 100_000, 0, 0.001)
    at = overdue(usual, 100_000, round((0.9 - found.line) * 100_000), 0.001)
    assert at.p_value == pytest.approx(0.001, rel=0.05)


def test_few_rows_say_nothing():
    assert overdue(Usual(HOUR, 0.9, 0.0, 0.0, (1.0, 2.0, HOUR), 9), 29, 0, 0.01) is None


@given(
    st.integers(30, 10**7), st.floats(0, 1), st.floats(1e-6, 1 - 1e-6), st.floats(0, 0.2), st.floats(0, 0.1)
)
def test_every_share_has_a_probability(rows, share, coverage, between, error):
    usual = Usual(HOUR, coverage, error, between, (1.0, 2.0, HOUR), 9)
    found = overdue(usual, rows, int(share * rows), 0.001)
    assert 0 <= found.p_value <= 1
    assert np.isfinite([found.line, found.shortfall, found.labels]).all()
    assert 0 <= found.labels <= rows
    fewer = overdue(usual, rows, int(share * rows) // 2, 0.001)
    assert fewer.p_value <= found.p_value


@given(st.lists(st.floats(-1e6, 1e8) | st.just(float("nan")), max_size=50))
def test_every_label_that_came_is_counted_once(values):
    given_ = np.array(values, np.float64)
    assert counts_by_age(given_).sum() == np.count_nonzero(~np.isnan(given_))
