"""Averages and predictions over windows, against their sums written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from monitor.stats.memory import (
    CLIP,
    LEAST_CORRELATION,
    LEAST_EXPLAINED,
    Predictor,
    average,
    correlation,
    correlation_time,
    parts,
    predictor,
    surprises,
)

STRETCHES = st.lists(st.integers(1, 30), min_size=1, max_size=5)
RATES = st.sampled_from([0.04, 0.15, 0.4, 1.0])
PREDICTORS = st.builds(Predictor, st.floats(0.1, 0.99), st.floats(0.05, 1.0))


def segments_of(lengths):
    return np.repeat(np.arange(len(lengths)), lengths)


def values(windows, seed=0, size=2.0):
    return size * np.random.default_rng(seed).normal(size=(windows, 3))


def autoregressive(persistence, windows, columns=20, noise=0.0, seed=3):
    """Series of variance 1 + noise."""
    random = np.random.default_rng(seed)
    news = np.sqrt(1 - persistence**2) * random.normal(size=(windows + 200, columns))
    found = signal.lfilter([1.0], [1.0, -persistence], news, axis=0)[200:]
    return found + np.sqrt(noise) * random.normal(size=found.shape)


def averaged(scores, rate, segments, before):
    """One window after another."""
    found = np.empty_like(scores)
    for place, score in enumerate(scores):
        if place and segments[place] != segments[place - 1]:
            before = np.zeros_like(before)
        before = found[place] = rate * np.clip(score, -CLIP, CLIP) + (1 - rate) * before
    return found


def surprised(scores, how, segments, estimate):
    """One window after another: predict, compare, correct."""
    found = np.empty_like(scores)
    for place, score in enumerate(scores):
        if place and segments[place] != segments[place - 1]:
            estimate = np.zeros_like(estimate)
        predicted = how.persistence * estimate
        found[place] = score - predicted
        estimate = predicted + how.gain * (np.clip(score, -CLIP, CLIP) - predicted)
    return found, estimate


@given(STRETCHES, st.sampled_from([0.04, 0.15, 0.4]))
def test_averages_are_the_recursion_and_restart_with_each_segment(lengths, rate):
    segments = segments_of(lengths)
    scores = values(len(segments), size=5.0)
    before = np.array([1.0, -2.0, 0.0])
    expected = averaged(scores, rate, segments, before)
    np.testing.assert_allclose(average(scores, rate, segments, before), expected, atol=1e-12)


def test_the_window_alone_is_not_clipped():
    scores = np.array([[100.0]])
    assert average(scores, 1.0, np.zeros(1, np.int64), np.zeros(1)).item() == 100


@given(STRETCHES, PREDICTORS)
def test_surprises_are_the_recursion_and_restart_with_each_segment(lengths, how):
    segments = segments_of(lengths)
    scores = values(len(segments), size=5.0)
    estimate = np.array([1.0, -2.0, 0.0])
    expected, after = surprised(scores, how, segments, estimate)
    found, last = surprises(scores, how, segments, estimate)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(last, after, atol=1e-10)


@given(STRETCHES, PREDICTORS, RATES, st.data())
def test_carried_memory_is_as_all_at_once(lengths, how, rate, data):
    segments = np.zeros(sum(lengths), np.int64)
    scores = values(len(segments))
    together, last = surprises(scores, how, segments, np.zeros(3))
    averages = average(together, rate, segments, np.zeros(3))
    estimate, before, done = np.zeros(3), np.zeros(3), 0
    for length in lengths:
        here = slice(done, done + length)
        new, estimate = surprises(scores[here], how, segments[here], estimate)
        found = average(new, rate, segments[here], before)
        np.testing.assert_allclose(found, averages[here], atol=1e-10)
        before, done = found[-1], done + length
    np.testing.assert_allclose(estimate, last, atol=1e-10)


def test_a_white_series_is_not_predicted():
    scores = values(10)
    found, estimate = surprises(scores, Predictor(), np.zeros(10, np.int64), np.ones(3))
    assert found is scores
    assert not estimate.any()


@given(st.floats(0.3, 0.98), st.floats(0.05, 1.0))
def test_the_gain_solves_the_riccati_equation(persistence, share):
    how = predictor(share * persistence, share * persistence**2)
    noise, signal_ = 1 - share, share * (1 - persistence**2)
    if how.gain == 0:
        grid = np.linspace(0, 1, 200_001)
        variance = persistence**2 * grid * noise / np.maximum(grid + noise, 1e-12) + signal_
        steady = grid[np.argmin(np.abs(variance - grid))]
        white = share * persistence < LEAST_CORRELATION
        assert white or steady + noise > 1 - LEAST_EXPLAINED - 1e-3
        return
    assert how.persistence == pytest.approx(persistence)
    variance = 1.0
    for _ in range(5000):
        variance = persistence**2 * variance * noise / (variance + noise) + signal_
    assert how.gain == pytest.approx(variance / (variance + noise), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second"), [(0.05, 0.04), (-0.3, 0.1), (0.5, -0.1), (0.5, 0.0), (0.5, 0.01)]
)
def test_what_is_no_autoregression_is_not_predicted(first, second):
    assert predictor(first, second) == Predictor()


def test_correlations_beyond_one_are_taken_as_the_largest():
    assert predictor(0.9, 0.95) == Predictor(0.99, predictor(0.9, 0.9 * 0.99).gain)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_surprises_of_an_autoregression_are_white(noise):
    scores = autoregressive(0.9, 4000, noise=noise) / np.sqrt(1 + noise)
    segments = np.zeros(len(scores), np.int64)
    how = predictor(*(correlation(scores, lag, segments) for lag in (1, 2)))
    assert how.persistence == pytest.approx(0.9, abs=0.02)
    new, _ = surprises(scores, how, segments, np.zeros(scores.shape[1]))
    assert abs(correlation(new, 1, segments)) < 0.03
    assert new.var() < scores.var()


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
def test_the_correlation_time_of_an_autoregression(persistence):
    scores = autoregressive(persistence, 20_000)
    found = correlation_time(scores, np.zeros(len(scores), np.int64))
    # a + a^2 + ... up to the first below what counts as noise
    powers = persistence ** np.arange(1, 200)
    assert found == pytest.approx(powers[powers >= 0.05].sum(), rel=0.06, abs=0.06)


def test_windows_of_two_segments_are_not_neighbours():
    scores = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert correlation(scores, 1, np.array([0, 0, 1, 1])) == 1
    assert correlation(scores, 1, np.zeros(4, np.int64)) == pytest.approx(1 / 3)
    assert correlation(scores, 2, np.array([0, 0, 1, 1])) == 0


@pytest.mark.parametrize("windows", [0, 1])
def test_too_few_windows_have_no_correlation(windows):
    scores, segments = np.ones((windows, 2)), np.zeros(windows, np.int64)
    assert correlation(scores, 1, segments) == 0
    assert correlation_time(scores, segments) == 0


@given(STRETCHES)
def test_parts_are_the_segments_in_order(lengths):
    found = parts(segments_of(lengths))
    assert [part.stop - part.start for part in found] == lengths
    assert [part.start for part in found] == [0, *np.cumsum(lengths)[:-1].tolist()]
