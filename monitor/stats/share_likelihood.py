"""Class shares of rows without labels by maximum likelihood (MLLS), from calibrated probabilities.

Saerens, Latinne and Decaestecker (2002); Alexandari, Kundaje and Shrikumar (2020): the reference shares
are the mean calibrated probabilities of the hold-out, so that an error of the calibrator's bias cancels.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from monitor.stats.probability_calibration import RIDGE, TINY
from monitor.stats.share_estimators import PRIOR_DEVIATION, Solution, nearest, tangent
from monitor.stats.shift_reference import ScoreReference

Floats: TypeAlias = NDArray[np.float64]

MOST_ROWS = 20_000
"""Of more rows, two classes are put into bins and of more classes every j-th row is taken."""
BINS = 512
WIDEST = 16.0
"""Bins of the logit lie in [-16, 16]."""
STEPS = 100
DONE = 1e-10


def maximum_likelihood(reference: ScoreReference, calibrated: Floats, prior: Floats) -> Solution:
    """The shares under which live probabilities (n, k), n >= 1, are likeliest; `prior` (k,) of the labels.

    Errors: the sandwich for the live rows, the delta method for the reference, that is for the mean
    probabilities of the hold-out and for the calibrator's temperature and bias.
    """
    rows, weights, n = compress(calibrated)
    rows = np.maximum(rows, TINY)
    base = np.maximum(reference.prior, TINY)
    share, scores, gain = likelihood(rows / base, weights, prior, n)
    weighted = scores * weights[:, None]
    mass = weighted.sum(axis=0)
    information = weighted.T @ scores
    flat = 1 / (n * PRIOR_DEVIATION**2)
    influence = scores @ gain
    return Solution(
        share=share,
        center=share,  # a Newton step beyond the border would go too far where no row tells of a class
        mean=gain @ information / mass,
        square=(influence**2).T @ weighted / mass,
        rows=None,
        fixed=_by_reference(reference, np.log(rows), scores, weights, share, gain),
        prior=flat / n * (gain**2).sum(axis=1),
        n=n,
    )


def compress(calibrated: Floats) -> tuple[Floats, Floats, float]:
    """Rows, their weights with sum 1, and how many rows they count for; the same each time.

    Of up to `MOST_ROWS` rows all; of two classes the mean probability of each of 512 bins of the logit,
    counting for all rows; of more classes every j-th row.
    """
    n, k = calibrated.shape
    if n > MOST_ROWS and k == 2:
        positive = np.clip(calibrated[:, 1], TINY, 1 - TINY)
        position = (np.log(positive / (1 - positive)) + WIDEST) * (BINS / (2 * WIDEST))
        bins = np.clip(position, 0, BINS - 1).astype(np.int64)
        counts = np.bincount(bins, minlength=BINS)
        sums = np.bincount(bins, positive, BINS)
        mean = sums[counts > 0] / counts[counts > 0]
        return np.stack([1 - mean, mean], axis=1), counts[counts > 0] / n, float(n)
    rows = calibrated[:: -(-n // MOST_ROWS)]
    return rows, np.full(len(rows), 1 / len(rows)), float(len(rows))


def likelihood(ratios: Floats, weights: Floats, prior: Floats, n: float) -> tuple[Floats, Floats, Floats]:
    """Shares q (k,) that maximise sum log(ratios q), with scores (rows, k) and gain (k, k).

    `ratios` (rows, k): probability of each class over its reference share; `weights` (rows,) sum to 1 and
    stand for n rows. The fixed point of Saerens' EM, found by Newton steps on the simplex as the likelihood
    is concave; the prior about `prior` (k,) decides where it is flat. Scores are ratios / (ratios q).
    """
    basis = tangent(len(prior))
    shares = 0.9 * prior + 0.1 / len(prior)  # within the simplex, where no score is huge
    flat = 1 / (n * PRIOR_DEVIATION**2)

    def loss(at: Floats) -> float:
        return float(-weights @ np.log(ratios @ at) + flat / 2 * ((at - prior) ** 2).sum())

    for _ in range(STEPS):
        scores = ratios / (ratios @ shares)[:, None]
        slope = weights @ scores + flat * (prior - shares)
        precision = basis.T @ ((scores * weights[:, None]).T @ scores) @ basis
        precision += flat * np.eye(len(prior) - 1)
        gain: Floats = basis @ linalg.solve(precision, basis.T, assume_a="pos")
        move = nearest(shares + gain @ slope, precision) - shares
        gained = float(move @ slope)
        if gained < DONE:
            break
        length, before = 1.0, loss(shares)
        while length > DONE and loss(shares + length * move) > before - 0.1 * length * gained:
            length /= 2
        shares = np.maximum(shares + length * move, 0.0)
        shares = shares / shares.sum()
    return shares, scores, gain


def _by_reference(
    reference: ScoreReference, logs: Floats, scores: Floats, weights: Floats, share: Floats, gain: Floats
) -> Floats:
    """Variance (k,) of the shares by the mean probabilities of the hold-out and by the calibrator.

    The score of a row is s_j = (P_j / pi_j) / sum P_c q_c / pi_c; its mean's derivatives by pi, and by the
    calibrator's b and 1/T, are those of this expression with P = softmax(log P / T + b).
    """
    base = np.maximum(reference.prior, TINY)
    weighted = scores * weights[:, None]
    mass, information = weighted.sum(axis=0), weighted.T @ scores
    by_base = information * (share / base) - np.diag(mass / base)
    centred = logs - ((scores * share) * logs).sum(axis=1, keepdims=True)
    by_calibrator = np.column_stack([(weighted * centred).sum(axis=0), np.diag(mass) - information * share])
    n = float(reference.cells.sum())
    of_base = gain @ by_base
    variance: Floats = ((of_base @ reference.covariance) * of_base).sum(axis=1) / n
    if reference.calibration_rows:
        told = reference.calibration_rows * reference.information
        covariance = linalg.inv(told + RIDGE * np.eye(len(told)))
        of_calibrator = gain @ by_calibrator + of_base @ reference.sensitivity
        variance = variance + ((of_calibrator @ covariance) * of_calibrator).sum(axis=1)
    return variance
