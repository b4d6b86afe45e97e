"""What a reference with labels tells about later windows without: how predictions depend on the label.

Everything is counted or averaged over hold-out rows, which neither the model nor its calibrator learned
from. Label shift means that these distributions given the label stay while the shares of labels move.
"""

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.probability_calibration import calibrator_effect

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

MOST_CLASSES = 50
BINARY_CELLS = 20
"""Cells of equal mass of the positive probability, with two classes."""
CLASS_CELLS = 3
"""Cells of equal mass of the predicted class's probability within each predicted class, with more."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreReference:
    """What the hold-out's calibrated probabilities P tell, k classes, B score cells.

    `edges`: of the cells, (1, e) of the positive probability or (k, e) of the predicted class's.
    `cells` (B, k): rows by cell and label. `soft_mean` (k, k): mean of P_i given label j.
    `soft_second` (k, k, k): mean of P P' given the label, which is the first axis.
    `prior` (k,) and `covariance` (k, k): mean and covariance of P over all rows.
    `sensitivity` (k, k + 1): derivative of `prior` by the calibrator's (1/T, b).
    `information` (k + 1, k + 1): Fisher's of one row on the calibrator's (1/T, b).
    `calibration_rows`: rows that the calibrator learned from; 0 where P is known to be right.
    """

    edges: Floats
    cells: Codes
    soft_mean: Floats
    soft_second: Floats
    prior: Floats
    covariance: Floats
    sensitivity: Floats
    information: Floats
    calibration_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class ShiftReference:
    """The hold-out half of a reference: `confusion` int64 (k, k), rows by (predicted class, label).

    `scores` is None where the model has no probabilities.
    """

    confusion: Codes
    scores: ScoreReference | None

    @property
    def rows(self) -> Codes:
        """Rows by label, int64 (k,)."""
        counts: Codes = self.confusion.sum(axis=0)
        return counts

    @property
    def prior(self) -> Floats:
        """Shares of the labels, float64 (k,), sum 1."""
        shares: Floats = self.rows / self.rows.sum()
        return shares


def learn(
    predicted: Codes,
    calibrated: Floats | None,
    labels: Codes,
    classes: int | None = None,
    calibration_rows: int | None = None,
) -> ShiftReference:
    """Learn from hold-out rows: predicted codes (n,), calibrated probabilities (n, k) or None, labels (n,).

    `classes` is k where no probabilities say it, else the largest code plus one, at least 2.
    `calibration_rows`: rows that the calibrator learned from, other ones than these; None takes as many
    as there are here. ValueError for no row, codes outside 0 to k - 1, k outside 2 to 50, or
    probabilities that are not finite, not (n, k) or not in [0, 1].

    >>> learn(np.array([0, 0, 1]), None, np.array([0, 1, 1])).confusion.tolist()
    [[1, 1], [0, 1]]
    """
    if not len(labels) or len(labels) != len(predicted):
        message = f"{len(predicted)} predictions and {len(labels)} labels: as many are needed, one at least"
        raise ValueError(message)
    if calibrated is not None:
        k = calibrated.shape[-1]
    else:
        k = classes or max(int(predicted.max()), int(labels.max()), 1) + 1
    if not 2 <= k <= MOST_CLASSES:
        message = f"{k} classes; from 2 to {MOST_CLASSES} can be estimated"
        raise ValueError(message)
    check_codes(predicted, k)
    check_codes(labels, k)
    counts = np.bincount(predicted * k + labels, minlength=k * k).reshape(k, k).astype(np.int64)
    if calibrated is None:
        return ShiftReference(counts, None)
    check_probabilities(calibrated, len(labels), k)
    told = len(labels) if calibration_rows is None else calibration_rows
    return ShiftReference(counts, _scores(predicted, calibrated, labels, told))


def score_cells(edges: Floats, predicted: Codes, calibrated: Floats) -> Codes:
    """The score cell of each row, int64 (n,), from predicted codes (n,) and probabilities (n, k)."""
    if len(edges) == 1:
        return np.searchsorted(edges[0], calibrated[:, 1], side="right").astype(np.int64)
    own = calibrated[np.arange(len(predicted)), predicted]
    above: Codes = (own[:, None] >= edges[predicted]).sum(axis=1)
    found: Codes = predicted * (edges.shape[1] + 1) + above
    return found


def to_arrays(reference: ShiftReference) -> dict[str, NDArray[np.generic]]:
    """The reference as named plain arrays, for `numpy.savez`."""
    arrays: dict[str, NDArray[np.generic]] = {"confusion": reference.confusion}
    if reference.scores is not None:
        for each in fields(ScoreReference):
            arrays[f"scores.{each.name}"] = np.asarray(getattr(reference.scores, each.name))
    return arrays


def from_arrays(arrays: dict[str, NDArray[np.generic]]) -> ShiftReference:
    """What `to_arrays` gave; KeyError where an array lacks."""
    counts = np.asarray(arrays["confusion"], np.int64)
    if "scores.edges" not in arrays:
        return ShiftReference(counts, None)
    numbers = {
        each.name: np.asarray(arrays[f"scores.{each.name}"], np.float64)
        for each in fields(ScoreReference)
        if each.name not in {"cells", "calibration_rows"}
    }
    cells = np.asarray(arrays["scores.cells"], np.int64)
    told = int(np.asarray(arrays["scores.calibration_rows"], np.int64))
    return ShiftReference(counts, ScoreReference(cells=cells, calibration_rows=told, **numbers))


def check_codes(codes: Codes, k: int) -> None:
    """ValueError where a code is not of 0 to k - 1."""
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < k:
        message = f"class codes from {codes.min()} to {codes.max()}, but there are {k} classes"
        raise ValueError(message)


def check_probabilities(calibrated: Floats, n: int, k: int) -> None:
    """ValueError where probabilities are not (n, k), or one is not finite or outside [0, 1]."""
    if calibrated.shape != (n, k):
        message = f"probabilities {calibrated.shape}, but there are {n} rows and {k} classes"
        raise ValueError(message)
    if calibrated.size and not (calibrated.min() >= 0 and calibrated.max() <= 1):
        message = "calibrated probabilities must be numbers in [0, 1]"
        raise ValueError(message)


def _scores(predicted: Codes, calibrated: Floats, labels: Codes, calibration_rows: int) -> ScoreReference:
    n, k = calibrated.shape
    edges = _edges(predicted, calibrated)
    count = edges.shape[1] + 1 if k == 2 else k * (edges.shape[1] + 1)
    cell = score_cells(edges, predicted, calibrated)
    by_label = np.maximum(np.bincount(labels, minlength=k), 1)
    second = np.zeros((k, k, k))
    mean = np.zeros((k, k))
    for each in range(k):
        own = calibrated[labels == each]
        second[each] = own.T @ own / by_label[each]
        mean[:, each] = own.sum(axis=0) / by_label[each]
    sensitivity, information = calibrator_effect(calibrated)
    prior = calibrated.mean(axis=0)
    return ScoreReference(
        edges=edges,
        cells=np.bincount(cell * k + labels, minlength=count * k).reshape(count, k).astype(np.int64),
        soft_mean=mean,
        soft_second=second,
        prior=prior,
        covariance=calibrated.T @ calibrated / n - np.outer(prior, prior),
        sensitivity=sensitivity,
        information=information,
        calibration_rows=calibration_rows,
    )


def _edges(predicted: Codes, calibrated: Floats) -> Floats:
    k = calibrated.shape[1]
    if k == 2:
        quantiles = np.quantile(calibrated[:, 1], np.arange(1, BINARY_CELLS) / BINARY_CELLS)
        return np.unique(quantiles)[None, :]
    edges = np.full((k, CLASS_CELLS - 1), np.inf)
    for each in np.unique(predicted):
        own = np.unique(
            np.quantile(calibrated[predicted == each, each], np.arange(1, CLASS_CELLS) / CLASS_CELLS)
        )
        edges[each, : len(own)] = own
    return edges
