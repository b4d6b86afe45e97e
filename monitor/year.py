"""The demo's second table: a real year, month by month, and what driftd said of it.

Nothing was put into this year. What alarms is a false alarm, or the year itself changed; the table counts
both against the budget. An alarm counts once when it opens and once more for each further 24 hours that it is
open, in the month in which it does so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from monitor.demo import Fault, Opening, openings
from monitor.types import Evaluation, Kind, Window

DAY = timedelta(days=1)

WIDTHS = {
    "Month": 8,
    "Windows": 7,
    "Alarms": 6,
    "Counted": 7,
    "In alarm": 8,
    "What moved": 43,
    "Storms": 6,
}
"""Characters per column of the table; with the gaps between them 100 at most."""
NUMBERS = frozenset({"Windows", "Alarms", "Counted", "In alarm"})


@dataclass(frozen=True, slots=True)
class Span:
    """An alarm, from the start of the window that opened it to the end of the last one that shows it open."""

    kind: Kind
    since: datetime
    until: datetime

    @property
    def counts(self) -> tuple[datetime, ...]:
        """When it counts: as it opens, and as each further 24 hours begin."""
        times = max(1, -(-(self.until - self.since) // DAY))
        return tuple(self.since + DAY * number for number in range(times))


@dataclass(frozen=True, slots=True)
class Month:
    """What was said of one month: `time` that its windows cover, `alarmed` of it with any alarm open.

    `opened` are alarms that opened and columns that joined one, `standing` the alarms of earlier months that
    were still open, `storms` the days of the month with a storm.
    """

    first: date
    windows: int
    time: timedelta
    alarmed: timedelta
    counted: int
    opened: tuple[Opening, ...]
    standing: tuple[Span, ...]
    storms: tuple[int, ...] = ()

    @property
    def alarms(self) -> int:
        """How many alarms opened."""
        return sum(not opening.joined for opening in self.opened)


def months(lines: Sequence[Evaluation], zone: tzinfo, storms: Iterable[Fault] = ()) -> tuple[Month, ...]:
    """Every month that has a window, in the calendar of `zone`, from all lines in the order of printing.

    Of a window's lines the last one says whether it is in alarm; an alarm that any line told of was told.
    """
    last = sorted({line.window: line for line in lines}.values(), key=lambda line: _bounds(line.window))
    windows: dict[date, list[Evaluation]] = {}
    for line in last:
        windows.setdefault(_month(_bounds(line.window)[0], zone), []).append(line)
    told, held = openings(lines), spans(lines)
    days = [fault.start.astimezone(zone) for fault in storms]
    return tuple(
        Month(
            first=first,
            windows=len(inside),
            time=_time(inside),
            alarmed=_time(line for line in inside if any(verdict.alarm for verdict in line.verdicts)),
            counted=sum(_month(moment, zone) == first for span in held for moment in span.counts),
            opened=tuple(opening for opening in told if _month(opening.since, zone) == first),
            standing=tuple(span for span in held if _stands(span, first, zone)),
            storms=tuple(sorted(day.day for day in days if _month(day, zone) == first)),
        )
        for first, inside in windows.items()
    )


def spans(lines: Iterable[Evaluation]) -> tuple[Span, ...]:
    """Every alarm that any line told of, and how long it was open."""
    found: dict[tuple[Kind, str, datetime], datetime] = {}
    for line in lines:
        for verdict in line.verdicts:
            if verdict.alarm and verdict.since is not None:
                key = (verdict.kind, verdict.segment, verdict.since)
                end = _bounds(line.window)[1]
                found[key] = max(found.get(key, end), end)
    return tuple(Span(kind, since, until) for (kind, _, since), until in found.items())


def _bounds(window: Window) -> tuple[datetime, datetime]:
    assert window.start is not None
    assert window.end is not None
    return window.start, window.end


def _month(moment: datetime, zone: tzinfo) -> date:
    """The first day of the month that the moment lies in."""
    return moment.astimezone(zone).date().replace(day=1)


def _stands(span: Span, first: date, zone: tzinfo) -> bool:
    """Whether the alarm is of an earlier month and was open in this one."""
    return _month(span.since, zone) < first <= _month(span.counts[-1], zone)


def _time(lines: Iterable[Evaluation]) -> timedelta:
    bounds = [_bounds(line.window) for line in lines]
    return sum((end - start for start, end in bounds), timedelta())


def table(found: Sequence[Month], *, budget: str, days: float) -> Table:
    """One line per month, one for the sum and one for the budget, at most 100 columns wide.

    `budget` is the budget as the model file has it, `days` the days that it gives to one false alarm.
    """
    view = Table(
        title="A real year, and what driftd said",
        caption=_caption(found, budget, days),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_footer=True,
    )
    for (heading, width), total in zip(WIDTHS.items(), _sum_cells(found), strict=True):
        view.add_column(
            heading, total, no_wrap=True, width=width, justify="right" if heading in NUMBERS else "left"
        )
    for month in found:
        view.add_row(*_month_cells(month))
    return view


def _caption(found: Sequence[Month], budget: str, days: float) -> Text:
    counted = sum(month.counted for month in found)
    allowed = sum((month.time for month in found), timedelta()) / DAY / days
    text = f"counted, with each further 24 h open: {counted}; the budget of {budget} allows {allowed:.1f}"
    return Text(text, "green" if counted <= allowed else "red")


def _month_cells(month: Month) -> tuple[Text, ...]:
    return (
        Text(month.first.strftime("%b %Y")),
        *_numbers(month.windows, month.alarms, month.counted, month.alarmed),
        Text(moved(month)),
        Text(", ".join(map(str, month.storms))),
    )


def _sum_cells(found: Sequence[Month]) -> tuple[Text, ...]:
    numbers = _numbers(
        sum(month.windows for month in found),
        sum(month.alarms for month in found),
        sum(month.counted for month in found),
        sum((month.alarmed for month in found), timedelta()),
    )
    return Text("sum"), *numbers, Text(), Text()


def _numbers(windows: int, alarms: int, counted: int, alarmed: timedelta) -> tuple[Text, ...]:
    return Text(f"{windows}"), Text(f"{alarms}"), Text(f"{counted}"), Text(f"{alarmed / DAY:.3g} d")


def moved(month: Month) -> str:
    """What opened in the month, by kind in the order of telling, and then what still stood."""
    columns: dict[Kind, list[str]] = {}
    for opening in month.opened:
        known = columns.setdefault(opening.kind, [])
        known += [name for name in opening.columns if name not in known]
    new = [f"{kind}: {', '.join(names)}" if names else f"{kind}" for kind, names in columns.items()]
    old = [f"{span.kind} since {span.since.strftime('%d %b')}" for span in month.standing]
    return "; ".join(new + old)
