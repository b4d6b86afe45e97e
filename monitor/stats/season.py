"""What is expected at a position of the calendar: regressions on hour and weekday, with folds left out."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HARMONICS = 3
"""Sine waves of the day: three follow a morning and an evening peak."""
WEEKEND_HARMONICS = 2
RIDGE = 1e-6
"""Keeps positions that never occur, like weekdays of a short reference, at the mean of the others."""


class Season(IntEnum):
    """Which positions of the calendar are told apart."""

    NONE = 0
    HOUR = 1
    WEEK = 2


def design(hours: Floats, weekdays: NDArray[np.int64], season: Season, *, hourly: bool) -> Floats:
    """The regressors of windows at these local hours and weekdays (0 is Monday), float64 (t, p).

    `hourly` is false where a window is a day or longer: then there is no hour to be told apart.
    """
    columns = [np.ones(len(hours))]
    angle = 2 * np.pi * hours / 24
    if season >= Season.HOUR and hourly:
        for wave in range(1, HARMONICS + 1):
            columns += [np.sin(wave * angle), np.cos(wave * angle)]
    if season == Season.WEEK:
        columns += [(weekdays == day).astype(float) for day in range(1, 7)]
        weekend = (weekdays >= 5).astype(float)
        if hourly:
            for wave in range(1, WEEKEND_HARMONICS + 1):
                columns += [weekend * np.sin(wave * angle), weekend * np.cos(wave * angle)]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class FoldSums:
    """Cross products of regressors and values by fold, so that any folds are left out by subtraction.

    `gram`: float64 (f, p, p). `moments`: float64 (f, p, c).
    """

    gram: Floats
    moments: Floats

    def fit(self, *without: int) -> Floats:
        """Coefficients, float64 (p, c), from all folds but these."""
        kept = [fold for fold in range(len(self.gram)) if fold not in without]
        gram = self.gram[kept].sum(axis=0)
        size = max(float(gram[0, 0]), 1.0)
        solved: Floats = np.linalg.solve(
            gram + RIDGE * size * np.eye(len(gram)), self.moments[kept].sum(axis=0)
        )
        return solved


def fold_sums(regressors: Floats, values: Floats, folds: NDArray[np.int64]) -> FoldSums:
    """The sums of each fold; `values` float64 (t, c) without NaN."""
    parts = [folds == fold for fold in range(int(folds.max(initial=0)) + 1)]
    return FoldSums(
        np.stack([regressors[part].T @ regressors[part] for part in parts]),
        np.stack([regressors[part].T @ values[part] for part in parts]),
    )
