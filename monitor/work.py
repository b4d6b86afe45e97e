"""What one run of a model has to do: which windows are due, in which files, at which ticks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from monitor.index import TimeIndex, index_times, rows_within
from monitor.plan import Plan
from monitor.state import FileRecord, ModelState
from monitor.types import Problem, Reason, Window
from monitor.windows import MICROSECOND, due, first_tick


@dataclass(frozen=True, slots=True)
class Work:
    """What one run does: windows with their first ticks, then later ticks at which only labels come.

    `first` is the first of all these ticks. `problems` are told once; `faults`, of whole files, with every
    window. `origin`, `files` and `said` are the state's once a window was evaluated.
    """

    first: datetime
    ready: Sequence[tuple[Window, datetime]]
    later: Iterable[datetime]
    faults: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    origin: datetime | None
    files: Mapping[str, FileRecord]
    said: frozenset[str]


def due_windows(plan: Plan, state: ModelState, until: datetime, now: datetime, end: datetime | None) -> Work:
    """The windows that are due and hold rows or precede some; those after the last row stay pending."""
    assert plan.calendar is not None
    index = index_times(plan, state, max(now, until))
    first = plan.live_start or index.first
    origin = state.origin
    if state.watermark is None and first is not None and index.last is not None:
        earliest = plan.calendar.containing(first).start
        origin = earliest if origin is None or earliest is None else max(origin, earliest)
    start = state.watermark or origin
    windows = due(plan.calendar, start, until, plan.lateness) if start is not None else iter(())
    ticks = ((window, first_tick(window, plan.lateness)) for window in windows)
    ready: list[tuple[Window, datetime]] = []
    after: list[tuple[Window, datetime]] = []
    for window, tick in ticks:
        if not _holds(window, index.last, end):
            after.append((window, tick))
            break
        ready.append((window, tick))
    first_of_all = next((tick for _, tick in (*ready, *after)), until)
    later = (tick for _, tick in chain(after, ticks))
    said = state.said | ({Reason.NAIVE_TIMESTAMP} if index.naive else set())
    problems = (*index.problems, *_naive(plan, index, state))
    faults = of_files(index.faults)
    return Work(first_of_all, ready, later, faults, problems, origin, index.files, frozenset(said))


def _holds(window: Window, last: datetime | None, end: datetime | None) -> bool:
    """Whether the window is evaluated now: rows are in it or after it, and it is wanted."""
    assert window.start is not None
    assert window.end is not None
    return last is not None and window.start <= last and (end is None or window.end <= end)


def new_files(plan: Plan, state: ModelState, until: datetime) -> Work:
    """Files that were not evaluated yet, or could not be read and are others now.

    Each file has a tick of its own, so that no two alarms open at the same time.
    """
    entries = plan.live.files()
    after = max(until, state.tick + MICROSECOND) if state.tick is not None else until
    new = [
        Window(None, None, entry.name)
        for entry in entries
        if entry.name not in state.files
        or (not state.files[entry.name].rows and state.files[entry.name].version != entry.version)
    ]
    ticks = [after + number * MICROSECOND for number in range(len(new) + 1)]
    files = {entry.name: FileRecord(entry.name, entry.version, None, None, 0, 0) for entry in entries}
    faults = of_files(plan.live.problems())
    ready = list(zip(new, ticks, strict=False))
    return Work(after, ready, ticks[-1:], faults, (), None, files, state.said)


def rows_of(work: Work) -> float:
    """About how many rows the windows have, 0 where they are files."""
    if not work.ready:
        return 0.0
    start, end = work.ready[0][0].start, work.ready[-1][0].end
    return rows_within(work.files, start, end) if start is not None and end is not None else 0.0


def _naive(plan: Plan, index: TimeIndex, state: ModelState) -> tuple[Problem, ...]:
    if not index.naive or Reason.NAIVE_TIMESTAMP in state.said:
        return ()
    name = plan.names.timestamp or ""
    text = f"times in {name!r} have no zone; they are read as {plan.zone} (window.timezone)"
    return (Problem(name, Reason.NAIVE_TIMESTAMP, text),)


def of_files(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """What is wrong with whole files; each window tells by itself which columns it lacks."""
    return tuple(each for each in problems if each.reason is not Reason.ABSENT_COLUMN)
