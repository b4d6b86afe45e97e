"""What the reference teaches beyond bins: the task, the errors by score and by class, the performance."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor import outcomes, streams
from monitor.columns import digest
from monitor.detectors.base import STREAM_DETECTORS
from monitor.errors import BadReferenceError
from monitor.plan import Labelled, Names, Stream, Target
from monitor.reference import Reference
from monitor.rows import Classes, Rows, concatenate, outcome, rows_of
from monitor.sources.base import Interval, Source
from monitor.stats import residuals, signed_residuals
from monitor.streams import STREAMS
from monitor.types import Problem, Reason, Task
from monitor.within import within

MOST_CLASSES = 50
FACTS, ERRORS = "facts", "errors"
FEWEST_LABELS = 50
"""Labelled rows under which the reference says nothing of labels, or with predictions of errors."""
MOST_ERRORS = 1_000_000
"""How many of the reference's newest errors the stream detectors start from."""


def infer_task(source: Source, column: str | None, interval: Interval | None) -> Task | None:
    """Many numbers, or fractions, are a regression; two classes are binary, more are multiclass."""
    if column is None:
        return None
    classes = Classes(())
    for batch in source.scan((column,), interval):
        outcome(batch.rows, column, None, classes)
        if len(classes.names) > MOST_CLASSES:
            break
    numbers = [number(text) for text in classes.names]
    if all(each is not None for each in numbers):
        whole = all(each is not None and each.is_integer() for each in numbers)
        if not whole or len(numbers) > MOST_CLASSES:
            return Task.REGRESSION
    return Task.BINARY if len(numbers) <= len(("negative", "positive")) else Task.MULTICLASS


def number(text: str) -> float | None:
    """The number that a text reads as.

    >>> number("2"), number("two")
    (2.0, None)
    """
    try:
        return float(text)
    except ValueError:
        return None


def positive_class(chosen: str | None, classes: Sequence[str], *, private: bool = False) -> str | None:
    """The positive class: as chosen, else the greater of two numbers or booleans.

    Errors name no class of a `private` column.

    >>> positive_class(None, ("0", "1"))
    '1'
    """
    named = "" if private else f" {', '.join(classes)}"
    if chosen is not None:
        if classes and chosen not in classes:
            message = f"columns.positive is {chosen!r}, which is none of the reference's classes{named}"
            raise BadReferenceError(message)
        return chosen
    if set(classes) <= {"true", "false"}:
        return "true" if classes else None
    numbers = {name: number(name) for name in classes}
    if any(value is None for value in numbers.values()):
        message = f"columns.positive is needed: which of the classes{named} is the positive one?"
        raise BadReferenceError(message)
    return max(classes, key=lambda name: numbers[name] or 0.0)


def with_labels(
    reference: Reference,
    names: Names,
    source: Source,
    interval: Interval | None,
    task: Task | None,
    positive: str | None,
    stream: tuple[str, object],
) -> Reference:
    """The reference with what follows from its labels and predictions attached."""
    classes = Classes(())
    rows = labelled_rows(names, source, interval, task, classes)
    order = sorted(range(len(classes.names)), key=lambda code: _sort_key(classes.names[code]))
    rows = _recoded(rows, order) if task is not Task.REGRESSION else rows
    texts = tuple(classes.names[code] for code in order)
    found = tuple(map(digest, texts)) if names.private else texts
    chosen = positive_class(positive, texts, private=names.private) if task is Task.BINARY else None
    if chosen is not None and names.private:
        chosen = digest(chosen)
    target = Target(task, found if task is not Task.REGRESSION else (), chosen, _probabilities(names, chosen))
    facts: dict[str, Any] = {"task": task, "classes": target.classes, "positive": target.positive}
    attachments = dict(reference.attachments)
    problems = list(reference.problems)
    labelled = ~np.isnan(rows.labels)
    judged = labelled & ~np.isnan(rows.predictions)
    problems += _too_few(names, int(labelled.sum()), int(judged.sum()))
    if labelled.sum() >= FEWEST_LABELS:
        facts["shares"] = _shares(target, rows.labels[labelled])
    if judged.sum() >= FEWEST_LABELS:
        kept = (rows.labels[judged], rows.predictions[judged], rows.scores[judged])
        errors = _errors(target, *kept)
        attachments[ERRORS] = residuals.to_bytes(errors)
        attachments |= _stream_starts(target, errors, stream, kept)
        facts["performance"] = {
            each.name: each.value
            for each in outcomes.measured(target, found, *kept)
            if each.value is not None
        }
    attachments[FACTS] = json.dumps(facts).encode()
    return replace(reference, attachments=attachments, problems=tuple(problems))


