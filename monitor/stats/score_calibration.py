"""The calibration behind CBPE: a model's probabilities to shares of labels, and how far that can be off.

Platt's logistic line plus a penalised linear spline of the log odds, one class against the rest, rows
normalised to sum 1; of many classes after bias-corrected temperature scaling. On six real sets it estimates
performance as well as isotonic regression, and better where the positive class and its calls are rare.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from monitor.stats.performance import Codes, Flags, Floats

CLIP = 1e-6
"""Probabilities are taken as at least this far from 0 and from 1."""
KNOTS = 20
ROWS_A_KNOT = 10
"""Labels on the rarer side for each knot."""
RIDGE = (1e-3, 0.1, 0.25)
"""Weights of the squares of intercept, slope minus 1 and each height, beside the log-likelihood."""
POINTS = 1_000
"""Distinct scores that a line is fitted to; more are grouped."""
SCALED_ROWS = 50_000
"""Of more labelled rows of many classes every j-th tells temperature and biases."""
BINS = 20
ROWS_A_BIN = 5
"""Labels on the rarer side for each bin of the hold-out half."""
WIDTHS = dict.fromkeys(("scaling", "lines"), 2) | dict.fromkeys(("rates", "rows"), BINS)
WIDTHS |= dict.fromkeys(("knots", "heights"), KNOTS) | {"edges": BINS - 1}
"""Length of each class's part of an array, if it is no number."""


