"""Every detector on every column of one window: statistics, and what the decisions need of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor import verdicts
from monitor.budget import bonferroni, days_by_chance, level
from monitor.errors import DetectorError
from monitor.plan import Plan, Test
from monitor.problems import column_problems, window_problems
from monitor.profile import Profile, compact
from monitor.quality import facts
from monitor.quality import problems as quality_problems
from monitor.scan import WindowData
from monitor.stats.bins import CategoricalReference, ColumnCounts, ColumnReference, present
from monitor.stats.effects import describe, effect, material
from monitor.types import Decision, DriftNorm, Kind, Problem, Reason, Statistic
from monitor.verdicts import Measurement


@dataclass(frozen=True, slots=True)
class Measured:
    """What the rows of one window say, labels left out."""

    decisions: Mapping[Kind, Decision]
    statistics: tuple[Statistic, ...]
    norms: tuple[DriftNorm, ...]
    problems: tuple[Problem, ...]
    profile: bytes


ROW_KINDS = (Kind.COVARIATE, Kind.PREDICTION, Kind.QUALITY)


def window(plan: Plan, data: WindowData) -> Measured:
    """Measure one window; under `min_rows` nothing is measured and every verdict is unknown."""
    kinds = [kind for kind in ROW_KINDS if kind in plan.budgets]
    problems = (*window_problems(plan, data), *column_problems(plan, data.profile))
    blob = compact(data.profile)
    if data.profile.rows < plan.min_rows:
        reason = (
            f"{data.profile.rows} rows, fewer than window.min_rows ({plan.min_rows})"
            if data.profile.rows
            else "no rows"
        )
        nothing = {kind: verdicts.unknown(kind, reason) for kind in kinds}
        return Measured(nothing, (), (), problems, blob)
    found = [*_tests(plan, data.profile), *facts(plan, data)]
    by_kind = {kind: [each for each in found if each.statistic.kind is kind] for kind in kinds}
    return Measured(
        {
            kind: verdicts.decide(kind, each, plan.budgets[kind], timed=plan.calendar is not None)
            for kind, each in by_kind.items()
        },
        tuple(each.statistic for each in found),
        tuple(norm for kind in kinds if (norm := verdicts.norm_over_columns(kind, by_kind[kind]))),
        (*problems, *quality_problems(plan, data, found)),
        blob,
    )


def _tests(plan: Plan, profile: Profile) -> list[Measurement]:
    found = []
    for test in plan.tests:
        if test.kind is Kind.LABEL:
            continue
        _, reference = plan.reference.columns[test.column.name]
        live = profile.columns.get(test.column.name)
        if test.column.name in profile.absent or live is None:
            found.append(not_measured(test, Reason.ABSENT_COLUMN))
        else:
            found.append(measure(plan, test, reference, live))
    return found


def measure(plan: Plan, test: Test, reference: ColumnReference, live: ColumnCounts) -> Measurement:
    """One detector on one column; a detector that fails costs this statistic and nothing else."""
    if isinstance(reference, CategoricalReference) and reference.bins.high_cardinality:
        return not_measured(test, Reason.HIGH_CARDINALITY)
    if not live.rows:
        return not_measured(test, Reason.EMPTY_WINDOW)
    if not test.detector.quality and not live.observed:
        return not_measured(test, Reason.ALL_MISSING)
    try:
        return _measured(plan, test, reference, live)
    except DetectorError:
        return not_measured(test, Reason.UNDEFINED)
    except (ArithmeticError, ValueError, TypeError):
        return not_measured(test, Reason.DETECTOR_FAILED)


def not_measured(test: Test, reason: Reason) -> Measurement:
    """The statistic without a value, and why."""
    statistic = Statistic(test.kind, test.column.name, test.detector.token, None, reason=reason)
    return Measurement(statistic, None, material=False, default=test.default)


def _measured(plan: Plan, test: Test, reference: ColumnReference, live: ColumnCounts) -> Measurement:
    value = test.detector.value(reference, live)
    null = test.detector.null(reference, live)
    p_value = null.sf(value)
    alpha = level(plan.budgets[test.kind], plan.window_days)
    line = test.fixed if test.fixed is not None else null.isf(bonferroni(alpha, plan.tests_of(test.kind)))
    forced = test.fixed is not None and value >= test.fixed
    statistic = Statistic(
        test.kind, test.column.name, test.detector.token, value, line, p_value, drifted=value >= line
    )
    decisive = _decisive(test, reference, live, p_value)
    days = None
    if test.fixed is None:
        days = days_by_chance(decisive, plan.tests_of(test.kind), plan.window_days)
    # words and effects cost more than the statistic and matter only where something moved
    moved = forced or (days is not None and verdicts.significant(days, plan.budgets[test.kind]))
    if not moved:
        return Measurement(statistic, days, material=False, forced=forced, default=test.default)
    size = effect(reference, live)
    what = "share" if test.detector.quality else "distribution"
    return Measurement(
        statistic,
        days,
        material=material(size, plan.minimum, test.detector.token if test.detector.quality else what),
        forced=forced,
        default=test.default,
        words=describe(test.column.name, reference, live, test.detector.token, private=test.column.private),
    )


def _decisive(test: Test, reference: ColumnReference, live: ColumnCounts, p_value: float) -> float:
    """The p-value that may open the alarm: missing and unseen rows alone open `quality`, no other kind."""
    if test.detector.quality or live.observed == live.rows:
        return p_value
    shown, seen = present(reference.counts), present(live)
    if not seen.observed:
        return 1.0
    only = type(reference)(reference.bins, shown)  # type: ignore[arg-type]  # counts keep their type
    return test.detector.null(only, seen).sf(test.detector.value(only, seen))
