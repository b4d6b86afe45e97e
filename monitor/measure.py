"""Every detector on every column of one window: statistics, and what the decisions need of them."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor import row_tests, verdicts
from monitor.budget import days_by_chance
from monitor.errors import DetectorError
from monitor.panels import MISSING, read_rows
from monitor.plan import Plan, Test
from monitor.problems import column_problems, window_problems
from monitor.profile import Profile, compact, summarized
from monitor.quality import facts
from monitor.quality import problems as quality_problems
from monitor.scan import WindowData
from monitor.state import Reading
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    present,
)
from monitor.stats.effects import Effect, describe, effect, material
from monitor.stats.outside import far_outside
from monitor.types import Decision, DriftNorm, Kind, Problem, Reason, Statistic
from monitor.verdicts import Measurement

log = logging.getLogger(__name__)

DISTRIBUTION, UNSEEN, OUT_OF_RANGE = "distribution", "unseen", "out_of_range"
SHARES = frozenset({MISSING, UNSEEN, OUT_OF_RANGE})
"""The respects in which a column changes: of these quality detectors the share, of others the whole."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the rows of one window say, labels left out."""

    decisions: Mapping[Kind, Decision]
    readings: Mapping[Kind, Reading]
    statistics: tuple[Statistic, ...]
    norms: tuple[DriftNorm, ...]
    problems: tuple[Problem, ...]
    profile: bytes


ROW_KINDS = (Kind.COVARIATE, Kind.PREDICTION, Kind.QUALITY)


def window(plan: Plan, data: WindowData, more: Sequence[Measurement] = ()) -> Measured:
    """Measure one window; under `min_rows` nothing is measured and every verdict is unknown.

    `more`: what else was measured at its tick.
    """
    kinds = [kind for kind in ROW_KINDS if kind in plan.budgets]
    problems = (*window_problems(plan, data), *column_problems(plan, data.profile))
    stored = replace(
        summarized(data.profile, plan.panels.summarizers),
        correlations=plan.panels.correlations(data.sample),
        reference=plan.reference.fingerprint,
    )
    if data.profile.rows < plan.min_rows:
        reason = (
            f"{data.profile.rows} rows, fewer than window.min_rows ({plan.min_rows})"
            if data.profile.rows
            else "no rows"
        )
        nothing = {kind: verdicts.unknown(kind, reason) for kind in kinds}
        return Measured(nothing, {}, (), (), problems, compact(stored))
    found = [*_tests(plan, data.profile), *row_tests.measured(plan, data.sample), *facts(plan, data), *more]
    by_kind = {kind: [each for each in found if each.statistic.kind is kind] for kind in kinds}
    return Measured(
        {
            kind: verdicts.decide(kind, each, plan.budgets[kind], timed=plan.calendar is not None)
            for kind, each in by_kind.items()
        },
        {kind: read for kind in kinds if (read := read_rows(plan.panels, stored, kind)) is not None},
        tuple(each.statistic for each in found),
        tuple(norm for kind in kinds if (norm := verdicts.norm_over_columns(kind, by_kind[kind]))),
        (*problems, *quality_problems(plan, data, found), *_failures(found)),
        compact(stored),
    )


def words(plan: Plan, kind: Kind, column: str, live: ColumnCounts) -> str:
    """What moved in this column, from what to what."""
    known, reference = plan.reference.columns[column]
    what = MISSING if kind is Kind.QUALITY else ""
    return describe(column, reference, live, what, private=known.private)


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
    except MemoryError:
        raise
    except Exception as error:  # detectors of others may raise anything
        extra = {"model": plan.model, "detector": test.detector.token}
        log.error("detector failed", exc_info=not test.column.private, extra=extra)  # noqa: TRY400 - see above
        said = type(error).__name__ if test.column.private else f"{type(error).__name__}: {error}"
        return not_measured(test, Reason.DETECTOR_FAILED, said)


def not_measured(test: Test, reason: Reason, words: str = "") -> Measurement:
    """The statistic without a value, and why."""
    statistic = Statistic(test.kind, test.column.name, test.detector.token, None, reason=reason)
    return Measurement(statistic, None, material=False, default=test.default, words=words)


