"""Many columns at once: what a column does that the others do not, and how far all of them went."""

from dataclasses import dataclass

import numpy as np

from monitor.stats.panel import Floats

OWN = 0.1
"""How much of the plain variances is mixed into the shrunk covariance, so that its inverse is tame."""


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """The inverse of a shrunk covariance between columns, float64 (c, c)."""

    inverse: Floats

    def distance(self, scores: Floats) -> Floats:
        """The squared Mahalanobis length of each window, float64 (t,) from (t, c): Hotelling's T squared."""
        found: Floats = ((scores @ self.inverse) * scores).sum(axis=1)
        return found

    def adjusted(self, scores: Floats) -> Floats:
        """Each column's score given all others (Hawkins 1991), float64 (t, c)."""
        found: Floats = scores @ self.inverse / np.sqrt(np.diag(self.inverse))
        return found


def whitening(scores: Floats) -> Whitening:
    """Of scores float64 (t, c): Ledoit and Wolf's (2004) shrunk covariance, then inverted."""
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415 - takes a second to import, calibration only

    covariance, _ = ledoit_wolf(scores)
    own = np.diag((scores**2).mean(axis=0))
    return Whitening(np.linalg.inv((1 - OWN) * covariance + OWN * own))
