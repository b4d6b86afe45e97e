"""The series of one model: its view as (family, label values, value), bounded in number and in length."""

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

from monitor.export.view import Detail, ModelView
from monitor.types import Kind, Statistic, iso

Point: TypeAlias = tuple[str, tuple[str, ...], float | None]
"""Name of the family, values of its labels, value; None where it is not known: no series."""

WORST_COLUMNS: Final = 20
MOST_CLASSES: Final = 50
MOST_VERSIONS: Final = 50
LONGEST_LABEL: Final = 128


def label_value(text: str) -> str:
    """The text as a label value: valid Unicode, at most 128 characters, different for different texts.

    >>> label_value("temp")
    'temp'
    >>> len(label_value("x" * 1000)), label_value("x" * 1000) != label_value("x" * 1001)
    (128, True)
    """
    valid = text.encode("utf-8", "replace").decode()
    if valid == text and len(text) <= LONGEST_LABEL:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{valid[: LONGEST_LABEL - 13]}~{digest}"


def tag_label(tag: str) -> str:
    """The label name of a tag.

    >>> tag_label("cost-centre")
    'tag_cost_centre'
    """
    return "tag_" + re.sub(r"[^a-zA-Z0-9_]", "_", tag)


def extremity(statistic: Statistic) -> float:
    """Value / threshold: at 1 the line is reached; 0 where either is not known, or both are 0."""
    if statistic.value is None or statistic.threshold is None or math.isnan(statistic.value):
        return 0.0
    if statistic.threshold <= 0:
        return math.inf if statistic.value > 0 else 0.0
    return statistic.value / statistic.threshold


def worst_columns(statistics: Iterable[Statistic], limit: int = WORST_COLUMNS) -> tuple[str, ...]:
    """The columns with the largest value / threshold of any detector, worst first, ties by name."""
    worst: dict[str, float] = {}
    for statistic in statistics:
        if statistic.column:
            worst[statistic.column] = max(worst.get(statistic.column, 0.0), extremity(statistic))
    return tuple(sorted(worst, key=lambda column: (-worst[column], column))[:limit])


def model_labels(view: ModelView) -> dict[str, str]:
    """The labels of `driftd_model_info`."""
    labels = {"model": view.model, "owner": label_value(view.owner), "task": str(view.task or "")}
    for tag, value in sorted(view.tags.items()):
        labels.setdefault(tag_label(tag), label_value(value))
    return labels


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _times(view: ModelView) -> Iterator[Point]:
    model = (view.model,)
    yield "driftd_run_interval_seconds", model, view.interval_seconds
    yield "driftd_next_run_timestamp_seconds", model, _seconds(view.next_run)
    yield "driftd_last_run_timestamp_seconds", model, _seconds(view.last_run)
    yield "driftd_last_success_timestamp_seconds", model, _seconds(view.last_success)
    yield "driftd_window_end_timestamp_seconds", model, _seconds(view.window_end)
    yield "driftd_window_length_seconds", model, view.window_seconds
    yield "driftd_window_lateness_seconds", model, view.lateness_seconds


def _runs(view: ModelView) -> Iterator[Point]:
    for outcome, count in view.runs.items():
        yield "driftd_runs_total", (view.model, outcome), count
    for reason, count in view.skipped.items():
        yield "driftd_runs_skipped_total", (view.model, reason), count


def _events(view: ModelView) -> Iterator[Point]:
    known = [(moment, version) for version, moment in view.versions.items() if moment is not None]
    for moment, version in sorted(known, reverse=True)[:MOST_VERSIONS]:
        yield (
            "driftd_version_first_seen_timestamp_seconds",
            (view.model, label_value(version)),
            _seconds(moment),
        )
    for event in view.planned:
        labels = (view.model, label_value(event.reason), iso(event.start))
        yield "driftd_planned_start_timestamp_seconds", labels, _seconds(event.start)
        yield "driftd_planned_end_timestamp_seconds", labels, _seconds(event.end)
    yield "driftd_accepted_timestamp_seconds", (view.model,), _seconds(view.accepted)


def _rows(view: ModelView) -> Iterator[Point]:
    if view.evaluation is not None:
        yield "driftd_window_rows", (view.model,), view.evaluation.rows
        yield "driftd_window_labelled_rows", (view.model,), view.evaluation.labelled_rows
        versions = view.evaluation.versions
        for name in sorted(versions, key=lambda name: (-versions[name], name))[:MOST_VERSIONS]:
            yield "driftd_version_rows", (view.model, label_value(name)), versions[name]
    yield "driftd_label_coverage_ratio", (view.model,), view.label_coverage
    arrival = view.newest.label_arrival if view.newest is not None else None
    if arrival is not None:
        yield "driftd_labels_overdue", (view.model,), arrival.overdue
        yield "driftd_labels_due_seconds", (view.model,), arrival.due_seconds
        for share, seconds in arrival.curve.items():
            yield "driftd_label_age_seconds", (view.model, share), seconds


def _shown(view: ModelView) -> Collection[str]:
    """The columns that have series of their own; the model as a whole always has."""
    if view.detail is Detail.SUMMARY:
        return {""}
    if view.detail is Detail.COLUMNS:
        return {"", *worst_columns(view.statistics)}
    return {each.column for each in view.statistics}


