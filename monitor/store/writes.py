"""The statements by which records become rows; each runs within a transaction of its caller."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, update

from monitor.delta import Delta
from monitor.state import (
    Acceptance,
    AlarmRecord,
    FileRecord,
    LabelFile,
    ModelState,
    PendingWindow,
    StreamState,
)
from monitor.store import codec
from monitor.store.schema import (
    acceptances,
    alarms,
    detector_states,
    files,
    insert_absent,
    label_files,
    models,
    pending,
    profiles,
    series,
    states,
    statistics,
    upsert,
    verdicts,
    windows,
)
from monitor.types import Evaluation, Kind, Statistic, Verdict, iso

SeriesKey = tuple[str, str, str, str, str]
"""Model, kind, segment, column, detector."""
Row = dict[str, Any]
CHUNK = 500
"""Keys in one `IN`: below the limit on bound values of any SQLite."""


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows, or overwrite those of the same key."""
    if rows:
        connection.execute(upsert(table, connection.dialect.name), rows)


def add_model(connection: Connection, model: str) -> None:
    """Make the model known, once."""
    connection.execute(insert_absent(models, connection.dialect.name), {"name": model})


def put_windows(connection: Connection, model: str, evaluations: Mapping[str, Evaluation]) -> dict[str, int]:
    """Write the ledger's rows by key and return the windows' numbers."""
    put(connection, windows, [_window_row(key, one) for key, one in evaluations.items()])
    numbers: dict[str, int] = {}
    keys = list(evaluations)
    for start in range(0, len(keys), CHUNK):
        chosen = and_(windows.c.model == model, windows.c.key.in_(keys[start : start + CHUNK]))
        found = connection.execute(select(windows.c.key, windows.c.id).where(chosen))
        numbers.update((key, number) for key, number in found)
    return numbers


def put_results(
    connection: Connection,
    evaluations: Mapping[int, Evaluation],
    known: Mapping[SeriesKey, int],
) -> dict[SeriesKey, int]:
    """Replace the windows' statistics and verdicts; returns the series that `known` had not."""
    numbers = [{"number": number} for number in evaluations]
    if not numbers:
        return {}
    for table in (statistics, verdicts):  # a restated window may have fewer
        connection.execute(delete(table).where(table.c.window == bindparam("number")), numbers)
    fresh = _add_series(connection, evaluations.values(), known)
    rows = [
        _statistic_row(number, position, fresh.get(key) or known[key], one)
        for number, evaluation in evaluations.items()
        for position, one in enumerate(evaluation.statistics)
        for key in (_series_key(evaluation.model, one),)
    ]
    if rows:
        connection.execute(insert(statistics), rows)
    decided = [
        _verdict_row(number, position, one)
        for number, evaluation in evaluations.items()
        for position, one in enumerate(evaluation.verdicts)
    ]
    if decided:
        connection.execute(insert(verdicts), decided)
    return fresh


def put_profiles(connection: Connection, numbers: Mapping[str, int], blobs: Mapping[str, bytes]) -> None:
    """Keep the compact profiles of windows that this commit evaluates."""
    put(connection, profiles, [{"window": numbers[key], "profile": blob} for key, blob in blobs.items()])


def put_state(connection: Connection, state: ModelState) -> int:
    """Write the state and its stream detectors; returns the state's new revision."""
    chosen = states.c.model == state.model
    revision = (connection.execute(select(states.c.revision).where(chosen)).scalar() or 0) + 1
    row = {"model": state.model, "revision": revision, "state": codec.encode_state(state)}
    put(connection, states, [row])
    put(connection, detector_states, [_stream_row(state.model, *one) for one in state.streams.items()])
    gone = _stored_keys(connection, detector_states, "stream", state.model) - state.streams.keys()
    remove(connection, detector_states, "stream", state.model, gone)
    return revision


def put_pending(
    connection: Connection, model: str, records: Sequence[PendingWindow], changed: Mapping[str, bytes]
) -> None:
    """Write the changed pending windows and drop those that are pending no more."""
    stored = _stored_keys(connection, pending, "key", model)
    rows = [{"model": model, "key": key, "pending": blob} for key, blob in changed.items()]
    for record in records:
        key = record.window.key
        if key not in stored and key not in changed:
            rows.append({"model": model, "key": key, "pending": codec.encode_pending(record)})
    put(connection, pending, rows)
    remove(connection, pending, "key", model, stored - {record.window.key for record in records})


def put_files(connection: Connection, model: str, delta: Delta[FileRecord]) -> None:
    """Write the file index's rows that differ from what is stored."""
    put(connection, files, [_file_row(model, one) for one in delta.changed.values()])
    remove(connection, files, "name", model, delta.gone)


def put_label_files(connection: Connection, model: str, delta: Delta[LabelFile]) -> None:
    """Write the rows of files of labels that differ from what is stored."""
    rows = [
        {"model": model, "name": name, "version": one.version, "last": one.last}
        for name, one in delta.changed.items()
    ]
    put(connection, label_files, rows)
    remove(connection, label_files, "name", model, delta.gone)


