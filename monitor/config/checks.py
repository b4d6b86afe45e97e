"""Faults between keys that are each right on their own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from monitor.config.positions import Where
from monitor.config.schema import ColumnsConfig, DefaultDetectors, ModelConfig
from monitor.config.units import Duration
from monitor.types import Task

Found: TypeAlias = Iterator[tuple[Where, str]]

LEAST_WINDOWS = 10
"""How many windows a rolling reference holds at least."""


@dataclass(frozen=True, slots=True)
class Check:
    """A rule and the sections that must be valid before it can be asked."""

    sections: frozenset[str]
    find: Callable[[ModelConfig], Found]


def _bounds(config: ModelConfig) -> Found:
    reference = config.reference
    if reference.start is not None and reference.end is not None and reference.start >= reference.end:
        yield (
            ("reference", "end"),
            "the end is not after the start; a reference holds the times from start up to end",
        )
    if reference.keep is not None and reference.mode != "rolling":
        yield ("reference", "keep"), "keep goes with mode rolling only; a fixed reference keeps everything"


def _keep(config: ModelConfig) -> Found:
    """A rolling reference must hold enough windows to tell how much they vary."""
    keep, length = config.reference.keep, config.window.length
    if config.reference.mode != "rolling" or config.columns.timestamp is None or keep is None:
        return
    least = Duration(days=length.days * LEAST_WINDOWS, seconds=length.seconds * LEAST_WINDOWS)
    if keep.nominal < least.nominal:
        message = f"keep holds at least {LEAST_WINDOWS} windows of {length}; write {least} or longer"
        yield ("reference", "keep"), message


def _time(config: ModelConfig) -> Found:
    """Keys that mean nothing where every file is one window."""
    if config.columns.timestamp is not None:
        return
    timeless = "needs columns.timestamp: without it every file is one window"
    for section, keys in (
        ("reference", ("start", "end")),
        ("live", ("start",)),
        ("ground_truth", ("horizon",)),
        ("window", ("length", "lateness")),
    ):
        part = getattr(config, section)
        for key in keys:
            if part is not None and key in part.model_fields_set and getattr(part, key) is not None:
                yield (section, key), f"{key} {timeless}"
    if config.reference.mode == "rolling":
        yield ("reference", "mode"), f"mode rolling {timeless}"
    if config.reference.season in {"hour", "week"}:
        yield ("reference", "season"), f"season {config.reference.season} {timeless}"


def _planned(config: ModelConfig) -> Found:
    for index, event in enumerate(config.planned):
        if event.start >= event.end:
            yield ("planned", index, "end"), "the end is not after the start"
    if config.planned and config.columns.timestamp is None:
        yield ("planned",), "planned needs columns.timestamp: without it every file is one window"


def _budget(config: ModelConfig) -> Found:
    if config.columns.timestamp is None and config.alarms.false_alarms.period is not None:
        message = "a budget in time needs columns.timestamp; without it write one like 1 per 100 windows"
        yield ("alarms", "false_alarms"), message


def _ground_truth(config: ModelConfig) -> Found:
    if config.ground_truth is None:
        return
    if config.columns.id is None:
        yield ("columns", "id"), "ground_truth needs columns.id: labels are joined to rows by id"
    if config.columns.label is None:
        message = (
            "ground_truth needs columns.label: the reference's label, which new labels are compared with"
        )
        yield ("columns", "label"), message
    names = {key: getattr(config.ground_truth, key) for key in ("id", "label", "timestamp")}
    names["id"] = names["id"] or config.columns.id
    names["label"] = names["label"] or config.columns.label
    seen: dict[str, str] = {}
    for key, name in names.items():
        if name is not None and name in seen:
            yield (
                ("ground_truth", key),
                f'the column "{name}" is the {seen[name]} already; a column has one role',
            )
        elif name is not None:
            seen[name] = key


def _roles(columns: ColumnsConfig) -> Iterator[tuple[Where, str, str]]:
    """Where a column is named, its role in words, its name."""
    for role in ("timestamp", "id", "prediction", "label", "version"):
        name = getattr(columns, role)
        if name is not None:
            yield ("columns", role), f"the {role}", name
    if isinstance(columns.probability, str):
        yield ("columns", "probability"), "the probability", columns.probability
    elif columns.probability is not None:
        for of, name in columns.probability.items():
            yield ("columns", "probability", of), f"the probability of {of}", name


def _one_role_each(config: ModelConfig) -> Found:
    roles: dict[str, str] = {}
    for where, role, name in _roles(config.columns):
        if name in roles:
            yield where, f'the column "{name}" is {roles[name]} already; a column has one role'
        else:
            roles[name] = role
    features = config.columns.features
    for key in ("numeric", "categorical", "ignore", "private"):
        listed: dict[str, str] = {} if key == "private" else roles
        for index, name in enumerate(getattr(features, key)):
            where = ("columns", "features", key, index)
            if name in listed:
                yield where, f'the column "{name}" is {listed[name]} already; name it once'
            listed.setdefault(name, f"in features.{key}")


def _task(config: ModelConfig) -> Found:
    columns = config.columns
    by_class = columns.probability if isinstance(columns.probability, dict) else None
    if config.task is Task.REGRESSION and columns.probability is not None:
        yield ("columns", "probability"), "a regression has no class probabilities; leave the key out"
    if config.task in {Task.REGRESSION, Task.MULTICLASS} and columns.positive is not None:
        yield ("columns", "positive"), f"task {config.task} has no positive class; leave the key out"
    if config.task is Task.MULTICLASS and isinstance(columns.probability, str):
        yield ("columns", "probability"), "task multiclass needs a map {class: column}"
    if by_class is not None and len(by_class) < 2:
        yield (
            ("columns", "probability"),
            "a map names at least two classes; for one column write its name alone",
        )
    if config.task is Task.BINARY and by_class is not None and len(by_class) > 2:
        yield ("columns", "probability"), f"task binary has two classes, the map has {len(by_class)}"
    if (
        by_class is not None
        and columns.positive is not None
        and _class_text(columns.positive) not in by_class
    ):
        classes = ", ".join(by_class)
        yield (
            ("columns", "positive"),
            f"the positive class is not among those of columns.probability: {classes}",
        )


def _estimate(config: ModelConfig) -> Found:
    if config.estimate.weighting == "importance" and config.columns.probability is None:
        message = "weighting calibrates probabilities; it needs columns.probability"
        yield ("estimate", "weighting"), message


def _class_text(value: object) -> str:
    """A class as it is written: `true` for a boolean, 1 for 1.0."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _schedule(config: ModelConfig) -> Found:
    if config.schedule.cron is not None and "every" in config.schedule.model_fields_set:
        yield ("schedule", "cron"), "a schedule has either every or cron; leave one out"


