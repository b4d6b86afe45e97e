"""Which of the reference's labelled rows are kept, so that a window's calibration can weight them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor import reference_sample
from monitor.calibration_rows import CalibrationRows
from monitor.estimators import Estimators
from monitor.losses import column
from monitor.plan import FEWEST_SAMPLED, SAMPLED_VALUES, Plan, features_of
from monitor.predicted import usable_rows
from monitor.rows import Classes, Rows
from monitor.sample import Sample
from monitor.sources.base import Interval, Source
from monitor.types import Role

MOST_ROWS = 20_000
"""Rows that are kept; fewer of many columns."""


def draw(
    plan: Plan, found: Estimators | None, source: Source, interval: Interval | None
) -> CalibrationRows | None:
    """None where no probability is calibrated, or no feature is left beside private ones."""
    prediction, label = plan.names.prediction, plan.names.label
    if found is None or found.calibrator is None or prediction is None or label is None:
        return None
    private = {each.name for each in plan.columns(Role.FEATURE) if each.private}
    numeric, categorical = (
        tuple(name for name in names if name not in private) for names in features_of(plan.reference)
    )
    count = len(numeric) + len(categorical)
    if not count:
        return None
    scores = tuple(plan.names.probabilities.values())
    most = min(MOST_ROWS, max(FEWEST_SAMPLED, SAMPLED_VALUES // count))
    sample = reference_sample.draw(
        source, interval, (*numeric, *scores), (*categorical, prediction, label), most
    )
    usable = usable_rows(plan.target, found.classes, _rows(plan, sample, scores))
    labelled = np.flatnonzero(~np.isnan(usable.labels))
    if usable.probabilities is None or not len(labelled):
        return None
    kept = sample.take(usable.place[labelled])
    features = replace(
        kept,
        numeric=numeric,
        numbers=kept.numbers[:, : len(numeric)],
        texts={name: kept.texts[name] for name in categorical},
    )
    return CalibrationRows(features, usable.probabilities[labelled], usable.labels[labelled].astype(np.int64))


def _rows(plan: Plan, sample: Sample, scores: tuple[str, ...]) -> Rows:
    """The predictions, probabilities and labels of the sample."""
    classes = Classes(plan.target.classes, private=plan.names.private)

    def coded(name: str | None) -> NDArray[np.float64]:
        codes = sample.texts[name or ""]
        return np.append(classes.codes(codes.categories), np.nan)[codes.codes]

    count = len(sample)
    return Rows(
        sample.hashes,
        np.zeros(count, bool),
        np.zeros(count, np.int64),
        coded(plan.names.prediction),
        np.column_stack([column(sample, name) for name in scores]).astype(np.float32),
        coded(plan.names.label),
    )
