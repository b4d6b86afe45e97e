"""The demo's closing table: what driftd said of each fault that is really in the data, and of none.

An alarm belongs to a fault if the window in which it opened overlaps
`[start, end + window + label delay)` of that fault; the delay, because labels tell of a window only later.
A column that joins an open alarm counts as an opening of its own. An alarm that belongs to no fault is a
false alarm; a fault to which none belongs was missed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from monitor.types import Evaluation, Kind, Verdict


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was put into the data on purpose, in `[start, end)`.

    `kinds` are the right answers; empty says that any is. `columns` empty says that no column is to be named.
    """

    name: str
    start: datetime
    end: datetime
    kinds: tuple[Kind, ...]
    columns: tuple[str, ...]
    negligible: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """An alarm that opened, or a column that joined an open one.

    `since` is the start of the window that shows it, `told` the tick at which driftd said so.
    """

    kind: Kind
    columns: tuple[str, ...]
    since: datetime
    told: datetime
    joined: bool = False


class Mark(StrEnum):
    """How right an answer is."""

    FOUND = "found"
    OTHER_COLUMN = "other column"  # the right kind, without the column
    OTHER_KIND = "other kind"  # an alarm, of a kind that is not the right one
    MISSED = "missed"
    NEGLIGIBLE = "negligible"  # nothing was said, and rightly: the fault is too small to matter


STYLES = {
    Mark.FOUND: "green",
    Mark.OTHER_COLUMN: "yellow",
    Mark.OTHER_KIND: "yellow",
    Mark.MISSED: "red",
    Mark.NEGLIGIBLE: "green",
}


WIDTHS = {"Fault": 24, "Began": 6, "driftd said": 28, "Opened": 12, "Delay": 5, "Verdict": 12}
"""Characters per column of the table; with the gaps between them 100 at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What driftd said of one fault, the best first."""

    fault: Fault
    openings: tuple[Opening, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every fault with its answer, and the alarms that belong to none."""

    answers: tuple[Answer, ...]
    false_alarms: tuple[Opening, ...] = field(default=())


def faults(path: Path) -> tuple[Fault, ...]:
    """Read a truth file: a JSON list of objects with `name`, `start` and `end`.

    `kinds`, `columns` and `severity` (`negligible` or other) may be given. Times without a zone are UTC.
    """
    return tuple(_fault(entry) for entry in json.loads(path.read_text(encoding="utf-8")))


def _fault(entry: dict[str, Any]) -> Fault:
    return Fault(
        name=entry["name"],
        start=_moment(entry["start"]),
        end=_moment(entry["end"]),
        kinds=tuple(Kind(kind) for kind in entry.get("kinds", ())),
        columns=tuple(entry.get("columns", ())),
        negligible=entry.get("severity") == "negligible",
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def openings(evaluations: Iterable[Evaluation]) -> tuple[Opening, ...]:
    """Every alarm that was ever told, in the order of the telling, and every column that joined one.

    Takes all lines in the order of printing, restatements too: the first line that tells of an alarm counts
    for its delay, and an alarm that a later line takes back was told all the same.
    """
    found: dict[tuple[Kind, str, datetime, str], Opening] = {}
    for evaluation in evaluations:
        for verdict in evaluation.verdicts:
            for opening in _openings(verdict, evaluation.tick):
                column = opening.columns[0] if opening.joined else ""
                found.setdefault((opening.kind, verdict.segment, opening.since, column), opening)
    return tuple(found.values())


def _openings(verdict: Verdict, tick: datetime) -> Iterable[Opening]:
    if not verdict.alarm or verdict.since is None:
        return
    first = tuple(name for name, since in verdict.column_since.items() if since <= verdict.since)
    yield Opening(verdict.kind, first or verdict.columns, verdict.since, tick)
    for name, since in verdict.column_since.items():
        if since > verdict.since:
            yield Opening(verdict.kind, (name,), since, tick, joined=True)


def match(
    truth: Sequence[Fault], said: Sequence[Opening], *, window: timedelta, label_delay: timedelta
) -> Outcome:
    """Lay alarms beside faults by the rule at the head of this file.

    `window` is the length of a window, `label_delay` the time after which a window is final.
    """

    def belongs(opening: Opening, fault: Fault) -> bool:
        return fault.start - window < opening.since < fault.end + window + label_delay

    answers = tuple(
        _answer(fault, [opening for opening in said if belongs(opening, fault)]) for fault in truth
    )
    astray = [opening for opening in said if not any(belongs(opening, fault) for fault in truth)]
    return Outcome(answers, tuple(opening for opening in astray if not opening.joined))


def _answer(fault: Fault, said: Sequence[Opening]) -> Answer:
    order = list(Mark)
    best = sorted(said, key=lambda opening: (order.index(_mark(fault, opening)), opening.told))
    if best:
        return Answer(fault, tuple(best), _mark(fault, best[0]))
    return Answer(fault, (), Mark.NEGLIGIBLE if fault.negligible else Mark.MISSED)


def _mark(fault: Fault, opening: Opening) -> Mark:
    if fault.kinds and opening.kind not in fault.kinds:
        return Mark.OTHER_KIND
    if fault.columns and not set(fault.columns) & set(opening.columns):
        return Mark.OTHER_COLUMN
    return Mark.FOUND


def table(outcome: Outcome) -> Table:
    """One line per fault and one per false alarm, at most 100 columns wide."""
    caption = _caption(outcome)
    view = Table(
        title="What is in the data, and what driftd said",
        caption=caption,
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading, width in WIDTHS.items():
        view.add_column(heading, no_wrap=True, width=width, justify="right" if heading == "Delay" else "left")
    for answer in outcome.answers:
        view.add_row(*_fault_cells(answer))
    for opening in outcome.false_alarms:
        view.add_row(
            "(none)", "", Text(_said(opening)), _minute(opening.since), "", Text("false alarm", "red")
        )
    return view


def _caption(outcome: Outcome) -> str:
    counts = {mark: sum(answer.mark is mark for answer in outcome.answers) for mark in Mark}
    told = ", ".join(f"{count} {mark}" for mark, count in counts.items() if count) or "none"
    return f"of {len(outcome.answers)} faults: {told}; false alarms: {len(outcome.false_alarms)}"


def _fault_cells(answer: Answer) -> tuple[Text | str, ...]:
    fault = answer.fault
    name = Text(f"{fault.name}: {', '.join(fault.columns)}" if fault.columns else fault.name)
    mark = Text(answer.mark, STYLES[answer.mark])
    if not answer.openings:
        return name, _day(fault.start), "nothing", "", "", mark
    best = answer.openings[0]
    said = _said(best)
    others = sorted({opening.kind for opening in answer.openings} - {best.kind})
    text = Text(" + ".join([said, *others]))
    return name, _day(fault.start), text, _minute(best.since), delay(best.told - fault.start), mark


def _said(opening: Opening) -> str:
    return f"{opening.kind}: {', '.join(opening.columns)}" if opening.columns else opening.kind


def _day(moment: datetime) -> str:
    return moment.strftime("%d %b")


def _minute(moment: datetime) -> str:
    return moment.strftime("%d %b %H:%M")


def delay(passed: timedelta) -> str:
    """How long driftd took, in the unit that reads best.

    >>> delay(timedelta(hours=7)), delay(timedelta(hours=60))
    ('7 h', '2.5 d')
    """
    hours = passed / timedelta(hours=1)
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.1f} d"
