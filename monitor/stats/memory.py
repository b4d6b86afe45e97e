"""Memory over windows: one-step predictions taken out, then exponential averages at several lengths.

A lasting shift of an autocorrelated series shows at once in what its own past does not predict, and adds
up in averages of that; averages of the series itself would be as wide as its slow swings.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import lfilter

from monitor.stats.panel import Floats, Index

CLIP = 4.0
"""Scores are cut here before memory, so that one week of a unit error does not echo for weeks."""
LEAST_CORRELATION = 0.1
"""Below this correlation of neighbours a series counts as white."""
LEAST_EXPLAINED = 0.25
"""What part of the variance a prediction must explain to be made: else it costs memory and gains little."""
NOTHING = 1e-12
"""A mean square below this is rounding."""
LOST = 0.05
"""An autocorrelation below this is lost in noise."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """The steady filter of an autoregressive signal under white noise (Kalman 1960).

    `persistence`: how much of the signal stays from window to window. `gain`: how far the estimate
    follows each window. Both 0 for a series that is as good as white.
    """

    persistence: float = 0.0
    gain: float = 0.0


def predictor(first: float, second: float) -> Predictor:
    """The filter of a series with these correlations at lags one and two.

    With signal share s and persistence a the correlations are s a and s a^2.

    >>> predictor(0.05, 0.0)
    Predictor(persistence=0.0, gain=0.0)
    >>> predictor(0.9, 0.81)
    Predictor(persistence=0.9, gain=1.0)
    """
    if first < LEAST_CORRELATION or second <= 0:
        return Predictor()
    persistence = float(np.clip(second / first, 0.0, 0.99))
    if persistence < LEAST_CORRELATION:
        return Predictor()
    share = float(np.clip(first / persistence, 0.0, 1.0))
    noise, signal = 1 - share, share * (1 - persistence**2)
    # the predicted variance of the signal solves the Riccati equation of this scalar model
    half = (noise * (1 - persistence**2) - signal) / 2
    variance = float(np.sqrt(half**2 + signal * noise) - half)
    if variance + noise > 1 - LEAST_EXPLAINED:
        return Predictor()
    return Predictor(round(persistence, 12), round(variance / (variance + noise), 12))


def correlation(scores: Floats, lag: int, segments: Index) -> float:
    """The correlation of windows `lag` apart within their segment, pooled over columns of (t, c)."""
    power = float((scores**2).mean()) if scores.size else 0.0
    products = (scores[lag:] * scores[:-lag])[segments[lag:] == segments[:-lag]]
    return float(products.mean()) / power if products.size and power > NOTHING else 0.0


def correlation_time(scores: Floats, segments: Index) -> float:
    """The sum of autocorrelations up to the first that is lost in noise, in windows."""
    total = 0.0
    for lag in range(1, max(len(scores) // 2, 1)):
        here = correlation(scores, lag, segments)
        if here < LOST:
            break
        total += here
    return total


def parts(segments: Index) -> list[slice]:
    """The stretches of windows within which memory lasts."""
    bounds = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), len(segments)]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a]


def surprises(scores: Floats, how: Predictor, segments: Index, estimate: Floats) -> tuple[Floats, Floats]:
    """What the past does not predict, float64 (t, c), and the estimate (c,) after the last window.

    `estimate` is the signal's at the start of the first segment; later segments start from 0. The past is
    clipped, the window itself is not.
    """
    if how.gain == 0 or not len(scores):
        return scores, np.zeros_like(estimate)
    found = scores.copy()
    keep = how.persistence * (1 - how.gain)
    for part in parts(segments):
        clipped = np.clip(scores[part], -CLIP, CLIP)
        after, _ = lfilter([how.gain], [1.0, -keep], clipped, axis=0, zi=(keep * estimate)[None])
        before = np.concatenate([estimate[None], after[:-1]])
        found[part] -= how.persistence * before
        estimate, last = np.zeros_like(estimate), after[-1]
    return found, last


def average(scores: Floats, rate: float, segments: Index, before: Floats) -> Floats:
    """The exponential average that takes `rate` of each window, float64 (t, c).

    `before` (c,) is its value at the start of the first segment; later segments start from 0.
    """
    if rate >= 1:
        return scores
    found = np.empty_like(scores)
    for part in parts(segments):
        clipped = np.clip(scores[part], -CLIP, CLIP)
        found[part], _ = lfilter([rate], [1.0, rate - 1.0], clipped, axis=0, zi=((1 - rate) * before)[None])
        before = np.zeros_like(before)
    return found