def _failures(measurements: Iterable[Measurement]) -> Iterator[Problem]:
    for each in measurements:
        if each.statistic.reason is Reason.DETECTOR_FAILED:
            name = each.statistic.column
            where = f" on {name!r}" if name else ""
            text = f"the detector {each.statistic.detector} failed{where}: {each.words}; the others go on"
            yield Problem(name, Reason.DETECTOR_FAILED, text)


def _measured(plan: Plan, test: Test, reference: ColumnReference, live: ColumnCounts) -> Measurement:
    value = float(test.detector.value(reference, live))
    if not math.isfinite(value):
        message = f"{test.detector.token} is {value}"
        raise DetectorError(message)
    null = test.detector.null(reference, live)
    p_value = null.sf(value)
    line = test.fixed
    if line is None:
        line = null.isf(plan.level_of(test.kind)) + plan.excess_of(test)
    forced = test.fixed is not None and value >= test.fixed
    statistic = Statistic(
        test.kind, test.column.name, test.detector.token, value, line, p_value, drifted=value >= line
    )
    if informs(plan, test, live):
        return Measurement(statistic, None, material=False, default=test.default, informs=True)
    days = None
    if test.fixed is None:
        decisive = _decisive(test, reference, live, p_value)
        days = days_by_chance(decisive, plan.tests_of(test.kind), plan.window_days)
    # words and effects cost more than the statistic and matter only where something moved
    moved = forced or (days is not None and verdicts.significant(days, plan.budgets[test.kind]))
    if not moved:
        return Measurement(statistic, days, material=False, forced=forced, default=test.default)
    what, matters = _matters(plan, test, effect(reference, live))
    return Measurement(
        statistic,
        days,
        material=matters,
        forced=forced,
        default=test.default,
        words=describe(test.column.name, reference, live, what, private=test.column.private),
    )


def informs(plan: Plan, test: Test, live: ColumnCounts) -> bool:
    """Whether the statistic only tells, since calibration decides on this column in its stead.

    A class that the reference's labels lack is in no calibrated cell: there the statistic decides. Values
    outside of the reference's range are broken only where they are far outside; else they moved.
    """
    calibrated = plan.calibrated(test.kind)
    if test.fixed is not None or calibrated is None:
        return False
    if test.kind is not Kind.QUALITY and test.column.name not in calibrated.columns:
        return False
    if test.kind is Kind.QUALITY:
        if test.detector.token == OUT_OF_RANGE:
            return not far_outside(plan.panels.references[test.column.name], live)
        return test.detector.token == MISSING
    return not (test.kind is Kind.LABEL and isinstance(live, CategoricalCounts) and live.unseen)


def _matters(plan: Plan, test: Test, size: Effect) -> tuple[str, bool]:
    """In which respect the column changed, and whether that is material."""
    what = test.detector.token if test.detector.quality else DISTRIBUTION
    if test.detector.quality and what not in SHARES:
        return what, True  # no effect is known of it, so its null decides
    if material(size, plan.minimum, what):
        return what, True
    # a class that the reference's labels lack is label shift: labels have no quality of their own
    if test.kind is Kind.LABEL and material(size, plan.minimum, UNSEEN):
        return UNSEEN, True
    return what, False


def _decisive(test: Test, reference: ColumnReference, live: ColumnCounts, p_value: float) -> float:
    """The p-value that may open the alarm: missing and unseen rows alone open `quality`, no other kind."""
    if test.detector.quality or test.kind is Kind.LABEL or not (_beside(reference.counts) or _beside(live)):
        return p_value
    only, seen = reference.present, present(live)
    if not only.counts.observed or not seen.observed:
        return 1.0
    return test.detector.null(only, seen).sf(test.detector.value(only, seen))


def _beside(counts: ColumnCounts) -> int:
    """How many rows are missing, unseen or infinite."""
    more = counts.unseen if isinstance(counts, CategoricalCounts) else counts.pos_inf + counts.neg_inf
    return counts.missing + more
