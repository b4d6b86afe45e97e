"""How often chance gives a score: an exponential tail on replayed peaks (peaks over threshold)."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from monitor.stats.panel import Floats, Index

NATURAL = 1 / np.log(10)
"""The mean excess of -log10 of a p-value that is right."""
KNOWN = 4.0
"""Peaks that are counted at least, for what nominal p-values say of the tail."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Peaks above `start` come `rate` times per window; their excess is exponential of mean `excess`."""

    start: float
    rate: float
    excess: float

    def rarity(self, score: Floats) -> Floats:
        """log10 of the windows between chance peaks at least this high.

        >>> Tail(start=2.0, rate=0.01, excess=0.5).rarity(np.array([2.0])).tolist()
        [2.0]
        """
        found: Floats = (np.asarray(score) - self.start) / self.excess * NATURAL - np.log10(self.rate)
        return found

    def line(self, windows: float) -> float:
        """The score that chance reaches once in so many windows."""
        return float(self.start + self.excess * np.log(max(windows * self.rate, 1e-12)))


def peaks(scores: Floats, start: float, apart: int, segments: Index) -> Floats:
    """The highest score of each cluster above `start`; a cluster ends `apart` windows after it began.

    >>> peaks(np.array([0, 3, 4, 0, 5.0]), 1, 3, np.zeros(5, np.int64)).tolist()
    [4.0, 5.0]
    """
    found: list[float] = []
    last, of = -(10**9), -1
    for place in np.flatnonzero(scores > start).tolist():
        if place - last >= apart or segments[place] != of:
            found.append(float(scores[place]))
            last, of = place, int(segments[place])
        else:
            found[-1] = max(found[-1], float(scores[place]))
    return np.array(found)


def fit(scores: Floats, segments: Index, share: float, apart: int, lowest: float = -np.inf) -> Tail:
    """The tail of replayed scores, float64 (t,), above their quantile `share` and above `lowest`.

    The mean excess is drawn to that of right p-values with the weight of one peak, and is below it only where
    the upper limit of the mean is: a few windows do not show that a tail is lighter than that.
    """
    start = max(float(np.quantile(scores, share)), lowest)
    excesses = peaks(scores, start, apart, segments) - start
    excess = (float(excesses.sum()) + NATURAL) / (len(excesses) + 1)
    limit = excess * (1 + 1 / np.sqrt(len(excesses) + 1))
    return Tail(start, max(len(excesses), 1) / len(scores), max(excess, min(limit, NATURAL)))


def guarded(tail: Tail, windows: int, confidence: float, worth: float = 1.0) -> Tail:
    """The tail whose rate and excess are not larger, each with this confidence.

    The limits of a Poisson rate and of an exponential mean; `worth` is the part of a peak that counts as
    independent of the others. Fewer than `KNOWN` peaks count as so many: one alone would let the tail be
    twenty times as heavy, and then nothing would be found.
    """
    count = max(tail.rate * windows * worth, KNOWN)
    excess = tail.excess * 2 * count / float(stats.chi2.ppf(1 - confidence, 2 * count))
    rate = tail.rate * float(stats.gamma.ppf(confidence, count + 1)) / count
    return Tail(tail.start, rate, excess)


def value_line(values: Floats, share: float, windows: float) -> float:
    """The value that an exponential tail above the quantile `share` reaches once in so many windows."""
    start = float(np.quantile(values, share))
    excesses = values[values > start] - start
    if not len(excesses):
        return start
    return start + float(excesses.mean()) * float(np.log(max(windows * len(excesses) / len(values), 1.0)))
