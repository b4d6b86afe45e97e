"""What the labels of one window say: label shift, performance, concept drift, each with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor import error_words, measure, outcomes, relation_shift, residual_shift, streams, verdicts
from monitor.budget import days_by_chance, level
from monitor.label_files import read_labels
from monitor.label_problems import REASONS, label_problems, too_few
from monitor.labels import in_row, open_window
from monitor.panels import WHOLE, read_distributions
from monitor.plan import Plan
from monitor.profile import Profile, summarized
from monitor.state import PendingWindow, Reading, StreamState
from monitor.stats import residuals
from monitor.stats.residuals import ResidualTest
from monitor.streams import BY_CLASS, BY_SCORE, ERROR, Detectors, feed
from monitor.types import (
    Decision,
    DriftNorm,
    Kind,
    PerformanceMetric,
    Problem,
    Reason,
    Statistic,
    StreamSummary,
)
from monitor.verdicts import Measurement

__all__ = [
    "REASONS",
    "Detectors",
    "decide",
    "decision",
    "describe",
    "feed",
    "in_row",
    "kinds",
    "open_window",
    "read_labels",
]

KINDS = (Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT)
TESTS = 2
"""The window's own test and the stream detector share a kind's budget; of a regression two more do."""


@dataclass(frozen=True, slots=True)
class Found:
    """The part of a line that follows from labels."""

    statistics: tuple[Statistic, ...] = ()
    performance: tuple[PerformanceMetric, ...] = ()
    problems: tuple[Problem, ...] = ()
    norms: tuple[DriftNorm, ...] = ()
    class_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stream: StreamSummary | None = None


def with_estimate(
    plan: Plan, window: PendingWindow | None, measurement: Measurement | None, *, moved: bool
) -> PendingWindow | None:
    """The window with what its predictions decide of the class shares until its labels do.

    `moved`: whether its inputs are in alarm.
    """
    if window is None:
        return None
    window = replace(window, moved=moved)
    if measurement is None or Kind.LABEL not in plan.budgets:
        return window
    budget, timed = plan.budgets[Kind.LABEL], plan.calendar is not None
    return replace(window, estimate=verdicts.decide(Kind.LABEL, [measurement], budget, timed=timed))


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """The kinds that read labels and that the model's data allow."""
    return tuple(kind for kind in KINDS if kind in plan.budgets)


def decision(window: PendingWindow, kind: Kind) -> Decision:
    """The window's newest decision of this kind."""
    return window.decisions.get(kind) or verdicts.unknown(kind, "no labels yet")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the labels of one window show: measurements by kind, and the tests on the errors."""

    by_kind: Mapping[Kind, Sequence[Measurement]]
    tests: Mapping[str, ResidualTest] | None


def measured(plan: Plan, classes: Sequence[str], window: PendingWindow) -> Measured:
    """Every measurement of the window, given the labels that it has."""
    tests = outcomes.error_tests(plan, window)
    return Measured(
        {
            kind: _label_shift(plan, classes, window)
            if kind is Kind.LABEL
            else [*_errors(plan, window, kind, tests), *_beside(plan, window, kind)]
            for kind in kinds(plan)
        },
        tests,
    )


def decide(
    plan: Plan, classes: Sequence[str], window: PendingWindow, *, final: bool
) -> tuple[PendingWindow, Measured | None]:
    """The window with the decision of each kind, and the measurements where they carry one."""
    why_not = too_few(plan, window, final=final)
    if window.rows < plan.min_rows:
        why_not = (why_not or "fewer rows than window.min_rows") if window.rows else "no rows"
    if why_not and (window.rows < plan.min_rows or not window.hits):
        unknown = {kind: _untold(window, kind, why_not) for kind in kinds(plan)}
        return replace(window, decisions=unknown, readings={}), None
    found = measured(plan, classes, window)
    decisions = {
        kind: _untold(window, kind, why_not)
        if why_not and str(kind) not in window.hits
        else verdicts.decide(kind, each, plan.budgets[kind], timed=plan.calendar is not None)
        for kind, each in found.by_kind.items()
    }
    readings = {} if why_not else readings_of(plan, classes, window, found.tests)
    return replace(window, decisions=_explained(plan, decisions, found.tests), readings=readings), found


def _untold(window: PendingWindow, kind: Kind, why_not: str) -> Decision:
    """What holds while labels are too few: of the class shares, what predictions tell."""
    estimate = window.estimate if kind is Kind.LABEL else None
    return estimate if estimate is not None and estimate.known else verdicts.unknown(kind, why_not)


def readings_of(
    plan: Plan, classes: Sequence[str], window: PendingWindow, tests: Mapping[str, ResidualTest] | None
) -> dict[Kind, Reading]:
    """What calibration reads of the window's labels."""
    readings: dict[Kind, Reading] = {}
    names = plan.panels.columns.get(Kind.LABEL, ())
    if names and window.labelled:
        live = {
            name: outcomes.label_counts(plan.panels.references[name], classes, window.labels)
            for name in names
        }
        stored = summarized(Profile(window.labelled, live), plan.panels.summarizers).columns
        words = {name: measure.words(plan, Kind.LABEL, name, counts) for name, counts in live.items()}
        readings[Kind.LABEL] = read_distributions(plan.panels, stored, words)
    if tests is not None and plan.errors is not None:
        rows = (float(outcomes.judged(window).sum()),)
        error = plan.errors.mean + tests[ERROR].mean
        words = {kind: error_words.words(plan, kind, tests) for kind in (Kind.PERFORMANCE, Kind.CONCEPT)}
        signed = residual_shift.tests_of(plan, window)
        also = residual_shift.values(plan.errors, signed) if signed is not None else ()
        if signed is not None:
            words[Kind.PERFORMANCE] = f"{words[Kind.PERFORMANCE]}; {residual_shift.words(plan, signed)}"
        readings[Kind.PERFORMANCE] = Reading(rows, (error, *also), {WHOLE: words[Kind.PERFORMANCE]})
        residuals_ = (tests[BY_SCORE].mean, tests[BY_CLASS].mean)
        readings[Kind.CONCEPT] = Reading(rows, residuals_, {WHOLE: words[Kind.CONCEPT]})
    return readings


