"""The performance of a classifier that its probabilities lead to expect, under the class shares of now."""

import math
from dataclasses import replace

import numpy as np

from monitor.estimators import Estimators
from monitor.plan import Plan
from monitor.predicted import Codes, Floats, UsableRows
from monitor.stats import expected_performance, score_calibration
from monitor.stats.label_shift import ShareEstimate
from monitor.stats.performance import Metric
from monitor.types import Task

MOST_ROWS, MOST_MULTICLASS_ROWS = 200_000, 50_000
"""Of more rows of two, or of many classes every j-th tells the performance."""


def metrics_of(
    plan: Plan, found: Estimators, usable: UsableRows, shifted: ShareEstimate | None
) -> tuple[Metric, ...]:
    """CBPE, under the estimated class shares where these moved; intervals hold the error of these, too."""
    if found.calibrator is None:
        return ()
    most = MOST_ROWS if plan.task is Task.BINARY else MOST_MULTICLASS_ROWS
    every = max(1, math.ceil(len(usable.predicted) / most))
    predicted, probabilities = usable.predicted[::every], usable.probabilities
    if probabilities is None or not len(predicted):
        return ()
    probabilities = probabilities[::every]
    expected = score_calibration.apply(found.calibrator, probabilities)
    if shifted is None:
        metrics = _expected(plan, found, predicted, probabilities, expected)
    else:
        metrics, *ends = (
            _expected(
                plan,
                found,
                predicted,
                probabilities,
                expected_performance.reweighted(expected, found.shift.prior, share),
            )
            for share in _shares_within(found, shifted)
        )
        metrics = tuple(_spread(*each) for each in zip(metrics, *ends, strict=True))
    return tuple(_wider(each, found.inflation.get(each.name, 1.0)) for each in metrics)


def _expected(
    plan: Plan, found: Estimators, predicted: Codes, probabilities: Floats, expected: Floats
) -> tuple[Metric, ...]:
    if plan.task is Task.BINARY:
        return expected_performance.binary(
            predicted == 1, probabilities[:, 1], expected[:, 1], calibration_error=found.error
        )
    return expected_performance.multiclass(predicted, probabilities, expected, calibration_error=found.error)


def _shares_within(found: Estimators, shifted: ShareEstimate) -> tuple[Floats, ...]:
    """The estimated shares, then those with the most moved class at either end of its interval."""
    code = int(np.argmax(np.abs(shifted.share - found.shift.prior)))
    rest = np.delete(np.arange(len(shifted.share)), code)

    def with_end(end: float) -> Floats:
        shares = np.maximum(shifted.share, 1e-9)
        shares[rest] *= (1 - end) / shares[rest].sum()
        shares[code] = end
        return shares

    ends = (with_end(float(np.clip(end[code], 1e-9, 1 - 1e-9))) for end in (shifted.lower, shifted.upper))
    return (shifted.share, *ends)


def _spread(metric: Metric, *ends: Metric) -> Metric:
    """The metric with the error that the ends of the shares' interval add to that of its own."""
    values = [each.value for each in ends if each.value is not None]
    if metric.value is None or metric.lower is None or metric.upper is None or not values:
        return metric
    own = (metric.upper - metric.lower) / 2
    half = max(abs(value - metric.value) for value in values)
    return _wider(metric, math.hypot(own, half) / own if own else 1.0)


def _wider(metric: Metric, factor: float) -> Metric:
    """The metric with an interval that is wider by this factor, within its range."""
    if factor <= 1 or metric.value is None or metric.lower is None or metric.upper is None:
        return metric
    highest = {"log_loss": math.inf, "brier": 2.0}.get(metric.name, 1.0)
    half = (metric.upper - metric.lower) / 2 * factor
    return replace(metric, lower=max(metric.value - half, 0.0), upper=min(metric.value + half, highest))
