"""The statements by which rows become records again; each runs within a transaction of its caller."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from monitor.state import Acceptance, AlarmRecord, FileRecord, Kept, LabelFile, ModelState, StreamState
from monitor.store import codec, schema
from monitor.store.schema import (
    alarms,
    detector_states,
    files,
    label_files,
    pending,
    profiles,
    pruned_alarms,
    series,
    states,
    statistics,
    verdicts,
    windows,
)
from monitor.types import Evaluation, Kind, Reason, Severity, State, Statistic, Verdict, Window


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """What a model's state of this revision knows of files, by name."""

    revision: int
    files: Mapping[str, FileRecord]
    label_files: Mapping[str, LabelFile]


def state(connection: Connection, model: str) -> tuple[int, ModelState]:
    """The model's state and its revision, (0, empty) for a model without one."""
    row = connection.execute(select(states).where(states.c.model == model)).one_or_none()
    if row is None:
        return 0, ModelState(model)
    bare, keys = codec.decode_state(row.state)
    stored = select(pending.c.key, pending.c.pending).where(pending.c.model == model)
    blobs = {one.key: one.pending for one in connection.execute(stored)}
    known = known_files(connection, model)
    whole = replace(
        bare,
        files=known.files,
        label_files=known.label_files,
        streams=_streams(connection, model),
        pending=tuple(codec.decode_pending(blobs[key]) for key in keys),
    )
    return row.revision, whole


def revision(connection: Connection, model: str) -> int:
    """How often the model's state was written."""
    return connection.execute(select(states.c.revision).where(states.c.model == model)).scalar() or 0


def known_files(connection: Connection, model: str) -> KnownFiles:
    """The model's live files and files of labels as they were last read."""
    return KnownFiles(
        revision(connection, model), _file_index(connection, model), _label_files(connection, model)
    )


def _file_index(connection: Connection, model: str) -> dict[str, FileRecord]:
    columns = [files.c[name] for name in ("name", "version", "first", "last", "rows", "behind")]
    found = connection.execute(select(*columns).where(files.c.model == model).order_by(files.c.name))
    return {row[0]: FileRecord(*row) for row in found}


def _label_files(connection: Connection, model: str) -> dict[str, LabelFile]:
    columns = (label_files.c.name, label_files.c.version, label_files.c.last)
    found = connection.execute(select(*columns).where(label_files.c.model == model))
    return {name: LabelFile(version, last) for name, version, last in found}


def _streams(connection: Connection, model: str) -> dict[str, StreamState]:
    columns = [detector_states.c[name] for name in ("stream", "detector", "state", "worse_since")]
    found = connection.execute(select(*columns).where(detector_states.c.model == model))
    return {stream: StreamState(*rest) for stream, *rest in found}


def chosen_windows(
    model: str,
    start: datetime | None = None,
    end: datetime | None = None,
    minimum_rows: int | None = None,
    limit: int | None = None,
    before: str | None = None,
) -> Select[Any]:
    """The newest `limit` windows that begin in `[start, end)`, newest first; files count by their tick.

    `before`: the key of a window; only older ones, and none where there is no such window.
    """
    begins = func.coalesce(windows.c.start, windows.c.tick, type_=windows.c.start.type)
    query = select(windows.c.id, windows.c.line).where(windows.c.model == model)
    if start is not None:
        query = query.where(begins >= start)
    if end is not None:
        query = query.where(begins < end)
    if minimum_rows is not None:
        query = query.where(windows.c.rows >= minimum_rows)
    if before is not None:
        query = query.where(_older(model, before))
    order = (windows.c.start.desc().nulls_last(), windows.c.end.desc().nulls_last(), windows.c.id.desc())
    return query.order_by(*order).limit(limit)


def _older(model: str, key: str) -> ColumnElement[bool]:
    """Windows that come after this one where the newest comes first: files after all that have a time."""
    one = windows.alias()
    start, number = (
        select(one.c[name]).where(one.c.model == model, one.c.key == key).scalar_subquery()
        for name in ("start", "id")
    )
    files_after = or_(start.is_not(None), windows.c.id < number)
    return or_(windows.c.start < start, and_(windows.c.start.is_(None), files_after))


def evaluations(connection: Connection, chosen: Select[Any]) -> list[Evaluation]:
    """The last line of each chosen window, in time order."""
    numbers = select(chosen.subquery().c.id)
    measured = _statistics(connection, numbers)
    decided = _verdicts(connection, numbers)
    lines = list(connection.execute(chosen))
    return [
        replace(
            codec.decode_evaluation(line),
            verdicts=tuple(decided[number]),
            statistics=tuple(measured[number]),
        )
        for number, line in reversed(lines)
    ]


