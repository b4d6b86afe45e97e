"""Log lines of windows: what was evaluated, what was wrong in it, which alarms opened and closed there."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from monitor.state import AlarmRecord, Commit
from monitor.types import Evaluation, Kind, Problem, Reason, iso, span

log = logging.getLogger(__name__)

_Key: TypeAlias = tuple[Kind, str, datetime]
_Fields: TypeAlias = Mapping[str, object]


class WindowLog:
    """What was told of each model: an alarm opens once, and a problem that the last window had is no news."""

    def __init__(self) -> None:
        self._open: dict[str, dict[_Key, bool]] = {}
        self._problems: dict[str, frozenset[tuple[str, Reason]]] = {}

    def begin(self, model: str, known: Iterable[AlarmRecord]) -> None:
        """A run begins: these alarms are in the store, whoever opened or closed them."""
        self._open[model] = {_key(record): record.closed is None for record in known}

    def tell(self, commit: Commit) -> None:
        """What one commit wrote, a line each."""
        for line in commit.evaluations:
            self._window(line)
        for record in commit.alarms:
            self._alarm(commit, record)
        for kind, segment, since in commit.withdrawn:
            if self._open.get(commit.model, {}).pop((kind, segment, since), False):
                where = _where(commit, start=since)
                log.info("alarm withdrawn", extra={**where, **_what(kind, segment, since)})

    def _window(self, line: Evaluation) -> None:
        where = {"model": line.model, "window": span(line.window)}
        alarms = ",".join(verdict.kind for verdict in line.verdicts if verdict.alarm)
        counts = {"rows": line.rows, "labelled_rows": line.labelled_rows, "alarms": alarms}
        if line.restated:
            log.debug("window restated", extra={**where, **counts})
            return
        log.info("window evaluated", extra={**where, **counts, "seconds": round(line.seconds, 3)})
        before = self._problems.get(line.model, frozenset())
        for problem in line.problems:
            level = logging.DEBUG if _kind_of(problem) in before else logging.WARNING
            fields = {"column": problem.column, "reason": str(problem.reason)}
            log.log(level, problem.message, extra={**where, **fields})
        self._problems[line.model] = frozenset(map(_kind_of, line.problems))

    def _alarm(self, commit: Commit, record: AlarmRecord) -> None:
        known, key = self._open.setdefault(commit.model, {}), _key(record)
        words = {"columns": ",".join(record.columns), "reason": record.reason}
        what = {**_what(record.kind, record.segment, record.since), **words}
        if key not in known:
            log.warning("alarm opened", extra={**_where(commit, start=record.since), **what})
        if record.closed is not None and known.get(key, True):
            log.info("alarm closed", extra={**_where(commit, end=record.closed), **what})
        known[key] = record.closed is None


def _key(record: AlarmRecord) -> _Key:
    return (record.kind, record.segment, record.since)


def _kind_of(problem: Problem) -> tuple[str, Reason]:
    return (problem.column, problem.reason)


def _what(kind: Kind, segment: str, since: datetime) -> _Fields:
    return {"kind": str(kind), "since": iso(since)} | ({"segment": segment} if segment else {})


def _where(commit: Commit, start: datetime | None = None, end: datetime | None = None) -> _Fields:
    """The model, and the window that begins or ends then; the newest one where windows have no time."""
    told = [line.window for line in commit.evaluations]
    known = [*told, *(pending.window for pending in commit.state.pending)]
    found = [
        window
        for window in known
        if (window.start is not None and window.start == start)
        or (window.end is not None and window.end == end)
    ]
    found += [window for window in reversed(told) if window.start is None]
    return {"model": commit.model} | ({"window": span(found[0])} if found else {})