_RATIOS: Final = {"missing": "driftd_missing_ratio", "unseen": "driftd_unseen_category_ratio"}


def _statistics(view: ModelView) -> Iterator[Point]:
    shown = _shown(view)
    for each in view.statistics:
        if each.column not in shown or each.value is None or not math.isfinite(each.value):
            continue
        labels = (view.model, each.kind, label_value(each.column), each.detector, label_value(each.segment))
        yield "driftd_statistic", labels, each.value
        yield "driftd_statistic_threshold", labels, each.threshold
        yield "driftd_statistic_drifted", labels, each.drifted
        if each.column and not each.segment and each.detector in _RATIOS:
            yield _RATIOS[each.detector], (view.model, label_value(each.column)), each.value


def _columns(view: ModelView) -> Iterator[Point]:
    drifted: dict[Kind, set[str]] = {}
    for each in view.statistics:
        if each.column and each.value is not None:
            beyond = drifted.setdefault(each.kind, set())
            if each.drifted:
                beyond.add(each.column)
    for kind, columns in drifted.items():
        yield "driftd_drifted_columns", (view.model, kind), len(columns)
    for norm in view.norms:
        values = {"l0": norm.l0, "l1": norm.l1, "l2": norm.l2, "linf": norm.linf}
        for name, value in values.items():
            yield "driftd_drift_norm", (view.model, norm.kind, name), value


def _alarms(view: ModelView) -> Iterator[Point]:
    for verdict in view.verdicts:
        labels = (view.model, verdict.kind, label_value(verdict.segment))
        yield "driftd_alarm", labels, verdict.alarm
        yield "driftd_alarm_score", labels, verdict.score
        if verdict.alarm:
            yield "driftd_alarm_since_timestamp_seconds", labels, _seconds(verdict.since)
    for kind, count in view.alarms_total.items():
        yield "driftd_alarms_total", (view.model, kind), count


def _promises(view: ModelView) -> Iterator[Point]:
    for each in view.promises:
        labels = (view.model, each.kind)
        yield "driftd_alarm_false_alarms_per_30d", labels, each.false_alarms_per_30d
        yield "driftd_alarm_budget_per_30d", labels, each.budget_per_30d
        yield "driftd_calibration_effective_windows", labels, each.effective_windows
        yield "driftd_calibration_provisional", labels, each.provisional


def _performance(view: ModelView) -> Iterator[Point]:
    for each in view.performance:
        if each.reason is not None:
            continue  # an estimate that is not to be trusted is told in pages and lines only
        labels = (view.model, each.metric, each.source)
        yield "driftd_performance", labels, each.value
        yield "driftd_performance_lower", labels, each.lower
        yield "driftd_performance_upper", labels, each.upper
        yield "driftd_performance_reference", labels, each.reference


def _estimates(view: ModelView) -> Iterator[Point]:
    for metric, record in (view.newest.estimates if view.newest is not None else {}).items():
        labels = (view.model, metric)
        yield "driftd_estimate_windows", labels, record.windows
        yield "driftd_estimate_absolute_error", labels, record.absolute_error / record.windows
        yield "driftd_estimate_held_ratio", labels, record.held / record.windows


def _classes(view: ModelView) -> Iterator[Point]:
    if view.private_classes:
        return
    shares = view.class_shares
    reference = shares.get("reference", {})
    largest: dict[str, float] = {}
    for known in shares.values():
        for name, share in known.items():
            largest[name] = max(largest.get(name, 0.0), share)
    # the reference first: it does not change from window to window, so the choice does not either
    order = sorted(largest, key=lambda name: (-reference.get(name, 0.0), -largest[name], name))
    shown = set(order[:MOST_CLASSES])
    for source, known in shares.items():
        for name, share in known.items():
            if name in shown:
                yield "driftd_label_ratio", (view.model, label_value(name), source), share


def _stream(view: ModelView) -> Iterator[Point]:
    if view.stream is not None:
        yield "driftd_adwin_width", (view.model,), view.stream.width
        yield "driftd_error_rate", (view.model,), view.stream.error_rate


def _problems(view: ModelView) -> Iterator[Point]:
    columns: dict[str, set[str]] = {}
    for problem in view.problems:
        columns.setdefault(problem.reason, set()).add(problem.column)
    for reason, names in columns.items():
        yield "driftd_column_problems", (view.model, reason), len(names)
    for reason, count in view.window_problems.items():
        yield "driftd_window_problems_total", (view.model, reason), count


def _errors(view: ModelView) -> Iterator[Point]:
    for (stage, reason), count in view.errors.items():
        yield "driftd_errors_total", (view.model, stage, reason), count


Builder: TypeAlias = Callable[[ModelView], Iterator[Point]]

BUILDERS: Final[tuple[Builder, ...]] = (
    _times,
    _runs,
    _events,
    _rows,
    _statistics,
    _columns,
    _alarms,
    _promises,
    _performance,
    _estimates,
    _classes,
    _stream,
    _problems,
    _errors,
)
"""Each on its own, so that one that fails takes no other series with it."""
