"""Measurements of one kind in one window become one decision within the budget of that kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.budget import score
from monitor.stats import norms
from monitor.types import Decision, DriftNorm, Kind, Statistic

NAMED = 3
"""How many columns a reason names before it counts the rest."""
MOST_DAYS = 1e12


@dataclass(frozen=True, slots=True)
class Measurement:
    """A statistic with what a decision needs of it.

    `days`: days between chance events this extreme over all tests of the kind, None where unknown.
    `forced`: the value is at or above a line that the user fixed. `words`: what moved, from what to what.
    """

    statistic: Statistic
    days: float | None
    material: bool
    forced: bool = False
    default: bool = True
    words: str = ""


def decide(kind: Kind, measurements: Sequence[Measurement], budget: float, *, timed: bool) -> Decision:
    """Open, or not: the score of the rarest measurement against the budget, in days.

    A kind in which nothing could be measured is unknown. Without time (`timed` false) days are windows.
    """
    measured = [each for each in measurements if each.days is not None or each.forced]
    if not measured:
        return unknown(kind, _why_not(measurements))
    beyond = [each for each in measured if _beyond(each, budget)]
    alarming = [each for each in beyond if each.material or each.forced]
    named = sorted(alarming or beyond, key=_extremity)
    days = max(_days(each) for each in alarming or measured)
    return Decision(
        kind,
        known=True,
        score=max(score(days, budget), 1.0) if alarming else score(days, budget),
        days_by_chance=days if timed else None,
        material=bool(alarming),
        quiet=not alarming,
        columns=tuple(dict.fromkeys(each.statistic.column for each in named if each.statistic.column)),
        reason=_reason(named, days, material=bool(alarming), timed=timed),
    )


def unknown(kind: Kind, reason: str) -> Decision:
    """The decision that there is none, and why."""
    return Decision(kind, known=False, reason=reason)


def norm_over_columns(kind: Kind, measurements: Sequence[Measurement]) -> DriftNorm | None:
    """Norms over columns of the largest value / threshold of each column's default detectors.

    `l0` counts the columns at or beyond their line. None where no column could be measured.
    """
    worst: dict[str, float] = {}
    for each in measurements:
        statistic = each.statistic
        if not each.default or not statistic.column or statistic.value is None or not statistic.threshold:
            continue
        ratio = statistic.value / statistic.threshold
        worst[statistic.column] = max(worst.get(statistic.column, 0.0), ratio)
    if not worst:
        return None
    ratios = list(worst.values())
    beyond = float(sum(ratio >= 1 for ratio in ratios))
    return DriftNorm(kind, beyond, norms.l1(ratios), norms.l2(ratios), norms.linf(ratios))


def _days(each: Measurement) -> float:
    return min(each.days, MOST_DAYS) if each.days is not None else 0.0


def significant(days: float, budget: float) -> bool:
    """Whether chance gives such an event at most once per budget."""
    return score(days, budget) >= 1


def _beyond(each: Measurement, budget: float) -> bool:
    return each.forced or (each.days is not None and significant(each.days, budget))


def _extremity(each: Measurement) -> tuple[float, float]:
    statistic = each.statistic
    ratio = (statistic.value or 0.0) / statistic.threshold if statistic.threshold else 0.0
    return (-_days(each), -ratio)


def _why_not(measurements: Sequence[Measurement]) -> str:
    reasons = sorted({str(each.statistic.reason) for each in measurements if each.statistic.reason})
    return f"nothing could be measured: {', '.join(reasons)}" if reasons else "nothing could be measured"


def _reason(named: Sequence[Measurement], days: float, *, material: bool, timed: bool) -> str:
    if not named:
        return ""
    first: dict[str, Measurement] = {}
    for each in named:
        first.setdefault(each.statistic.column, each)
    parts = [_moved(each) for each in list(first.values())[:NAMED]]
    if len(first) > NAMED:
        parts.append(f"and {len(first) - NAMED} more columns")
    unit = "days" if timed else "windows"
    chance = f"by chance once in {days:,.0f} {unit}" if days < MOST_DAYS else "not by chance"
    if all(each.forced and each.days is None for each in named):
        chance = "at or above the line that the model file fixes"
    small = "" if material else "; smaller than min_effect"
    return f"{'; '.join(parts)}; {chance}{small}"


def _moved(each: Measurement) -> str:
    statistic = each.statistic
    numbers = ""
    if statistic.value is not None:
        line = f" (line {statistic.threshold:.2g})" if statistic.threshold is not None else ""
        numbers = f", {statistic.detector} {statistic.value:.3g}{line}"
    return f"{each.words}{numbers}"
