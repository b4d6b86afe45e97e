"""Windows of a reference that stand out of the others as an alarm would, though they hide themselves.

One wild stretch makes the tail of the replay so long that it may lie under its own line. So the highest
clusters are set aside, and each is held against a tail of the windows that are lower (Rosner 1983): the
lowest that is beyond the line is an incident, and with it all that are higher.
"""

import numpy as np

from monitor.stats import replay, tails
from monitor.stats.panel import Flags, Floats, Index
from monitor.stats.replay import Calibration
from monitor.stats.tails import NATURAL, Tail

MOST_CLUSTERS = 10
LEAST_KEPT = 0.7
"""At least this part of the windows is never set aside."""


def screened(calibration: Calibration, segments: Index, line: float) -> Floats:
    """Log10 of the windows by chance (t,), of incidents as the others judge them; NaN where none is known.

    `line`: the rarity from which on an alarm opens. `segments` (t,): memory restarts where it changes.
    """
    replayed = calibration.replayed
    scores = _scores(calibration.guarded, replayed)
    aside = _clusters(scores, calibration.settings.apart)
    for count in range(len(aside), 0, -1):
        kept = np.isfinite(scores) & ~np.any(aside[:count], axis=0)
        tail = _tail(calibration, scores[kept], segments[kept])
        rarity = tail.rarity(scores)
        if np.nanmax(rarity[aside[count - 1]]) >= line:
            return np.where(kept, replayed, rarity)
    return replayed


def _scores(tail: Tail, rarity: Floats) -> Floats:
    """The scores to which this tail gives these rarities."""
    found: Floats = tail.start + (rarity + np.log10(tail.rate)) * tail.excess / NATURAL
    return found


def _clusters(scores: Floats, apart: int) -> list[Flags]:
    """The windows (t,) of each of the highest clusters: less than `apart` windows from its peak."""
    found: list[Flags] = []
    left = np.isfinite(scores)
    least = max(LEAST_KEPT * int(left.sum()), replay.FEWEST_FOLDS)
    places = np.arange(len(scores))
    while len(found) < MOST_CLUSTERS and left.any():
        peak = int(np.argmax(np.where(left, scores, -np.inf)))
        cluster = left & (np.abs(places - peak) < apart)
        left = left & ~cluster
        if int(left.sum()) < least:
            break
        found.append(cluster)
    return found


def _tail(calibration: Calibration, scores: Floats, segments: Index) -> Tail:
    """The tail of these windows, with the guard of the calibration."""
    how = calibration.settings
    tail = tails.fit(scores, segments, how.share, how.apart)
    confidence, worth = replay.guard(calibration.full_folds, calibration.effective)
    return tails.guarded(tail, len(scores), confidence, worth)