class _Stored:
    """A record of float64 arrays of shape (k, ...) that can be kept as such."""

    __slots__: tuple[str, ...] = ()

    def to_arrays(self) -> dict[str, Floats]:
        """All that is known, as plain float64 arrays by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """The record of `to_arrays`; ValueError where an array lacks or their shapes do not fit."""
        found = {name: np.asarray(arrays.get(name, np.nan), dtype=np.float64) for name in cls.__slots__}
        k = max(each.size for each in found.values()) // max(KNOTS, BINS)
        shapes = {name: (k, WIDTHS[name]) if name in WIDTHS else (k,) for name in found}
        if any(each.shape != shapes[name] for name, each in found.items()):
            message = f"the arrays do not have the shapes {shapes}"
            raise ValueError(message)
        return cls(**found)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCalibrator(_Stored):
    """Of each of k classes: log odds = intercept + slope * x + spline(x), with x the score's log odds.

    The scores are softmax(power * log p + bias), `scaling` (k, 2); of two classes p itself, and class 1
    alone has a line. `lines` (k, 2): intercept and slope. The spline leads linearly through `knots` and
    `heights` (k, KNOTS), level outside. `labels` (k,): how many there were, by weight.
    """

    scaling: Floats
    lines: Floats
    knots: Floats
    heights: Floats
    labels: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationError(_Stored):
    """The error of a calibrator by bin of the model's score, from labelled rows that it has not seen.

    Of each of k classes: `edges` (k, BINS - 1) of its score, padded with infinity; `rates` (k, BINS) of the
    labels, smoothed; `rows` (k, BINS), effective; `factor` (k,): the calibrator's squared error in units of
    the sampling variance of such a bin.
    """

    edges: Floats
    rates: Floats
    rows: Floats
    factor: Floats

    def bins_of(self, score: Floats) -> Codes:
        """The bins of scores (n,) of class 1, or of (n, k), numbered through all classes; NaN in the last."""
        if score.ndim == 1:
            return np.searchsorted(self.edges[1], score, side="right")
        each = [np.searchsorted(*pair, side="right") for pair in zip(self.edges, score.T, strict=True)]
        return np.stack([bins + code * BINS for code, bins in enumerate(each)], axis=1)

    def variances(self, axes: int) -> Floats:
        """Variance of the error in each bin of `bins_of` for scores of 1 or 2 `axes`: (BINS,) or (k * BINS,).

        Those of all classes go with gradients that the classes of a row average to 0, as the variance of a
        multinomial variable is then a sum over its classes.
        """
        found: Floats = self.factor[:, None] * self.rates / self.rows
        return found[1] * (1 - self.rates[1]) if axes == 1 else found.ravel()


def learn(probabilities: Floats, labels: Codes, weights: Floats | None = None) -> ScoreCalibrator:
    """The calibrator of labelled rows: probabilities (n, k) of the model, class codes (n,), k >= 2.

    `weights` (n,) >= 0: importance of each row, as the density ratio of live and reference rows (M-CBPE,
    Bialek et al. 2025). Rows with a probability or weight that is not finite are left out. Without rows
    the probabilities stay what they are; constant ones lead to the shares of the labels. A class without
    labels gets next to nothing, never 0. ValueError for other shapes or codes.

    >>> proud = np.array([[0.1, 0.9]] * 100 + [[0.9, 0.1]] * 100)
    >>> labels = np.array(([1] * 7 + [0] * 3) * 10 + ([0] * 8 + [1] * 2) * 10)
    >>> apply(learn(proud, labels), np.array([[0.1, 0.9], [0.9, 0.1]])).round(2).tolist()
    [[0.3, 0.7], [0.8, 0.2]]
    """
    probabilities, labels, weights = _usable(probabilities, labels, weights)
    k = probabilities.shape[1]
    rows = _effective(weights)
    weights = weights * (rows / max(weights.sum(), 1e-300))
    scaling = np.tile([1.0, 0.0], (2, 1)) if k == 2 else _scaling(probabilities, labels, weights)
    odds = _log_odds(probabilities, scaling)
    lines, heights = np.tile([0.0, 1.0], (k, 1)), np.zeros((k, KNOTS))
    knots = np.tile(np.arange(KNOTS, dtype=np.float64), (k, 1))
    for code in range(int(k == 2), k):
        own, at = _line(odds[:, code], labels == code, weights)
        lines[code] = own[:2]
        if used := len(at):
            knots[code] = np.concatenate([at, at[-1] + 1 + np.arange(KNOTS - used)])
            heights[code] = np.concatenate([own[2:], np.full(KNOTS - used, own[-1])])
    seen = np.bincount(labels, weights, minlength=k).astype(np.float64)
    return ScoreCalibrator(scaling, lines, knots, heights, seen)


def apply(calibrator: ScoreCalibrator, probabilities: Floats) -> Floats:
    """The calibrated probabilities (n, k), rows sum to 1, of the model's (n, k).

    A row with a probability that is NaN or infinite gets the shares of the labels. ValueError for another
    number of classes.
    """
    k = len(calibrator.labels)
    if probabilities.ndim != 2 or probabilities.shape[1] != k:
        message = f"probabilities {probabilities.shape}, but the calibrator has {k} classes"
        raise ValueError(message)
    expected = _log_odds(probabilities, calibrator.scaling)
    for code in range(int(k == 2), k):
        odds, (level, slope) = expected[:, code], calibrator.lines[code]
        spline = np.interp(odds, calibrator.knots[code], calibrator.heights[code])
        expected[:, code] = special.expit(level + slope * odds + spline)
    expected[:, 0] = 1 - expected[:, 1] if k == 2 else expected[:, 0]
    expected /= expected.sum(axis=1, keepdims=True)
    if not np.isfinite(probabilities.sum()):
        shares = calibrator.labels + 0.5
        expected[~np.isfinite(probabilities).all(axis=1)] = shares / shares.sum()
    return expected


def check(
    calibrator: ScoreCalibrator, probabilities: Floats, labels: Codes, weights: Floats | None = None
) -> CalibrationError:
    """The error of a calibrator, from a hold-out half: rows that `learn` has not been given.

    `probabilities` (n, k): the model's. `labels` (n,): class codes. Of the mean squared gap of observed and
    expected share over bins of the score, the part beyond the hold-out's own sampling variance is the
    calibrator's; it is at least the variance of such a bin in the fitted half. ValueError as in `learn`.
    """
    probabilities, labels, weights = _usable(probabilities, labels, weights)
    expected, k = apply(calibrator, probabilities), probabilities.shape[1]
    edges = np.full((k, BINS - 1), np.inf)
    rates, rows, factor = np.full((k, BINS), 0.5), np.ones((k, BINS)), np.ones(k)
    for code in range(k if len(labels) else 0):
        score, positive = probabilities[:, code], labels == code
        cuts = _cuts(score, positive, weights)
        edges[code, : len(cuts)] = cuts
        bins = np.searchsorted(cuts, score, side="right")
        parts = (np.ones(len(score)), weights, positive, expected[:, code])
        sums = np.array([np.bincount(bins, weights * each, minlength=BINS) for each in parts])
        used = np.flatnonzero(sums[0] > 0)
        mass, squares, seen, thought = sums[:, used]
        seen, thought = seen / mass, thought / mass
        rows[code, used] = n = mass**2 / squares
        # half a row that nobody has seen: a bin without labels is not known to have share 0
        rates[code, used] = rate = (np.maximum(seen, thought) * n + 0.5) / (n + 1)
        beyond = float(n @ (seen - thought) ** 2 / (rate * (1 - rate)).sum()) - 1
        factor[code] = max(beyond, _effective(weights) / max(float(calibrator.labels.sum()), 1.0))
    return CalibrationError(edges, rates, rows, factor)


def _cuts(score: Floats, positive: Flags, weights: Floats) -> Floats:
    """Where the bins of the hold-out half end: as many as the rarer side has rows for."""
    distinct, place = np.unique(score, return_inverse=True)
    bins = min(max(int(min(positive.sum(), (~positive).sum())) // ROWS_A_BIN, 1), BINS)
    ends = np.searchsorted(_ranks(place, positive, weights), np.arange(1, bins) / bins)
    cuts: Floats = distinct[np.unique(np.minimum(ends, len(distinct) - 1))]
    return cuts


def _scaling(probabilities: Floats, labels: Codes, weights: Floats) -> Floats:
    """Power and biases of softmax(power * log p + bias): Alexandari, Kundaje and Shrikumar (2020)."""
    step = max(-(-len(labels) // SCALED_ROWS), 1)
    labels, weights = labels[::step], weights[::step]
    logs = np.log(np.clip(probabilities[::step], CLIP, 1.0))
    chosen = weights[:, None] * (labels[:, None] == np.arange(k := logs.shape[1]))

    def cost(at: Floats) -> tuple[float, Floats]:
        votes = at[0] * logs + at[1:]
        total = special.logsumexp(votes, axis=1)
        off = weights[:, None] * np.exp(votes - total[:, None]) - chosen
        gradient = np.array([np.vdot(off, logs), *off.sum(axis=0)])
        return float(weights @ total - np.vdot(chosen, votes)), gradient

    found = _minimum(cost, np.array([1.0, *[0.0] * k]), np.array([RIDGE[1], *[RIDGE[2]] * k]))
    return np.column_stack([np.full(k, found[0]), found[1:]])


def _line(odds: Floats, positive: Flags, weights: Floats) -> tuple[Floats, Floats]:
    """Intercept, slope and heights of one class, and the knots of the heights."""
    distinct, place = np.unique(odds, return_inverse=True)
    ranks = _ranks(place, positive, weights)
    count = min(int(min(weights @ positive, weights @ ~positive) / ROWS_A_KNOT), KNOTS)
    levels = (np.arange(count) + 0.5) / count if count > 1 else np.empty(0)
    knots = np.unique(np.interp(levels, ranks, distinct)) if count > 1 else levels
    if len(distinct) > POINTS:
        _, place = np.unique((ranks * POINTS).astype(np.int64)[place], return_inverse=True)
    mass, seen, total = (np.bincount(place, each) for each in (weights, weights * positive, weights * odds))
    middle = total / mass
    hats = (np.interp(middle, knots, hat) for hat in np.eye(len(knots)))
    design = np.column_stack([np.ones(len(middle)), middle, *hats])

    def cost(at: Floats) -> tuple[float, Floats]:
        line = design @ at
        off = mass * special.expit(line) - seen
        return float(mass @ np.logaddexp(0, line) - seen @ line), design.T @ off

    start = np.array([0.0, 1.0, *[0.0] * len(knots)])
    return _minimum(cost, start, np.array([*RIDGE[:2], *[RIDGE[2]] * len(knots)])), knots


def _minimum(cost: Callable[[Floats], tuple[float, Floats]], start: Floats, ridge: Floats) -> Floats:
    """Where a convex cost plus a ridge about the start is least."""

    def ridged(at: Floats) -> tuple[float, Floats]:
        (value, gradient), away = cost(at), at - start
        return value + float(ridge @ away**2) / 2, gradient + ridge * away

    found: Floats = optimize.minimize(
        ridged, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-4}
    ).x
    return found


def _ranks(place: Codes, positive: Flags, weights: Floats) -> Floats:
    """Of each distinct score the mean of its ranks in [0, 1) among positives and among negatives.

    Bins of equal length on it hold rows of both sides: they are narrow where the rare side is.
    """
    sides = []
    for side in (positive, ~positive):
        mass = np.bincount(place, weights * side)
        sides += [(np.cumsum(mass) - mass / 2) / mass.sum()] if side.any() else []
    return np.minimum(np.mean(sides, axis=0), 1 - 1e-9) if sides else np.empty(0)


def _log_odds(probabilities: Floats, scaling: Floats) -> Floats:
    scores = np.nan_to_num(probabilities.astype(np.float64), nan=0.5)
    if not np.array_equal(scaling, np.tile([1.0, 0.0], (len(scaling), 1))):
        scores = special.softmax(scaling[:, 0] * np.log(np.clip(scores, CLIP, 1.0)) + scaling[:, 1], axis=1)
    found: Floats = special.logit(np.clip(scores, CLIP, 1 - CLIP))
    return found


def _effective(weights: Floats) -> float:
    return float(weights.sum() ** 2 / (weights @ weights)) if len(weights) else 0.0


def _usable(probabilities: Floats, labels: Codes, weights: Floats | None) -> tuple[Floats, Codes, Floats]:
    weights = np.ones(len(labels)) if weights is None else weights.astype(np.float64)
    message = ""
    if probabilities.ndim != 2 or not labels.shape == weights.shape == probabilities.shape[:1]:
        message = f"probabilities {probabilities.shape}, labels {labels.shape}, weights {weights.shape}"
    elif probabilities.shape[1] < 2 or (weights < 0).any():
        message = "there are two classes or more and no negative weights"
    elif len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < probabilities.shape[1]:
        message = f"class codes from {labels.min()} to {labels.max()}: {probabilities.shape[1]} classes"
    if message:
        raise ValueError(message)
    good = np.isfinite(probabilities).all(axis=1) & np.isfinite(weights) & (weights > 0)
    return probabilities[good].astype(np.float64), labels[good].astype(np.int64), weights[good]