def put_alarms(
    connection: Connection,
    model: str,
    records: Iterable[AlarmRecord],
    withdrawn: Iterable[tuple[Kind, str, datetime]],
) -> None:
    """Write opened, changed and closed alarms; hide those that were none."""
    for kind, segment, since in withdrawn:
        chosen = and_(
            alarms.c.model == model,
            alarms.c.kind == kind.value,
            alarms.c.segment == segment,
            alarms.c.since == since,
        )
        connection.execute(update(alarms).where(chosen).values(withdrawn=True))
    put(connection, alarms, [_alarm_row(model, one) for one in records])


def put_acceptance(connection: Connection, model: str, one: Acceptance) -> None:
    """Write when and why what was seen was accepted."""
    row = {"model": model, "at": one.at, "watermark": one.watermark, "reason": one.reason}
    put(connection, acceptances, [row])


def remove(connection: Connection, table: Table, column: str, model: str, keys: Iterable[str]) -> None:
    """Delete a model's rows by key."""
    rows = [{"of": model, "gone": key} for key in keys]
    if rows:
        chosen = and_(table.c.model == bindparam("of"), table.c[column] == bindparam("gone"))
        connection.execute(delete(table).where(chosen), rows)


def _stored_keys(connection: Connection, table: Table, column: str, model: str) -> set[str]:
    return set(connection.execute(select(table.c[column]).where(table.c.model == model)).scalars())


def _add_series(
    connection: Connection, evaluations: Iterable[Evaluation], known: Mapping[SeriesKey, int]
) -> dict[SeriesKey, int]:
    wanted = {_series_key(one.model, statistic) for one in evaluations for statistic in one.statistics}
    lacking = sorted(key for key in wanted if key not in known)
    if not lacking:
        return {}
    names = ("model", "kind", "segment", "column", "detector")
    rows = [dict(zip(names, key, strict=True)) for key in lacking]
    connection.execute(insert_absent(series, connection.dialect.name), rows)
    columns = [series.c[name] for name in names]
    of_models = series.c.model.in_({key[0] for key in lacking})
    found = connection.execute(select(series.c.id, *columns).where(of_models))
    return {(a, b, c, d, e): number for number, a, b, c, d, e in found}


def _series_key(model: str, one: Statistic) -> SeriesKey:
    return model, one.kind.value, one.segment, one.column, one.detector


def _window_row(key: str, one: Evaluation) -> Row:
    return {
        "model": one.model,
        "key": key,
        "start": one.window.start,
        "end": one.window.end,
        "file": one.window.file,
        "tick": one.tick,
        "rows": int(one.rows),
        "labelled_rows": int(one.labelled_rows),
        "final": bool(one.final),
        "line": codec.encode_evaluation(one),
    }


def _statistic_row(window: int, position: int, number: int, one: Statistic) -> Row:
    name = f"{one.detector} of {one.column!r}"
    return {
        "window": window,
        "position": position,
        "series": number,
        "value": _finite(one.value, name),
        "threshold": _finite(one.threshold, name),
        "p_value": _finite(one.p_value, name),
        "drifted": bool(one.drifted),
        "reason": None if one.reason is None else one.reason.value,
    }


def _verdict_row(window: int, position: int, one: Verdict) -> Row:
    return {
        "window": window,
        "position": position,
        "kind": one.kind.value,
        "segment": one.segment,
        "state": one.state.value,
        "alarm": bool(one.alarm),
        "score": _finite(one.score, one.kind),
        "severity": one.severity.value,
        "material": bool(one.material),
        "days_by_chance": _finite(one.days_by_chance, one.kind),
        "since": one.since,
        "columns": json.dumps(list(one.columns)),
        "column_since": json.dumps({column: iso(since) for column, since in one.column_since.items()}),
        "reason": one.reason,
    }


def _alarm_row(model: str, one: AlarmRecord) -> Row:
    return {
        "model": model,
        "kind": one.kind.value,
        "segment": one.segment,
        "since": one.since,
        "closed": one.closed,
        "columns": json.dumps(list(one.columns)),
        "reason": one.reason,
        "withdrawn": False,
    }


def _stream_row(model: str, stream: str, one: StreamState) -> Row:
    return {
        "model": model,
        "stream": stream,
        "detector": one.detector,
        "state": one.state,
        "worse_since": one.worse_since,
    }


def _file_row(model: str, one: FileRecord) -> Row:
    return {
        "model": model,
        "name": one.name,
        "version": one.version,
        "first": one.first,
        "last": one.last,
        "rows": int(one.rows),
        "behind": int(one.behind),
    }


def _finite(value: float | None, name: str) -> float | None:
    """SQLite would turn NaN into NULL without a word."""
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        message = f"{name} is {number}: what is unknown is None with a reason"
        raise ValueError(message)
    return number
