"""What the labels of one window say: label shift, performance, concept drift, each with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor import measure, outcomes, streams, verdicts
from monitor.budget import days_by_chance, level
from monitor.label_problems import REASONS, label_problems, too_few
from monitor.labels import in_row, open_window, read_labels
from monitor.plan import Plan
from monitor.state import PendingWindow, StreamState
from monitor.stats import residuals
from monitor.streams import BY_CLASS, BY_SCORE, ERROR, feed
from monitor.types import (
    Decision,
    DriftNorm,
    Kind,
    PerformanceMetric,
    Problem,
    Reason,
    Severity,
    State,
    Statistic,
    StreamSummary,
    Verdict,
)
from monitor.verdicts import Measurement

__all__ = [
    "REASONS",
    "decide",
    "decision",
    "describe",
    "feed",
    "in_row",
    "kinds",
    "open_window",
    "read_labels",
    "unknown_verdicts",
]

KINDS = (Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT)
TESTS = {Kind.PERFORMANCE: 2, Kind.CONCEPT: 2}
"""The window's own test and the stream detector share the budget of their kind."""


@dataclass(frozen=True, slots=True)
class Found:
    """The part of a line that follows from labels."""

    statistics: tuple[Statistic, ...] = ()
    performance: tuple[PerformanceMetric, ...] = ()
    problems: tuple[Problem, ...] = ()
    norms: tuple[DriftNorm, ...] = ()
    class_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stream: StreamSummary | None = None


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """The kinds that read labels and that the model's data allow."""
    return tuple(kind for kind in KINDS if kind in plan.budgets)


def decision(window: PendingWindow, kind: Kind) -> Decision:
    """The window's newest decision of this kind."""
    return window.decisions.get(kind) or verdicts.unknown(kind, "no labels yet")


def unknown_verdicts(plan: Plan) -> tuple[Verdict, ...]:
    """The verdicts of a window without rows, in which nothing can be said."""
    return tuple(
        Verdict(kind, State.UNKNOWN, False, None, Severity.NONE, False, None, None, (), {}, "no rows")
        for kind in kinds(plan)
    )


def decide(plan: Plan, classes: Sequence[str], window: PendingWindow, *, final: bool) -> PendingWindow:
    """The window with the decision of each kind, given the labels that it has."""
    why_not = too_few(plan, window, final=final)
    found: dict[Kind, Decision] = {}
    for kind in kinds(plan):
        hit = str(kind) in window.hits
        if window.rows < plan.min_rows or (why_not and not hit):
            found[kind] = verdicts.unknown(kind, why_not or "fewer rows than window.min_rows")
        else:
            measured = _measurements(plan, classes, window, kind)
            found[kind] = verdicts.decide(kind, measured, plan.budgets[kind], timed=plan.calendar is not None)
    return replace(window, decisions=_explained(plan, window, found))


def describe(
    plan: Plan,
    classes: Sequence[str],
    state: Mapping[str, StreamState],
    window: PendingWindow,
    *,
    final: bool,
) -> Found:
    """Statistics, performance and problems of the window, given the labels that it has."""
    if window.rows < plan.min_rows:
        return Found(stream=streams.summary(plan, state))
    problems = label_problems(plan, classes, window, final=final)
    measured = {kind: _measurements(plan, classes, window, kind) for kind in kinds(plan)}
    estimates = streams.values(plan, state)
    return Found(
        tuple(
            _with_estimate(plan, each.statistic, estimates) for group in measured.values() for each in group
        ),
        outcomes.performance(plan, classes, window),
        problems,
        tuple(norm for kind in measured if (norm := verdicts.norm_over_columns(kind, measured[kind]))),
        outcomes.class_shares(plan, classes, window),
        streams.summary(plan, state),
    )


def _with_estimate(plan: Plan, statistic: Statistic, estimates: Mapping[Kind, float]) -> Statistic:
    """The stream detector's statistic with where its stream stands: estimated minus reference error."""
    assert plan.labelled is not None
    if statistic.detector != plan.labelled.stream.detector or statistic.value is None:
        return statistic
    return replace(statistic, value=estimates.get(statistic.kind, statistic.value))


def _measurements(plan: Plan, classes: Sequence[str], window: PendingWindow, kind: Kind) -> list[Measurement]:
    if kind is Kind.LABEL:
        return _label_shift(plan, classes, window)
    return _errors(plan, window, kind)


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


def _errors(plan: Plan, window: PendingWindow, kind: Kind) -> list[Measurement]:
    """The window's own test against the reference, and what the stream detector found in it."""
    token = "mean_error" if kind is Kind.PERFORMANCE else "mean_residual"
    tests = outcomes.error_tests(plan, window)
    hit = str(kind) in window.hits
    assert plan.labelled is not None
    stream = plan.labelled.stream.detector
    if tests is None:
        nothing = Reason.NO_PREDICTION if window.labelled else Reason.NO_LABELS
        return [
            Measurement(Statistic(kind, "", name, None, reason=nothing), None, material=False)
            for name in (token, stream)
        ]
    # concept: the error must have risen beyond what the scores and beyond what the classes explain
    weakest = (
        tests[ERROR]
        if kind is Kind.PERFORMANCE
        else max(tests[BY_SCORE], tests[BY_CLASS], key=lambda each: each.p_value)
    )
    budget = plan.budgets[kind]
    alpha = level(budget, plan.window_days) / TESTS[kind]
    line = residuals.line(weakest, int(outcomes.judged(window).sum()), alpha)
    days = days_by_chance(weakest.p_value, TESTS[kind], plan.window_days)
    material = weakest.mean - weakest.standard_error >= plan.minimum.error
    what = (
        "error rose" if kind is Kind.PERFORMANCE else "error rose beyond what scores and class shares explain"
    )
    reference = plan.labelled.errors.mean
    words = f"{what}: {reference:.3g} to {reference + tests[ERROR].mean:.3g}"
    own = Measurement(
        Statistic(kind, "", token, weakest.mean, line, weakest.p_value, drifted=weakest.mean >= line),
        days,
        material=material,
        words=words,
    )
    found = Statistic(kind, "", stream, weakest.mean, None, None, drifted=hit)
    return [
        own,
        Measurement(
            found,
            budget if hit else 0.0,
            material=hit and weakest.mean >= plan.minimum.error / 2,
            words=words,
        ),
    ]


def _explained(plan: Plan, window: PendingWindow, found: dict[Kind, Decision]) -> dict[Kind, Decision]:
    """Where the error rose and concept did not open, say what explains it."""
    performance, concept = found.get(Kind.PERFORMANCE), found.get(Kind.CONCEPT)
    if performance is None or concept is None or not performance.known or not concept.known:
        return found
    if performance.quiet or not concept.quiet:
        return found
    tests = outcomes.error_tests(plan, window)
    if tests is None:
        return found
    by_inputs = tests[BY_SCORE].mean < tests[BY_CLASS].mean
    said = "explained by inputs" if by_inputs else "explained by class shares"
    return {
        **found,
        Kind.PERFORMANCE: replace(performance, reason=f"{performance.reason}; {said}"),
        Kind.CONCEPT: replace(concept, reason=f"the error moved, {said}"),
    }