def _detectors(config: ModelConfig) -> Found:
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(config.detectors):
        if isinstance(entry, DefaultDetectors):
            if index:
                yield ("detectors", index, "defaults"), "defaults: off stands first in the list"
            continue
        if "*" in entry.columns and len(entry.columns) > 1:
            yield ("detectors", index, "columns"), '"*" already is every column; leave the others out'
        for place, name in enumerate(entry.columns):
            where = ("detectors", index, "columns", place)
            first = seen.setdefault((entry.detector, name), index)
            if first != index or name in entry.columns[:place]:
                yield where, f'{entry.detector} on "{name}" stands in detectors.{first} already; keep one'
    if not config.default_detectors and not config.chosen_detectors:
        yield ("detectors",), "the defaults are off and no detector is listed: nothing would be measured"


def _detector_columns(config: ModelConfig) -> Found:
    unmeasured = dict.fromkeys(config.columns.features.ignore, "ignored by columns.features")
    for role in ("timestamp", "id", "version"):
        name = getattr(config.columns, role)
        if name is not None:
            unmeasured[name] = f"the {role}"
    for index, entry in enumerate(config.detectors):
        for place, name in enumerate(() if isinstance(entry, DefaultDetectors) else entry.columns):
            if name in unmeasured:
                message = f'the column "{name}" is {unmeasured[name]}, so no detector measures it'
                yield ("detectors", index, "columns", place), message


CHECKS = tuple(
    Check(frozenset(sections), find)
    for sections, find in (
        (("reference",), _bounds),
        (("columns", "reference", "window"), _keep),
        (("columns", "reference", "live", "ground_truth", "window"), _time),
        (("columns", "planned"), _planned),
        (("columns", "alarms"), _budget),
        (("columns", "ground_truth"), _ground_truth),
        (("columns",), _one_role_each),
        (("columns", "task"), _task),
        (("columns", "estimate"), _estimate),
        (("schedule",), _schedule),
        (("detectors",), _detectors),
        (("detectors", "columns"), _detector_columns),
    )
)
