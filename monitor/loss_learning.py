"""What the reference's rows teach of the errors of a regression model."""

import numpy as np

from monitor import history, reference_sample
from monitor.losses import LossEstimator, column, features
from monitor.plan import Plan, features_of
from monitor.sources.base import Interval, Source
from monitor.stats import between_windows, expected_loss
from monitor.types import Role, Task

MOST_ROWS = 20_000
"""Sampled rows, half of which fit the model and half of which check it."""
FEWEST_ROWS = 200
MOST_CATEGORIES = 200


def learn(plan: Plan, source: Source, interval: Interval | None) -> LossEstimator | None:
    """None where there is no regression, no error, or too few rows with prediction and label."""
    prediction, label = plan.names.prediction, plan.names.label
    if plan.task is not Task.REGRESSION or plan.errors is None or prediction is None or label is None:
        return None
    private = {each.name for each in plan.columns(Role.FEATURE) if each.private}
    numeric, categorical = (
        tuple(name for name in names if name not in private) for names in features_of(plan.reference)
    )
    sample = reference_sample.draw(
        source,
        interval,
        tuple(dict.fromkeys((*numeric, prediction, label))),
        categorical,
        MOST_ROWS,
        history.spans(plan, source),
    )
    predictions, labels = column(sample, prediction), column(sample, label)
    usable = np.flatnonzero(np.isfinite(predictions) & np.isfinite(labels))
    if len(usable) < FEWEST_ROWS:
        return None
    categories = {name: sample.texts[name].categories[:MOST_CATEGORIES] for name in categorical}
    kinds = np.array([False] * len(numeric) + [True] * len(categorical), bool)
    rows = features(sample, numeric, categories)[usable]
    known = kinds, predictions[usable], labels[usable]
    window = np.nan_to_num(column(sample, reference_sample.WINDOW)[usable], nan=-1).astype(np.int64)
    between = between_windows.learn(rows, *known, window)
    return LossEstimator(expected_loss.learn(rows, *known), between, numeric, categories, prediction)
