"""How the promise "at most so many false alarms per period" becomes a line for one window.

Expected numbers of false alarms add under any dependence, so the model's budget is split over kinds,
and a kind's share over its tests, by plain division. Days stand for whatever the budget counts: where
there is no time, one window is one day.
"""

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.types import Kind

SHARES: Mapping[Kind, float] = {
    Kind.COVARIATE: 0.45,
    Kind.QUALITY: 0.15,
    Kind.PREDICTION: 0.10,
    Kind.LABEL: 0.10,
    Kind.PERFORMANCE: 0.10,
    Kind.CONCEPT: 0.10,
}
"""What part of a model's budget each kind may spend where all kinds are present."""

MOST_DAYS = 1e12
"""No days by chance beyond this one; no window's data tell such numbers apart."""


def shares(kinds: Collection[Kind]) -> dict[Kind, float]:
    """The split of the budget over the kinds that the model's data allow; it adds up to 1.

    Absent kinds give theirs to the present ones in proportion.

    >>> {str(kind): round(share, 3) for kind, share in shares([Kind.COVARIATE, Kind.QUALITY]).items()}
    {'covariate': 0.75, 'quality': 0.25}
    """
    total = math.fsum(SHARES[kind] for kind in SHARES if kind in kinds)
    return {kind: share / total for kind, share in SHARES.items() if kind in kinds}


def level(budget_days: float, window_days: float, share: float = 1.0) -> float:
    """The probability of a false alarm that one window may have, in (0, 1].

    `budget_days` is the time in which the whole model may raise one false alarm.

    >>> round(level(30, 1, 0.45), 6)
    0.015
    """
    _positive(budget_days=budget_days, window_days=window_days, share=share)
    return min(1.0, share * window_days / budget_days)


def bonferroni(alpha: float, tests: int) -> float:
    """The level of each of `tests` tests so that together they err with at most `alpha`.

    >>> bonferroni(0.01, 50)
    0.0002
    """
    return alpha / max(tests, 1)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values, in the order given: those at or below alpha are rejected at alpha together.

    Valid under any dependence and never weaker than Bonferroni (Holm 1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def days_by_chance(p_value: float, tests: int, window_days: float) -> float:
    """Days between chance events as extreme as the most extreme of `tests` p-values; at most 1e12.

    >>> round(days_by_chance(1e-4, 50, 1.0))
    200
    >>> days_by_chance(1e-300, 1, 1.0)
    1000000000000.0
    """
    _positive(window_days=window_days)
    probability = min(1.0, p_value * max(tests, 1))
    if probability * MOST_DAYS <= window_days:
        return MOST_DAYS
    return window_days / probability


def score(days: float, budget_days: float) -> float:
    """`log10(1 + D) / log10(1 + B)`: 1 where chance gives such an event once per budget.

    `budget_days` is the kind's own budget: the model's days divided by the kind's share.

    >>> score(30.0, 30.0), round(score(1e12, 30.0), 2)
    (1.0, 8.05)
    """
    _positive(budget_days=budget_days)
    return math.log1p(days) / math.log1p(budget_days)


def _positive(**values: float) -> None:
    """Refuse what is not a positive number, by name."""
    for name, value in values.items():
        if not value > 0:
            message = f"{name} is {value}; it is a positive number"
            raise ValueError(message)
