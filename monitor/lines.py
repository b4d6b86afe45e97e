"""The JSON line of one evaluation, to the letter of the interface; the store keeps the same form."""

import json
from datetime import datetime

from monitor.types import (
    DriftNorm,
    EstimateRecord,
    Evaluation,
    LabelArrival,
    LabelShift,
    PerformanceChange,
    PerformanceMetric,
    Problem,
    Promise,
    Statistic,
    StreamSummary,
    Verdict,
    Window,
    iso,
)


def line(evaluation: Evaluation) -> str:
    """One line of strict JSON: keys in the order of the interface, times in UTC, no NaN, no Infinity.

    A value that is not finite raises ValueError: what is unknown is None and comes with a reason.

    >>> from datetime import UTC
    >>> line(Evaluation("m", Window(None, None, "a.csv"), datetime(2024, 2, 10, tzinfo=UTC),
    ...                 3, 0, False, False, 0.5, (), (), (), ()))[:60]
    '{"model": "m", "window": {"start": null, "end": null, "file"'
    """
    try:
        return json.dumps(document(evaluation), allow_nan=False)
    except ValueError as error:
        message = f"model {evaluation.model}, window {evaluation.window.key}: {error}"
        raise ValueError(message) from error


def document(evaluation: Evaluation) -> dict[str, object]:
    """The evaluation as what `json.dumps` takes; the keys of the interface first, its additions after."""
    return {
        "model": evaluation.model,
        "window": window(evaluation.window),
        "rows": int(evaluation.rows),
        "labelled_rows": int(evaluation.labelled_rows),
        "restated": bool(evaluation.restated),
        "final": bool(evaluation.final),
        "seconds": float(evaluation.seconds),
        "verdicts": [verdict(one) for one in evaluation.verdicts],
        "statistics": [statistic(one) for one in evaluation.statistics],
        "performance": [performance(one) for one in evaluation.performance],
        "label_shift": shift(evaluation.label_shift),
        "problems": [problem(one) for one in evaluation.problems],
        "norms": [norm(one) for one in evaluation.norms],
        "class_shares": {
            source: {name: float(share) for name, share in shares.items()}
            for source, shares in evaluation.class_shares.items()
        },
        "stream": stream(evaluation.stream),
        "promises": [promise(one) for one in evaluation.promises],
        "versions": {version: int(rows) for version, rows in evaluation.versions.items()},
        "label_arrival": arrival(evaluation.label_arrival),
        "estimates": {name: record(each) for name, each in evaluation.estimates.items()},
        "change": change(evaluation.change),
        "tick": iso(evaluation.tick),
    }


def window(record: Window) -> dict[str, object]:
    """Start and end, or the file."""
    return {"start": _moment(record.start), "end": _moment(record.end), "file": record.file}


def verdict(record: Verdict) -> dict[str, object]:
    """The decision of one kind."""
    return {
        "kind": record.kind.value,
        "segment": record.segment,
        "state": record.state.value,
        "alarm": bool(record.alarm),
        "score": _number(record.score),
        "severity": record.severity.value,
        "material": bool(record.material),
        "days_by_chance": _number(record.days_by_chance),
        "since": _moment(record.since),
        "columns": list(record.columns),
        "column_since": {column: iso(since) for column, since in record.column_since.items()},
        "reason": record.reason,
    }


def statistic(record: Statistic) -> dict[str, object]:
    """One number for one kind, column and detector."""
    return {
        "kind": record.kind.value,
        "segment": record.segment,
        "column": record.column,
        "detector": record.detector,
        "value": _number(record.value),
        "threshold": _number(record.threshold),
        "p_value": _number(record.p_value),
        "drifted": bool(record.drifted),
        "reason": None if record.reason is None else record.reason.value,
    }


def performance(record: PerformanceMetric) -> dict[str, object]:
    """One metric of the model's performance."""
    return {
        "metric": record.metric,
        "source": record.source,
        "value": _number(record.value),
        "lower": _number(record.lower),
        "upper": _number(record.upper),
        "reference": _number(record.reference),
        "reason": None if record.reason is None else record.reason.value,
    }


def problem(record: Problem) -> dict[str, object]:
    """Something that the user should know."""
    return {"column": record.column, "reason": record.reason.value, "message": record.message}


def norm(record: DriftNorm) -> dict[str, object]:
    """The norms over columns of one kind."""
    return {
        "kind": record.kind.value,
        "l0": float(record.l0),
        "l1": float(record.l1),
        "l2": float(record.l2),
        "linf": float(record.linf),
    }


def promise(record: Promise) -> dict[str, object]:
    """What the calibration of one kind promises."""
    return {
        "kind": record.kind.value,
        "budget_per_30d": _number(record.budget_per_30d),
        "false_alarms_per_30d": _number(record.false_alarms_per_30d),
        "lower": _number(record.lower),
        "upper": _number(record.upper),
        "effective_windows": _number(record.effective_windows),
        "provisional": bool(record.provisional),
        "reason": record.reason,
    }


def stream(record: StreamSummary | None) -> dict[str, object] | None:
    """Where the error stream stands, None without one."""
    if record is None:
        return None
    return {"width": int(record.width), "error_rate": float(record.error_rate)}


def shift(record: LabelShift | None) -> dict[str, object] | None:
    """The class shares that predictions tell, None where nothing is estimated."""
    if record is None:
        return None
    return {
        "method": record.method,
        "valid": bool(record.valid),
        "estimate": {name: float(share) for name, share in record.estimate.items()},
        "lower": {name: float(share) for name, share in record.lower.items()},
        "upper": {name: float(share) for name, share in record.upper.items()},
        "p_value": _number(record.p_value),
        "reason": None if record.reason is None else record.reason.value,
    }


def record(found: EstimateRecord) -> dict[str, object]:
    """How right the estimates of one metric were."""
    return {
        "windows": int(found.windows),
        "absolute_error": float(found.absolute_error),
        "error": float(found.error),
        "held": int(found.held),
    }


def change(record: PerformanceChange | None) -> dict[str, object] | None:
    """What explains the performance, None where nothing is estimated."""
    if record is None:
        return None
    return {
        "metric": record.metric,
        "reference": float(record.reference),
        "inputs": float(record.inputs),
        "class_shares": float(record.class_shares),
        "relation": _number(record.relation),
        "realised": _number(record.realised),
    }


def arrival(record: LabelArrival | None) -> dict[str, object] | None:
    """Whether labels come as they usually do, None where nothing is known of that."""
    if record is None:
        return None
    return {
        "due_seconds": float(record.due_seconds),
        "usual": float(record.usual),
        "due_rows": int(record.due_rows),
        "labelled": int(record.labelled),
        "overdue": float(record.overdue),
        "curve": {share: float(seconds) for share, seconds in record.curve.items()},
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
