"""Which detectors the model file chooses, and on what."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from monitor.config.schema import DetectorConfig, ModelConfig
from monitor.detectors.base import DETECTORS, ROW_DETECTORS, STREAM_DETECTORS, Detector
from monitor.errors import BadReferenceError
from monitor.plan import RowTest, Test, features_of
from monitor.reference import Reference
from monitor.types import KIND_OF, Column, ColumnType, Kind, Role

DEFAULT_STREAM = "adwin"
DEFAULTS = {
    ColumnType.NUMERIC: ("psi", "ks", "missing", "out_of_range"),
    ColumnType.CATEGORICAL: ("psi", "missing", "unseen"),
}
"""The default detectors by column type; `adwin` on the errors besides."""


def stream_of(config: ModelConfig) -> tuple[str, object]:
    """The stream detector on the errors, with its parameters."""
    for entry in config.chosen_detectors:
        if entry.detector in STREAM_DETECTORS:
            return entry.detector, STREAM_DETECTORS.get(entry.detector).parameters(**entry.parameters)
    return DEFAULT_STREAM, STREAM_DETECTORS.get(DEFAULT_STREAM).parameters()


def row_tests_of(config: ModelConfig, reference: Reference) -> tuple[RowTest, ...]:
    """The detectors on whole rows of all features."""
    found = []
    for entry in config.chosen_detectors:
        if entry.detector not in ROW_DETECTORS:
            continue
        if "*" not in entry.columns:
            message = f"detectors: {entry.detector} reads whole rows; leave out columns, or ignore features"
            raise BadReferenceError(message)
        if not any(features_of(reference)):
            message = f"detectors: {entry.detector} reads features, and the reference has none of use"
            raise BadReferenceError(message)
        member = ROW_DETECTORS.get(entry.detector)
        found.append(RowTest(member.build(member.parameters(**entry.parameters)), entry.threshold))
    return tuple(found)


def tests_of(config: ModelConfig, reference: Reference) -> tuple[Test, ...]:
    """The detectors on the counts of one column each."""
    found: dict[tuple[str, str], Test] = {}
    columns = [column for column, _ in reference.columns.values() if column.role in KIND_OF]
    if config.default_detectors:
        for column in columns:
            for token in DEFAULTS[column.type]:
                _add(found, column, _detector(token, {}), None, default=True)
    for entry in config.chosen_detectors:
        if entry.detector in STREAM_DETECTORS or entry.detector in ROW_DETECTORS:
            continue
        detector = _detector(entry.detector, entry.parameters)
        _check_columns(entry, reference)
        for column in columns:
            fits = column.type in detector.types
            if column.name in entry.columns or ("*" in entry.columns and fits):
                if not fits:
                    message = (
                        f"detectors: {entry.detector} does not fit the {column.type} column {column.name!r}"
                    )
                    raise BadReferenceError(message)
                _add(found, column, detector, entry.threshold, default=not config.default_detectors)
    return tuple(found.values())


def _check_columns(entry: DetectorConfig, reference: Reference) -> None:
    """Refuse a detector on a column that the reference does not have."""
    known = {*reference.seen, *reference.columns}
    for name in entry.columns:
        if name != "*" and name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            message = f"detectors: {entry.detector} names {name!r}, which is no column of the reference{hint}"
            raise BadReferenceError(message)


def _add(
    found: dict[tuple[str, str], Test],
    column: Column,
    detector: Detector,
    fixed: float | None,
    *,
    default: bool,
) -> None:
    kind = Kind.QUALITY if detector.quality else KIND_OF[column.role]
    if detector.quality and column.role is Role.LABEL:
        return  # labels that are missing are awaited
    key = (column.name, detector.token)
    known = found.get(key)
    found[key] = Test(column, detector, kind, fixed, default or (known is not None and known.default))


def _detector(token: str, parameters: Mapping[str, Any]) -> Detector:
    member = DETECTORS.get(token)
    return member.build(member.parameters(**parameters))
