"""What is broken rather than moved and needs no null of its own: absent, constant, retyped, repeated."""

from collections.abc import Iterator, Sequence

import numpy as np

from monitor.budget import MOST_DAYS, days_by_chance
from monitor.plan import Plan
from monitor.scan import WindowData
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericCounts,
    NumericReference,
)
from monitor.types import Column, Kind, Problem, Reason, Statistic
from monitor.verdicts import Measurement

NEARLY_CONSTANT = 0.9
"""Where one cell had this share in a window of the reference, one value only is no sign of a fault."""
ABSENT, CONSTANT, TYPE, DUPLICATE_ID = "absent", "constant", "type", "duplicate_id"
TOKENS = {
    ABSENT: "the column is in no row, though the reference has it",
    CONSTANT: "the column has one value only, where the reference has several",
    TYPE: "share of values that cannot be read as the reference's type",
    DUPLICATE_ID: "share of rows that repeat the id of another",
}
"""The tokens of these statistics and what they mean."""


def facts(plan: Plan, data: WindowData) -> Iterator[Measurement]:
    """The measurements of one window; deterministic ones cost nothing of the budget."""
    for name, live in data.profile.columns.items():
        column, reference = plan.reference.columns[name]
        if isinstance(reference, CategoricalReference) and reference.bins.high_cardinality:
            continue
        if name in data.profile.absent:
            words = f"{name} is absent"
            yield _certain(name, ABSENT, 1.0, words, material=True)
            continue
        yield _constant(plan, column, reference, live)
        if isinstance(live, NumericCounts):
            share = live.invalid / live.rows
            words = f"{name} has {share:.1%} values that are no numbers"
            yield _certain(name, TYPE, share, words, material=share >= plan.minimum.share)
    if plan.names.id is not None:
        yield _duplicates(plan, data)


def problems(plan: Plan, data: WindowData, measurements: Sequence[Measurement]) -> Iterator[Problem]:
    """The columns that have one value only where chance does not explain it."""
    for each in measurements:
        name = each.statistic.column
        if each.statistic.detector != CONSTANT or not each.statistic.drifted:
            continue
        column, reference = plan.reference.columns[name]
        live = data.profile.columns[name]
        value = "" if column.private else f" {_only_value(reference, live)}"
        text = (
            f"column {name!r} has the single value{value} in {live.observed} rows; the reference has several"
        )
        yield Problem(name, Reason.CONSTANT, text)


def _only_value(reference: ColumnReference, live: ColumnCounts) -> str:
    if isinstance(live, NumericCounts):
        return f"{live.low:g}"
    assert isinstance(reference, CategoricalReference)
    names = (*reference.bins.categories, *live.unseen_names)
    counts = [*live.categories.tolist(), *live.unseen_names.values()]
    return next(repr(name) for name, count in zip(names, counts, strict=True) if count)


def _certain(column: str, token: str, value: float, words: str, *, material: bool) -> Measurement:
    """A fact that chance does not bring about."""
    statistic = Statistic(Kind.QUALITY, column, token, value, drifted=value > 0)
    return Measurement(statistic, MOST_DAYS if value > 0 else 0.0, material=material, words=words)


def _constant(plan: Plan, column: Column, reference: ColumnReference, live: ColumnCounts) -> Measurement:
    """One value in every row: by chance with the probability that the reference's rows give it."""
    name = column.name
    if not live.observed:
        nothing = Statistic(Kind.QUALITY, name, CONSTANT, None, reason=Reason.ALL_MISSING)
        return Measurement(nothing, None, material=False)
    share = _only_share(reference, live)
    if share is None:
        return Measurement(Statistic(Kind.QUALITY, name, CONSTANT, 0.0, p_value=1.0), 0.0, material=False)
    p_value = max(share**live.observed, 1e-300)
    tests = plan.tests_of(Kind.QUALITY)
    drifted = p_value <= plan.level_of(Kind.QUALITY)
    statistic = Statistic(Kind.QUALITY, name, CONSTANT, 1.0, p_value=p_value, drifted=drifted)
    days = days_by_chance(p_value, tests, plan.window_days)
    usual = plan.calibrations.most.get(name, 0.0) >= NEARLY_CONSTANT
    return Measurement(statistic, days, material=True, words=f"{name} is constant", informs=usual)


def _only_share(reference: ColumnReference, live: ColumnCounts) -> float | None:
    """The reference's share of the window's only value; None where there are several, or always was one."""
    if isinstance(live, NumericCounts) and isinstance(reference, NumericReference):
        if live.low != live.high or reference.bins.low == reference.bins.high:
            return None
        counts, now = reference.counts.bins, live.bins
    else:
        assert isinstance(live, CategoricalCounts)
        assert isinstance(reference.counts, CategoricalCounts)
        if live.other or list(live.unseen_names.values()) != ([live.unseen] if live.unseen else []):
            return None  # a cell of several categories
        before = reference.counts
        counts = np.array([*before.categories, before.other, before.unseen])
        now = np.array([*live.categories, live.other, live.unseen])
        if (counts > 0).sum() < 2:
            return None
    if (now > 0).sum() != 1:
        return None
    return float((counts[now > 0][0] + 1) / (counts.sum() + 2))


def _duplicates(plan: Plan, data: WindowData) -> Measurement:
    """Rows that repeat an id within the window; ids are meant to be unique."""
    name = plan.names.id or ""
    rows = data.rows
    known = int(rows.identified.sum())
    if not known:
        nothing = Statistic(Kind.QUALITY, name, DUPLICATE_ID, None, reason=Reason.ALL_MISSING)
        return Measurement(nothing, None, material=False)
    share = 1 - data.unique_ids / known
    words = f"{share:.1%} of rows repeat an id"
    return _certain(name, DUPLICATE_ID, share, words, material=share >= plan.minimum.share)