def _too_few(names: Names, labelled: int, judged: int) -> Iterator[Problem]:
    """What the reference's labels do not let be judged."""
    if names.label is not None and labelled < FEWEST_LABELS:
        has = f"{labelled} labels, fewer than {FEWEST_LABELS}" if labelled else "no labels"
        text = f"the reference has {has}, so label shift, performance and concept drift are not judged"
        yield Problem(names.label, Reason.NO_REFERENCE_LABELS, text)
    elif names.label is not None and names.prediction is not None and judged < FEWEST_LABELS:
        text = (
            f"the reference has {judged} rows with label and prediction, fewer than {FEWEST_LABELS}, "
            "so performance and concept drift are not judged"
        )
        yield Problem(names.prediction, Reason.NO_PREDICTION, text)


def labelled_rows(
    names: Names, source: Source, interval: Interval | None, task: Task | None, classes: Classes
) -> Rows:
    """Labels and predictions of the reference in the order of event time; none where it has no labels."""
    wanted = [names.timestamp, names.prediction, *names.probabilities.values(), names.label]
    columns = tuple(dict.fromkeys(name for name in wanted if name))
    if names.label is None or not columns:
        return concatenate(())
    parts = []
    for batch in source.scan(columns, interval):
        times = np.zeros(batch.rows.num_rows, np.int64)
        inside = np.ones(len(times), bool)
        if interval is not None and interval.timestamp in batch.rows.schema.names:
            times, inside = within(batch.rows, interval)
        rows = rows_of(replace_id(names), task, batch.rows, times, classes)
        parts.append(rows.take(np.flatnonzero(inside)))
    rows = concatenate(parts)
    return rows.take(np.argsort(rows.times, kind="stable"))


def replace_id(names: Names) -> Names:
    """The names without the id: ids of the reference are not needed."""
    return replace(names, id=None)


def _sort_key(name: str) -> tuple[bool, float, str]:
    value = number(name)
    return (value is None, value if value is not None else 0.0, name)


def _recoded(rows: Rows, order: Sequence[int]) -> Rows:
    """Class codes in the classes' own order instead of the order of their first row."""
    place = np.empty(len(order) + 1)
    place[list(order)] = np.arange(len(order))
    place[-1] = np.nan

    def recode(codes: NDArray[np.float64]) -> NDArray[np.float64]:
        return place[np.where(np.isnan(codes), len(order), codes).astype(np.int64)]

    return replace(rows, labels=recode(rows.labels), predictions=recode(rows.predictions))


def _errors(
    target: Target, labels: NDArray[np.float64], predictions: NDArray[np.float64], scores: NDArray[np.float32]
) -> residuals.ErrorReference:
    """The reference's errors, overall, by score or prediction, and by class or label."""
    assert target.task is not None
    classes = target.task is not Task.REGRESSION
    scale = 1.0 if classes else residuals.error_scale(labels, predictions)
    found = residuals.learn(
        residuals.row_errors(target.task, labels, predictions, scale),
        predictions,
        labels,
        score=streams.scored(target, predictions, scores) if target.scored else None,
        classes=classes,
        scale=scale,
    )
    if classes:
        return found
    signed = signed_residuals.learn(signed_residuals.residuals(labels, predictions, scale))
    return replace(found, signed=signed)


def _stream_starts(
    target: Target,
    errors: residuals.ErrorReference,
    stream: tuple[str, object],
    kept: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]],
) -> dict[str, bytes]:
    """Each stream detector after the reference's own errors: what it compares the live ones with."""
    token, parameters = stream
    values = streams.errors_of(target, errors, *kept)
    starts = {}
    for name in STREAMS:
        detector = STREAM_DETECTORS.get(token).build(parameters)
        detector.update(values[name][-MOST_ERRORS:])
        starts[f"stream {name}"] = detector.to_state()
    return starts


def _shares(target: Target, labels: NDArray[np.float64]) -> dict[str, float]:
    if target.task is Task.REGRESSION:
        return {}
    counts = np.bincount(labels.astype(np.int64), minlength=len(target.classes))
    return {name: float(count) / len(labels) for name, count in zip(target.classes, counts, strict=True)}


def target_of(reference: Reference, names: Names) -> Target:
    """What the model predicts, as the reference showed it."""
    facts = json.loads(reference.attachments[FACTS])
    task = Task(facts["task"]) if facts["task"] is not None else None
    return Target(task, tuple(facts["classes"]), facts["positive"], _probabilities(names, facts["positive"]))


def _probabilities(names: Names, positive: str | None) -> tuple[str, ...]:
    """The classes that have a probability; a single column is the positive one's."""
    return tuple(name or positive or "" for name in names.probabilities)


def labelled_of(reference: Reference, stream: tuple[str, object]) -> Labelled | None:
    """What the reference's labels fix; None where it has too few."""
    facts: Mapping[str, Any] = json.loads(reference.attachments[FACTS])
    if "shares" not in facts:
        return None
    token, parameters = stream
    starts = {name: reference.attachments.get(f"stream {name}", b"") for name in STREAMS}
    return Labelled(
        residuals.from_bytes(reference.attachments[ERRORS]) if ERRORS in reference.attachments else None,
        facts.get("performance", {}),
        facts["shares"],
        Stream(token, parameters, starts),
    )
