"""After an alarm: what tells live rows from those of the reference, in words that decide nothing."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from monitor import row_tests
from monitor.plan import Plan
from monitor.row_tests import TELLS
from monitor.sample import Sample, comparable
from monitor.stats.domain_classifier import Separation, Variant, separate
from monitor.types import AlarmState, Decision, Kind, Problem, Reason, Role

log = logging.getLogger(__name__)

DIAGNOSED = (Kind.COVARIATE, Kind.PREDICTION)
"""Alarms of these kinds are about how rows look; the features may tell why."""

Steps: TypeAlias = Mapping[Kind, tuple[Decision, AlarmState, bytes]]
"""By kind the decision on a window, and the memories of alarm and statistics after it."""


def explained(
    plan: Plan, before: Mapping[Kind, AlarmState], steps: Steps, sample: Sample | None
) -> tuple[Steps, tuple[Problem, ...]]:
    """The same steps, what a classifier found in the reasons of alarms that open here, and its failure."""
    opening = [
        kind
        for kind in DIAGNOSED
        if kind in steps and _opens(before.get(kind), steps[kind][1]) and TELLS not in steps[kind][0].reason
    ]
    if not opening or sample is None or plan.reference_sample is None:
        return steps, ()
    try:
        found = _separation(plan.reference_sample(), sample)
    except MemoryError:
        raise
    except Exception as error:  # the alarm stands whatever happens to its diagnosis
        private = any(column.private for column in plan.columns(Role.FEATURE))
        log.error("diagnosis failed", exc_info=not private, extra={"model": plan.model})  # noqa: TRY400 - see above
        text = f"the diagnosis of the alarm failed: {type(error).__name__}; the alarm stands"
        return steps, (Problem("", Reason.DETECTOR_FAILED, text),)
    if found is None or not found.columns:
        return steps, ()
    words = f"; {row_tests.words(plan, found)}"
    return {**steps, **{kind: _with_words(steps[kind], words) for kind in opening}}, ()


def _opens(before: AlarmState | None, after: AlarmState) -> bool:
    return after.open and (before is None or before.since != after.since)


def _separation(reference: Sample, live: Sample) -> Separation | None:
    """None where there are too few rows, or none of the features."""
    try:
        return separate(*comparable(reference, live), Variant.SPARSE)
    except ValueError:
        return None


def _with_words(step: tuple[Decision, AlarmState, bytes], words: str) -> tuple[Decision, AlarmState, bytes]:
    decision, alarm, memory = step
    return (
        replace(decision, reason=f"{decision.reason}{words}"),
        replace(alarm, reason=f"{alarm.reason}{words}"),
        memory,
    )
