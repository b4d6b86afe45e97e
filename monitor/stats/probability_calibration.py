"""Calibration of class probabilities by bias-corrected temperature scaling (BCTS), and a check of it.

Alexandari, Kundaje and Shrikumar (2020), "Maximum likelihood with bias-corrected calibration is hard to
beat at label shift adaptation": softmax(log p / T + b), fitted by the negative log-likelihood of labels.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

FLOORS = (1e-12, 1e-6, 1e-3, 1e-2)
"""Probabilities are taken as at least one of these, the one under which the labels are likeliest.

A network's 1e-9 tells much, a forest's 0 only that no tree voted for the class.
"""
RIDGE = 1.0
"""Weight of (1/T - 1)^2 and of each bias squared beside the log-likelihood of all rows: about one row."""
SHARPEST = 50.0
"""Bound of 1/T; its reciprocal is the other bound."""
MOST_ROWS = 100_000
"""Of more labelled rows every j-th is fitted: the errors of T and b are below 1 % long before."""
TINY = 1e-9
"""Calibrated probabilities are taken as at least this."""
BINS = 10
FEWEST = 5.0
"""Rows that a bin of the check must expect with the class and without it; smaller ones are merged."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """softmax(log p / `temperature` + `bias`): temperature > 0, bias float64 (k,) with mean 0.

    Probabilities p under `floor` are taken as `floor`.
    """

    temperature: float
    bias: Floats
    floor: float = FLOORS[0]


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationCheck:
    """What `check` found.

    `gap` in [0, 1]: the largest of `by_class` (k,), the mean absolute difference of observed and expected
    share over the bins of a class's score, weighted by rows. `p_value`: of gaps this large by chance; None
    where no class has a bin of enough rows.
    """

    gap: float
    by_class: Floats
    p_value: float | None


def learn(probabilities: Floats, labels: Codes) -> Calibrator:
    """The calibrator that labelled rows ask for: probabilities (n, k), class codes (n,) from 0 to k - 1.

    The likelihood is concave in 1/T and b; a light ridge draws both to 1 and 0, where no rows, classes
    without labels or constant probabilities leave them. k >= 2. ValueError for other shapes or codes, and
    for a probability that is not finite.

    >>> hesitant = np.array([[0.6, 0.4], [0.4, 0.6]] * 500)
    >>> right = np.array([0, 1] * 500)
    >>> bool(learn(hesitant, right).temperature < 0.2)
    True
    """
    _require(probabilities, labels)
    step = max(1, -(-len(labels) // MOST_ROWS))
    probabilities, one_hot = probabilities[::step], np.eye(probabilities.shape[1])[labels[::step]]
    lowest = float(probabilities.min(initial=1.0))
    tried = FLOORS[:1] + tuple(floor for floor in FLOORS[1:] if floor > lowest)
    _, best = min((_fitted(probabilities, one_hot, floor) for floor in tried), key=lambda found: found[0])
    return best


def apply(calibrator: Calibrator, probabilities: Floats) -> Floats:
    """Calibrated probabilities (n, k) of probabilities (n, k); each row sums to 1, none is 0 or NaN.

    >>> apply(Calibrator(1.0, np.zeros(2)), np.array([[0.2, 0.8]])).round(3).tolist()
    [[0.2, 0.8]]
    """
    votes = np.log(np.clip(probabilities, calibrator.floor, 1.0)) / calibrator.temperature + calibrator.bias
    found: Floats = special.softmax(votes, axis=1)
    return found


def calibrator_effect(calibrated: Floats) -> tuple[Floats, Floats]:
    """How calibrated probabilities (n, k), n >= 1, hang on the calibrator's (1/T, b), k + 1 numbers.

    The derivative (k, k + 1) of their mean, and Fisher's information (k + 1, k + 1) of one row. Calibrating
    calibrated probabilities again stays within the family, so T = 1 and b = 0 stand for what was learned.
    """
    n, k = calibrated.shape
    scores = np.log(np.maximum(calibrated, TINY))
    centred = scores - (calibrated * scores).sum(axis=1, keepdims=True)
    by_temperature = (calibrated * centred).mean(axis=0)
    by_bias = np.diag(calibrated.mean(axis=0)) - calibrated.T @ calibrated / n
    information = np.empty((k + 1, k + 1))
    information[0, 0] = (calibrated * centred**2).sum() / n
    information[0, 1:] = information[1:, 0] = by_temperature
    information[1:, 1:] = by_bias
    return np.column_stack([by_temperature, by_bias]), information


def check(calibrated: Floats, labels: Codes, calibration_rows: int | None = None) -> CalibrationCheck:
    """Whether probabilities (n, k) hold on labelled rows (n,) that the calibrator did not learn from.

    Of each class, rows are put into `BINS` bins of equal mass by its probability. Hosmer and Lemeshow's
    statistic of observed minus expected rows is chi-squared with one degree of freedom for each bin, as
    nothing was fitted to these rows. Their covariance holds sum p (1 - p) and, by the delta method, the error
    of a calibrator that learned from `calibration_rows`: None for as many as here, 0 for no calibrator. The
    p-value is Bonferroni's over the classes; of two classes one is enough. n = 0: gap 0, no p-value.
    ValueError as `learn`.
    """
    _require(calibrated, labels)
    n, k = calibrated.shape
    if n == 0:
        return CalibrationCheck(0.0, np.zeros(k), None)
    told = n if calibration_rows is None else calibration_rows
    error = np.zeros((k + 1, k + 1))
    if told:
        error = np.linalg.inv(told * calibrator_effect(calibrated)[1] + RIDGE * np.eye(k + 1))
    tested = [_by_score(calibrated, each, labels == each, error) for each in range(k)]
    by_class = np.array([gap for gap, _ in tested])
    p_values = [p for _, p in tested if p is not None]
    times = 1 if k == 2 else len(p_values)
    p_value = min(1.0, times * min(p_values)) if p_values else None
    return CalibrationCheck(float(by_class.max()), by_class, p_value)


def _fitted(probabilities: Floats, one_hot: Floats, floor: float) -> tuple[float, Calibrator]:
    """The least penalised negative log-likelihood with this floor, and its calibrator."""
    scores = np.log(np.clip(probabilities, floor, 1.0))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        """Penalised negative log-likelihood at (1/T, b), and its gradient."""
        votes = scores * parameters[0] + parameters[1:]
        pull = parameters - initial
        value = special.logsumexp(votes, axis=1).sum() - np.einsum("ij,ij->", votes, one_hot)
        wrong = special.softmax(votes, axis=1) - one_hot
        gradient = np.concatenate([[np.einsum("ij,ij->", wrong, scores)], wrong.sum(axis=0)])
        return float(value + RIDGE / 2 * pull @ pull), gradient + RIDGE * pull

    k = scores.shape[1]
    initial = np.concatenate([[1.0], np.zeros(k)])
    bounds = [(1 / SHARPEST, SHARPEST)] + [(None, None)] * k
    found = optimize.minimize(loss, initial, jac=True, method="L-BFGS-B", bounds=bounds)
    bias: Floats = found.x[1:] - found.x[1:].mean()
    return float(found.fun), Calibrator(float(1 / found.x[0]), bias, floor)


def _by_score(
    calibrated: Floats, chosen: int, happened: NDArray[np.bool_], error: Floats
) -> tuple[float, float | None]:
    """Of one class: the weighted mean absolute gap over bins of its score, and the p-value of the gaps.

    `error` (k + 1, k + 1): covariance of the calibrator's (1/T, b).
    """
    score = calibrated[:, chosen]
    edges = np.unique(np.quantile(score, np.arange(1, BINS) / BINS))
    bins = np.searchsorted(edges, score, side="right")
    logs = np.log(np.maximum(calibrated, TINY))
    by_temperature = score * (logs[:, chosen] - (calibrated * logs).sum(axis=1))
    by_bias = score[:, None] * (np.arange(calibrated.shape[1]) == chosen) - score[:, None] * calibrated
    columns = [np.ones(len(score)), score, happened, score * (1 - score), by_temperature, *by_bias.T]
    found = _merged(np.stack([np.bincount(bins, each, BINS) for each in columns], axis=1))
    rows, expected, observed, variance = found[:, :4].T
    gap = float(np.abs(observed - expected).sum() / len(score))
    enough = (expected >= FEWEST) & (rows - expected >= FEWEST)
    if not enough.any():
        return gap, None
    effect = found[enough, 4:]
    covariance = np.diag(np.maximum(variance[enough], TINY)) + effect @ error @ effect.T
    rest = (observed - expected)[enough]
    chi_squared = max(float(rest @ np.linalg.solve(covariance, rest)), 0.0)
    return gap, float(special.chdtrc(int(enough.sum()), chi_squared))


def _merged(sums: Floats) -> Floats:
    """Neighbouring bins (rows, expected, ...) added until each expects enough rows."""
    found: list[Floats] = []
    waiting = np.zeros(sums.shape[1])
    for each in sums:
        waiting = waiting + each
        if min(waiting[1], waiting[0] - waiting[1]) >= FEWEST:
            found.append(waiting)
            waiting = np.zeros(sums.shape[1])
    if found:
        found[-1] = found[-1] + waiting
        return np.stack(found)
    return waiting[None, :]


def _require(probabilities: Floats, labels: Codes) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or len(probabilities) != len(labels):
        message = (
            f"probabilities {probabilities.shape} must be (n, k), k >= 2, with labels {labels.shape} (n,)"
        )
        raise ValueError(message)
    if not np.isfinite(probabilities).all():
        message = "a probability is not finite"
        raise ValueError(message)
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < probabilities.shape[1]:
        message = f"labels from {labels.min()} to {labels.max()} of {probabilities.shape[1]} classes"
        raise ValueError(message)
