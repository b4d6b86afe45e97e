"""What varies between windows is found where it is, and intervals hold it."""

import math

import numpy as np
import pytest

from monitor.stats import expected_loss, performance
from monitor.stats.between_windows import FEWEST_WINDOWS, learn, widened
from monitor.stats.intervals import Z
from monitor.stats.performance import Metric

NUMERIC = np.zeros(2, bool)


def windows(count: int, rows: int = 150, bias: float = 0.0, spread: float = 0.0, seed: int = 0):
    """Rows of windows whose mean error, or the logarithm of its size, varies between them by so much."""
    random = np.random.default_rng(seed)
    window = np.repeat(np.arange(count), rows)
    features = random.normal(size=(len(window), 2)).astype(np.float32)
    prediction = random.normal(size=len(window))
    size = np.exp(spread * random.normal(size=count))[window]
    off = bias * random.normal(size=count)[window]
    return features, prediction, prediction + size * random.normal(size=len(window)) - off, window


def learned(count: int, **more):
    features, prediction, label, window = windows(count, **more)
    return dict(
        zip(("mae", "rmse", "bias"), learn(features, NUMERIC, prediction, label, window), strict=True)
    )


def test_windows_that_are_alike_add_next_to_nothing():
    found = learned(60)
    assert math.sqrt(found["mae"]) < 0.03
    assert math.sqrt(found["rmse"]) < 0.03
    assert math.sqrt(found["bias"]) < 0.05


def test_the_variance_between_windows_is_found():
    assert math.sqrt(learned(60, bias=0.5)["bias"]) == pytest.approx(0.5, rel=0.3)
    assert math.sqrt(learned(60, spread=0.3)["rmse"]) == pytest.approx(0.3, rel=0.3)


def test_widened_intervals_hold_new_windows_and_own_ones_do_not():
    features, prediction, label, window = windows(60, bias=0.4, spread=0.2)
    between = learn(features, NUMERIC, prediction, label, window)
    model = expected_loss.learn(features, NUMERIC, prediction, label)
    features, prediction, label, window = windows(100, bias=0.4, spread=0.2, seed=1)
    held = {"own": [], "widened": []}
    for number in range(100):
        rows = window == number
        told = expected_loss.estimate(model, features[rows], prediction[rows])
        truth = {each.name: each.value for each in performance.regression(label[rows], prediction[rows])}
        for name, metrics in (("own", told), ("widened", widened(told, between))):
            held[name].append([each.lower <= truth[each.name] <= each.upper for each in metrics])
    assert (np.mean(held["own"], axis=0) < 0.85).all()
    assert (np.mean(held["widened"], axis=0) >= 0.9).all()


def test_few_windows_and_rows_of_none_add_nothing():
    assert learned(FEWEST_WINDOWS - 1, bias=1.0)["bias"] == 0
    features, prediction, label, window = windows(20, bias=1.0)
    assert not learn(features, NUMERIC, prediction, label, np.full(len(window), -1)).any()
    assert not learn(features, NUMERIC, prediction, label, np.arange(len(window))).any()


def test_a_perfect_model_stays_certain():
    features, prediction, _, window = windows(20)
    assert not learn(features, NUMERIC, prediction, prediction, window).any()


def test_variances_add_and_an_error_is_never_negative():
    told = (Metric("mae", 1.0, 0.7, 1.3), Metric("rmse", 2.0, 1.0, 4.0), Metric("bias", 0.0, -0.3, 0.3))
    mae, rmse, bias = widened(told, np.array([(0.4 / Z) ** 2, (math.log(2) / Z) ** 2, (0.4 / Z) ** 2]))
    assert (mae.lower, mae.upper) == pytest.approx((0.5, 1.5))
    assert (bias.lower, bias.upper) == pytest.approx((-0.5, 0.5))
    assert rmse.upper == pytest.approx(2 * 2 ** math.sqrt(2))
    assert widened(told, np.array([4.0, 0.0, 0.0])) == (
        Metric("mae", 1.0, 0.0, 1.0 + math.hypot(0.3, 2 * Z)),
        *told[1:],
    )
    absent = Metric("mae", None, reason="no_prediction")
    assert widened((absent,), np.ones(1)) == (absent,)
