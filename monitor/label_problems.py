"""What the user should know of the labels of one window: none, few, contradictory, of one or a new class."""

from collections.abc import Iterator, Sequence

import numpy as np

from monitor.plan import Plan
from monitor.state import PendingWindow
from monitor.types import Column, Problem, Reason, Role, Task

REASONS = frozenset(
    {
        Reason.NO_LABELS,
        Reason.TOO_FEW_LABELS,
        Reason.DUPLICATE_LABEL,
        Reason.NO_PREDICTION,
        Reason.ONE_CLASS,
        Reason.UNSEEN_CLASS,
    }
)
"""Reasons of problems that labels make or mend: replaced when a window is restated."""

ENOUGH_COVERAGE = 0.5
"""Share of labelled rows from which a window that still awaits labels is judged."""
ENOUGH_LABELS = 30
"""Labels under which no verdict is given, however low `min_rows` is."""


def too_few(plan: Plan, window: PendingWindow, *, final: bool) -> str:
    """Why the labels do not carry a verdict; empty where they do."""
    labelled = window.labelled
    if not labelled:
        return "no labels" if final else "no labels yet"
    enough = max(ENOUGH_LABELS, plan.min_rows // 2)
    if labelled < enough:
        return f"{labelled} labels, fewer than {enough}"
    if not final and labelled < ENOUGH_COVERAGE * window.rows:
        return f"{labelled} of {window.rows} rows have their label, fewer than half"
    return ""


def label_problems(
    plan: Plan, classes: Sequence[str], window: PendingWindow, *, final: bool
) -> tuple[Problem, ...]:
    """The problems of a window with at least `min_rows`, given the labels that it has."""
    name = plan.names.label or ""
    found = []
    if not window.labelled:
        got = "got its label before the window was final" if final else "has its label yet"
        found.append(Problem(name, Reason.NO_LABELS, f"none of {window.rows} rows {got}"))
    elif reason := too_few(plan, window, final=True):
        found.append(Problem(name, Reason.TOO_FEW_LABELS, reason))
    if window.conflicts:
        text = f"{window.conflicts} ids came with several different labels; the first of each holds"
        found.append(Problem(name, Reason.DUPLICATE_LABEL, text))
    known = ~np.isnan(window.labels)
    if plan.errors is not None and known.any() and np.isnan(window.predictions[known]).all():
        text = "no labelled row has a prediction, so there is no error to judge"
        found.append(Problem(plan.names.prediction or "", Reason.NO_PREDICTION, text))
    if known.any() and plan.task in {Task.BINARY, Task.MULTICLASS}:
        found += _of_classes(plan, classes, window)
    return tuple(found)


def _of_classes(plan: Plan, classes: Sequence[str], window: PendingWindow) -> Iterator[Problem]:
    """Labels of one class only, or of classes that the reference's labels lack."""
    column = _label(plan)
    if plan.labelled is None or column is None:
        return
    codes = window.labels[~np.isnan(window.labels)].astype(np.int64)
    counts = {classes[code]: count for code, count in enumerate(np.bincount(codes).tolist()) if count}
    shares = plan.labelled.class_shares
    if len(counts) == 1 and sum(share > 0 for share in shares.values()) > 1:
        which = "of one class" if column.private else f"{next(iter(counts))!r}"
        text = f"all {len(codes)} labels are {which}; what compares classes is undefined"
        yield Problem(column.name, Reason.ONE_CLASS, text)
    new = {name: count for name, count in counts.items() if not shares.get(name)}
    if new:
        shown = "" if column.private else ", as " + ", ".join(map(repr, list(new)[:3]))
        rows = sum(new.values())
        text = f"{rows} of {len(codes)} labels are of classes that the reference's labels lack{shown}"
        yield Problem(column.name, Reason.UNSEEN_CLASS, text)


def _label(plan: Plan) -> Column | None:
    return next(iter(plan.columns(Role.LABEL)), None)