def _statistics(connection: Connection, numbers: Select[Any]) -> Mapping[int, list[Statistic]]:
    columns = [series.c[name] for name in ("kind", "column", "detector", "segment")]
    values = [statistics.c[name] for name in ("value", "threshold", "p_value", "drifted", "reason")]
    query = (
        select(statistics.c.window, *columns, *values)
        .join(series, series.c.id == statistics.c.series)
        .where(statistics.c.window.in_(numbers))
        .order_by(statistics.c.window, statistics.c.position)
    )
    by_window: dict[int, list[Statistic]] = defaultdict(list)
    for (
        window,
        kind,
        column,
        detector,
        segment,
        value,
        threshold,
        p_value,
        drifted,
        reason,
    ) in connection.execute(query):
        token = None if reason is None else Reason(reason)
        by_window[window].append(
            Statistic(Kind(kind), column, detector, value, threshold, p_value, drifted, token, segment)
        )
    return by_window


def _verdicts(connection: Connection, numbers: Select[Any]) -> Mapping[int, list[Verdict]]:
    query = select(verdicts).where(verdicts.c.window.in_(numbers)).order_by(verdicts.c.position)
    by_window: dict[int, list[Verdict]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        since = json.loads(row["column_since"])
        verdict = Verdict(
            Kind(row["kind"]),
            State(row["state"]),
            row["alarm"],
            row["score"],
            Severity(row["severity"]),
            row["material"],
            row["days_by_chance"],
            row["since"],
            tuple(json.loads(row["columns"])),
            {column: datetime.fromisoformat(moment) for column, moment in since.items()},
            row["reason"],
            row["segment"],
        )
        by_window[row["window"]].append(verdict)
    return by_window


def alarm_records(connection: Connection, model: str, *, only_open: bool) -> tuple[AlarmRecord, ...]:
    """The model's alarms in the order in which they opened."""
    query = select(alarms).where(alarms.c.model == model, alarms.c.withdrawn.is_(False))
    if only_open:
        query = query.where(alarms.c.closed.is_(None))
    found = connection.execute(query.order_by(alarms.c.since, alarms.c.kind, alarms.c.segment))
    return tuple(
        AlarmRecord(
            Kind(row["kind"]),
            row["segment"],
            row["since"],
            row["closed"],
            tuple(json.loads(row["columns"])),
            row["reason"],
        )
        for row in found.mappings()
    )


def acceptances(connection: Connection, model: str) -> tuple[Acceptance, ...]:
    """When and why what was seen of the model was accepted as normal."""
    columns = [schema.acceptances.c[name] for name in ("at", "watermark", "reason")]
    query = select(*columns).where(schema.acceptances.c.model == model).order_by(schema.acceptances.c.at)
    return tuple(Acceptance(*row) for row in connection.execute(query))


def alarms_opened(connection: Connection, model: str) -> dict[Kind, int]:
    """How many alarms ever opened, by kind, once per (kind, since)."""
    distinct = func.count(alarms.c.since.distinct())
    query = select(alarms.c.kind, distinct).where(alarms.c.model == model).group_by(alarms.c.kind)
    gone = select(pruned_alarms.c.kind, pruned_alarms.c.opened).where(pruned_alarms.c.model == model)
    opened: dict[Kind, int] = defaultdict(int)
    for kind, count in [*connection.execute(query), *connection.execute(gone)]:
        opened[Kind(kind)] += count
    return dict(opened)


def kept(connection: Connection, model: str, start: datetime) -> tuple[Kept, ...]:
    """The profiles of the windows that begin at or after `start`, with the kinds of open alarms.

    What was accepted is normal: an alarm that was closed so does not count.
    """
    chosen = and_(windows.c.model == model, windows.c.start >= start)
    columns_ = (verdicts.c.window, verdicts.c.kind, verdicts.c.since)
    alarming = select(*columns_).join(windows).where(chosen, verdicts.c.alarm)
    closed = and_(alarms.c.model == model, alarms.c.reason == Reason.ACCEPTED.value)
    normal = {tuple(row) for row in connection.execute(select(alarms.c.kind, alarms.c.since).where(closed))}
    opened: dict[int, set[Kind]] = {}
    for window, kind, since in connection.execute(alarming):
        if (kind, since) not in normal:
            opened.setdefault(window, set()).add(Kind(kind))
    columns = (windows.c.id, windows.c.start, windows.c.end, profiles.c.profile)
    query = select(*columns).join(profiles, profiles.c.window == windows.c.id).where(chosen)
    return tuple(
        Kept(Window(begin, end), blob, frozenset(opened.get(number, ())))
        for number, begin, end, blob in connection.execute(query.order_by(windows.c.start))
    )