def describe(
    plan: Plan,
    classes: Sequence[str],
    opened: Detectors,
    state: Mapping[str, StreamState],
    window: PendingWindow,
    found: Measured | None,
    *,
    final: bool,
) -> Found:
    """Statistics, performance and problems of the window, given the labels that it has.

    `found`: what `decide` measured, None where it did not.
    """
    if window.rows < plan.min_rows:
        return Found(stream=streams.summary(opened, state))
    by_kind = (found or measured(plan, classes, window)).by_kind
    estimates = streams.values(plan, opened, state)
    return Found(
        tuple(
            _with_estimate(plan, each.statistic, estimates) for group in by_kind.values() for each in group
        ),
        outcomes.performance(plan, classes, window),
        label_problems(plan, classes, window, final=final),
        tuple(norm for kind in by_kind if (norm := verdicts.norm_over_columns(kind, by_kind[kind]))),
        outcomes.class_shares(plan, classes, window),
        streams.summary(opened, state),
    )


def _with_estimate(plan: Plan, statistic: Statistic, estimates: Mapping[Kind, float]) -> Statistic:
    """The stream detector's statistic with where its stream stands: estimated minus reference error."""
    assert plan.labelled is not None
    if statistic.detector != plan.labelled.stream.detector or statistic.value is None:
        return statistic
    return replace(statistic, value=estimates.get(statistic.kind, statistic.value))


def _label_shift(plan: Plan, classes: Sequence[str], window: PendingWindow) -> list[Measurement]:
    tests = [test for test in plan.tests if test.kind is Kind.LABEL]
    if not window.labelled:
        return [measure.not_measured(test, Reason.NO_LABELS) for test in tests]
    found = []
    for test in tests:
        _, reference = plan.reference.columns[test.column.name]
        live = outcomes.label_counts(reference, classes, window.labels)
        found.append(measure.measure(plan, test, reference, live))
    return found


def _errors(
    plan: Plan, window: PendingWindow, kind: Kind, tests: Mapping[str, ResidualTest] | None
) -> list[Measurement]:
    """The window's own test against the reference, and what the stream detector found in it."""
    token = "mean_error" if kind is Kind.PERFORMANCE else "mean_residual"
    hit = str(kind) in window.hits
    assert plan.labelled is not None
    assert plan.errors is not None
    stream = plan.labelled.stream.detector
    if tests is None:
        nothing = Reason.NO_PREDICTION if window.labelled else Reason.NO_LABELS
        return [
            Measurement(Statistic(kind, "", name, None, reason=nothing), None, material=False)
            for name in (token, stream)
        ]
    weakest = tests[ERROR] if kind is Kind.PERFORMANCE else error_words.weakest(tests)
    budget = plan.budgets[kind]
    count = _tests(plan, kind)
    alpha = level(budget, plan.window_days) / count
    line = residuals.line(weakest, int(outcomes.judged(window).sum()), alpha)
    days = days_by_chance(weakest.p_value, count, plan.window_days)
    material = weakest.mean - weakest.standard_error >= plan.minimum.error
    calibrated = plan.calibrated(kind) is not None
    words = error_words.words(plan, kind, tests)
    own = Measurement(
        Statistic(kind, "", token, weakest.mean, line, weakest.p_value, drifted=weakest.mean >= line),
        None if calibrated else days,
        material=material,
        words=words,
        informs=calibrated,
    )
    found = Statistic(kind, "", stream, weakest.mean, None, None, drifted=hit)
    return [
        own,
        Measurement(
            found,
            budget if hit else 0.0,
            material=hit and weakest.mean >= plan.minimum.error / 2,
            words=words,
            informs=calibrated,
        ),
    ]


def _beside(plan: Plan, window: PendingWindow, kind: Kind) -> Iterator[Measurement]:
    """What else labels tell: whether they depend on features as they did, and whether residuals moved."""
    if kind is Kind.CONCEPT:
        yield from relation_shift.measured(plan, window)
    else:
        yield from residual_shift.measured(plan, window, _tests(plan, kind))


def _tests(plan: Plan, kind: Kind) -> int:
    """Over how many tests a kind's budget is split where it is not calibrated."""
    signed = kind is Kind.PERFORMANCE and plan.errors is not None and plan.errors.signed is not None
    return TESTS + len(residual_shift.TOKENS) * signed


def _explained(
    plan: Plan, found: Mapping[Kind, Decision], tests: Mapping[str, ResidualTest] | None
) -> Mapping[Kind, Decision]:
    """Where the error rose and concept did not move, say what explains it."""
    performance, concept = found.get(Kind.PERFORMANCE), found.get(Kind.CONCEPT)
    if performance is None or concept is None or not concept.known or tests is None:
        return found
    rose = not performance.quiet or error_words.moved(plan, tests[ERROR])
    if not rose or not concept.quiet or not error_words.is_explained(plan, tests):
        return found
    return {
        **found,
        Kind.CONCEPT: replace(concept, reason=f"the error moved, {error_words.explanation(tests)}"),
    }
