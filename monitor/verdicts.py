"""Measurements of one kind in one window become one decision within the budget of that kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.budget import score
from monitor.stats import norms
from monitor.types import Decision, DriftNorm, Kind, Statistic, iso

NAMED = 3
"""How many columns a reason names before it counts the rest."""
MOST_DAYS = 1e12


@dataclass(frozen=True, slots=True)
class Measurement:
    """A statistic with what a decision needs of it.

    `days`: days between chance events this extreme over all tests of the kind; None where nothing was
    measured, and where the user fixed the line, outside of the budget. `forced`: the value is at or
    above that line. `words`: what moved, from what to what. `informs`: it tells, and decides nothing.
    """

    statistic: Statistic
    days: float | None
    material: bool
    forced: bool = False
    default: bool = True
    words: str = ""
    informs: bool = False
    columns: tuple[str, ...] = ()
    """Of a statistic of the whole model, the columns that moved."""


def decide(kind: Kind, measurements: Sequence[Measurement], budget: float, *, timed: bool) -> Decision:
    """Open, or not: the score of the rarest measurement against the budget, in days.

    A value at a line that the user fixed scores 1, one below it the part of the line that it reaches.
    A kind in which nothing could be measured is unknown. Without time (`timed` false) days are windows.
    """
    deciding = [each for each in measurements if not each.informs]
    measured = [each for each in deciding if each.days is not None or each.statistic.value is not None]
    if not measured:
        return unknown(kind, _why_not(deciding or measurements))
    beyond = [each for each in measured if _beyond(each, budget)]
    alarming = [each for each in beyond if each.material or each.forced]
    named = sorted(alarming or beyond, key=_extremity)
    scored = alarming or measured
    days = max((_days(each) for each in scored if each.days is not None), default=None)
    return Decision(
        kind,
        known=True,
        score=max(_score(each, budget) for each in scored),
        days_by_chance=days if timed else None,
        material=bool(alarming),
        quiet=not alarming,
        columns=_columns(named),
        reason=_reason(named, days, material=bool(alarming), timed=timed),
    )


def _columns(named: Sequence[Measurement]) -> tuple[str, ...]:
    found = (name for each in named for name in (each.statistic.column, *each.columns))
    return tuple(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True, slots=True)
class Found:
    """What the calibrated statistics of one kind say of one window.

    `days`: days between chance events this extreme, with the memory of earlier windows. `quiet`: whether
    the window alone is under the line. `columns`: what moved, the surest first. `words`: of the first of
    them, from what to what; of so many `more` columns they do not tell. `began`: when the first of them
    likely began to move, where that was before this window.
    """

    days: float
    quiet: bool
    material: bool = False
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    more: int = 0
    began: datetime | None = None


def joined(own: Decision, found: Found, budget: float, *, timed: bool) -> Decision:
    """What a window decides by itself and what calibrated statistics found, as one decision.

    What opens the alarm goes before what does not, the rarer before the more frequent.
    """
    days = min(found.days, MOST_DAYS)
    beyond = significant(days, budget)
    reason = ""
    if beyond:
        parts = list(found.words)
        if found.more:
            parts.append(f"and {found.more} more column{'s' if found.more > 1 else ''}")
        small = "" if found.material else "; smaller than min_effect"
        if found.began is not None:
            parts.append(f"began about {iso(found.began)}")
        reason = f"{'; '.join(parts)}; {by_chance(days, timed=timed)}{small}"
    calibrated = Decision(
        own.kind,
        known=True,
        score=score(days, budget),
        days_by_chance=days if timed else None,
        material=beyond and found.material,
        quiet=found.quiet,
        columns=found.columns,
        reason=reason,
    )
    return merged(own, calibrated)


def merged(one: Decision, other: Decision) -> Decision:
    """One decision of two of the same window: whichever alarms, else whichever is rarer, tells the score."""
    if not one.known:
        return other
    first, second = sorted((one, other), key=lambda each: (not each.material, -(each.score or 0.0)))
    if first.material and not second.material:
        return replace(first, quiet=one.quiet and other.quiet)
    return replace(
        first,
        quiet=one.quiet and other.quiet,
        columns=tuple(dict.fromkeys((*first.columns, *second.columns))),
        reason="; ".join(each.reason for each in (first, second) if each.reason),
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
    return DriftNorm(
        kind, beyond, float(norms.l1(ratios)), float(norms.l2(ratios)), float(norms.linf(ratios))
    )


def _score(each: Measurement, budget: float) -> float:
    by_chance = score(_days(each), budget)
    if each.forced:
        return max(by_chance, 1.0)
    if each.days is not None:
        return by_chance
    statistic = each.statistic
    return max((statistic.value or 0.0) / statistic.threshold, 0.0) if statistic.threshold else 0.0


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


def _reason(named: Sequence[Measurement], days: float | None, *, material: bool, timed: bool) -> str:
    if not named:
        return ""
    first: dict[str, Measurement] = {}
    for each in named:
        first.setdefault(each.statistic.column, each)
    parts = [_moved(each) for each in list(first.values())[:NAMED]]
    if len(first) > NAMED:
        more = len(first) - NAMED
        parts.append(f"and {more} more column{'s' if more > 1 else ''}")
    fixed = "at or above the line that the model file fixes"
    chance = by_chance(days, timed=timed) if days is not None else fixed
    small = "" if material else "; smaller than min_effect"
    return f"{'; '.join(parts)}; {chance}{small}"


def by_chance(days: float, *, timed: bool) -> str:
    """How often chance gives such an event, in words.

    >>> by_chance(212.3, timed=True), by_chance(1e12, timed=True)
    ('by chance once in 212 days', 'not by chance')
    """
    if days >= MOST_DAYS:
        return "not by chance"
    number = f"{days:,.0f}" if days >= 1 else f"{days:.2g}"
    return f"by chance once in {number} {'days' if timed else 'windows'}"


def _moved(each: Measurement) -> str:
    statistic = each.statistic
    numbers = ""
    if statistic.value is not None:
        line = f" (line {statistic.threshold:.2g})" if statistic.threshold is not None else ""
        numbers = f", {statistic.detector} {statistic.value:.3g}{line}"
    return f"{each.words or statistic.column or statistic.kind}{numbers}"
