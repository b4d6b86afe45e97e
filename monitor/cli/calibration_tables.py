"""What `calibrate` tells a person: small tables, at most 100 characters wide."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.calibration_report import KindReport, Line, Report
from monitor.cli.show import minute
from monitor.power import DEVIATION, Found
from monitor.stats.power import FOUND, HORIZONS
from monitor.stats.season import Season
from monitor.stats.words import shown as shown_name
from monitor.types import Kind, Window

WIDTH = 100
MOST_LINES = 20
"""Of more columns only those with the widest lines are told."""
FOLLOWED = {Season.NONE: "Constant", Season.HOUR: "By hour", Season.WEEK: "By week"}
RIGHT = "right"
DAY = timedelta(days=1)


def shown(found: Report) -> Iterator[RenderableType]:
    """Everything that is told of one model."""
    timed = found.window_days is not None
    yield Text(_heading(found), "bold")
    if not timed:
        yield Text("There is no event time: each file is a window, and the budget counts windows, not days.")
    yield Text()
    yield _promises(found.kinds, timed=timed)
    for reason, kinds in _doubts(found.kinds).items():
        yield Text(f"{', '.join(kinds)}: {reason}.")
    if any(each.replayed for each in found.kinds):
        yield Text()
        yield from _replays(found.kinds)
        yield Text()
        yield from _powers(found)
        yield Text()
        yield from _incidents(found.kinds, timed=timed)
    if found.lines:
        yield Text()
        yield from _lines(found)
    yield Text()


def _table(title: str, columns: Mapping[str, str]) -> Table:
    """`columns`: by heading how it is justified."""
    view = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading, justify in columns.items():
        view.add_column(heading, justify="right" if justify == RIGHT else "left", overflow="fold")
    return view


def _heading(found: Report) -> str:
    if not found.windows:
        return f"{found.model}: no window of the reference has rows enough to be judged"
    count = f"{len(found.windows)} windows" if len(found.windows) > 1 else "1 window"
    length = f" of {span(found.window_days)}" if found.window_days is not None else ""
    rows = f", usually with {found.rows:,} rows" if found.rows is not None else ""
    return f"{found.model}: {count}{length}, {_begin(found.windows[0])} to {_finish(found.windows[-1])}{rows}"


def _promises(kinds: Sequence[KindReport], *, timed: bool) -> Table:
    per = {"Budget": RIGHT, "Expected": RIGHT, "90 % limits": RIGHT} if timed else {}
    headings = {"Kind": "", **per, "An alarm opens at": RIGHT, "Score": RIGHT, "Calibration": ""}
    view = _table("False alarms per 30 days" if timed else "Where alarms open", headings)
    for each in kinds:
        promise, found = each.promise, each.replayed
        known = promise.lower is not None and promise.upper is not None
        limits = f"{number(promise.lower)} to {number(promise.upper)}" if known else ""
        numbers = (number(promise.budget_per_30d), number(promise.false_alarms_per_30d), limits)
        line = (f"once in {_by_chance(found.days, timed=timed)}", f"{found.score:.2f}") if found else ("", "")
        view.add_row(promise.kind, *(numbers if timed else ()), *line, _state(each))
    return view


def _state(each: KindReport) -> Text:
    if each.replayed is None:
        return Text("not replayed", "yellow")
    return Text("provisional", "yellow") if each.promise.provisional else Text("complete", "green")


def _doubts(kinds: Sequence[KindReport]) -> dict[str, list[Kind]]:
    """Each reason why a kind is provisional or not replayed, and of which kinds it holds."""
    found: dict[str, list[Kind]] = {}
    for each in kinds:
        if each.promise.reason:
            found.setdefault(each.promise.reason, []).append(each.promise.kind)
    return found


def _replays(kinds: Sequence[KindReport]) -> Iterator[RenderableType]:
    counts = ("Windows", "As good as independent", "Full folds", *FOLLOWED.values())
    view = _table("What was replayed", {"Kind": ""} | dict.fromkeys(counts, RIGHT))
    for each in kinds:
        found = each.replayed
        if found is not None:
            numbers = (found.windows, each.promise.effective_windows, found.folds)
            followed = (found.seasons[season] for season in FOLLOWED)
            view.add_row(each.promise.kind, *(f"{count or 0:,.0f}" for count in (*numbers, *followed)))
    yield view
    yield Text(
        "A full fold is a week, and 20 windows at least. Constant, by hour, by week: so many columns are "
        "expected to be always the same, to follow the hour, and to follow hour and weekday."
    )


def _powers(found: Report) -> Iterator[RenderableType]:
    within = {_within(windows, found.window_days): RIGHT for windows in HORIZONS}
    view = _table("The smallest shift that is found within", {"Kind": "", "What moves": ""} | within)
    for each in found.kinds:
        for shift in (each.replayed.power.one, each.replayed.power.every) if each.replayed else ():
            if shift is not None:
                sizes = (size(shift, windows) for windows in HORIZONS)
                view.add_row(each.promise.kind, _moved(each.promise.kind, shift), *sizes)
    yield view
    least = found.minimum
    starts = max(each.replayed.power.starts for each in found.kinds if each.replayed)
    yield Text(
        f"Found in {FOUND:.0%} of {starts} trials, each from another window of the reference on; the column "
        "is the one that varies as the middle one does. sd: its standard deviation; points: percentage "
        "points. To open an alarm a change must also be material (alarms.min_effect): "
        f"{least.sd:g} sd, {least.share * 100:g} points of rows, {least.error * 100:g} points of error."
    )


def _within(windows: int, days: float | None) -> str:
    count = "1 window" if windows == 1 else f"{windows} windows"
    return count if days is None else f"{count} ({span(windows * days)})"


def _moved(kind: Kind, found: Found) -> str:
    what = "missing: " if kind is Kind.QUALITY else ""
    if found.columns > 1:
        return f"{what}all {found.columns} columns"
    return f"{what}{shown_name(found.name)} alone" if found.name else "the model's error"


def size(found: Found, windows: int) -> str:
    """How far it moved, in the unit that people know."""
    smallest = found.within[windows]
    if smallest is None:
        return "not found"
    if found.unit == DEVIATION:
        return f"{smallest:g} sd"
    points = round(smallest * 100, 6)
    return f"{points:g} point{'' if points == 1 else 's'}"


def _incidents(kinds: Sequence[KindReport], *, timed: bool) -> Iterator[RenderableType]:
    found = [(each.promise.kind, one) for each in kinds if each.replayed for one in each.replayed.incidents]
    if not found:
        yield Text("No window of the reference stands out as an incident.")
        return
    headings = {"Kind": "", "From": "", "To": "", "Windows": RIGHT, "By chance once in": RIGHT}
    view = _table("Incidents in the reference", headings | {"Moved most": ""})
    for kind, one in found:
        by_chance = _by_chance(one.days, timed=timed)
        spans = (_begin(one.first), _finish(one.last), f"{one.windows}", by_chance)
        view.add_row(kind, *map(Text, spans), Text(", ".join(map(shown_name, one.columns))))
    yield view
    yield Text("What was no normal time is best left out of the reference: reference.start, reference.end.")


def _by_chance(days: float, *, timed: bool) -> str:
    often = f"{days:,.0f}" if days < 1e6 else "over 1,000,000"
    return f"{often} {'days' if timed else 'windows'}"


def _lines(found: Report) -> Iterator[RenderableType]:
    by_column: dict[tuple[str, Kind], dict[str, Line]] = {}
    for line in found.lines:
        by_column.setdefault((line.column, line.kind), {})[line.detector] = line
    widest = sorted(by_column.items(), key=lambda item: -max(line.value for line in item[1].values()))
    view = _table("Lines of PSI and KS", {"Column": "", "Kind": "", "PSI": RIGHT, "KS": RIGHT})
    for (column, kind), lines in widest[:MOST_LINES]:
        view.add_row(Text(shown_name(column)), kind, _line(lines.get("psi")), _line(lines.get("ks")))
    yield view
    left = len(widest) - MOST_LINES
    yield Text(
        f"In a window of {found.rows:,} rows. In brackets: where the line would be if rows were independent, "
        "and nothing but the draw of rows moved the statistic."
        + (f" {left} more columns have lower lines; --json tells all." if left > 0 else "")
    )


def _line(line: Line | None) -> str:
    if line is None:
        return ""
    reachable = line.detector != "ks" or line.value <= 1
    return f"{line.value:.3g} ({line.two_sample:.3g})" if reachable else f"over 1 ({line.two_sample:.3g})"


def _begin(window: Window) -> str:
    return window.key if window.start is None else minute(window.start)


def _finish(window: Window) -> str:
    return window.key if window.end is None else minute(window.end)


def number(value: float | None) -> str:
    """A number for a table; empty where nothing is known.

    >>> number(0.1084), number(0.00002), number(1.2529), number(None)
    ('0.11', '< 0.01', '1.3', '')
    """
    if value is None:
        return ""
    return "< 0.01" if 0 < value < 0.01 else f"{value:.2g}"


def span(days: float | None) -> str:
    """A length of time in the unit that reads best.

    >>> span(0.25), span(1.0), span(42.0), span(1 / 96)
    ('6 h', '1 d', '42 d', '15 min')
    """
    length = timedelta(days=days or 0.0)
    if length >= 2 * DAY or length % DAY == timedelta(0):
        return f"{length / DAY:.3g} d"
    hours = length / timedelta(hours=1)
    return f"{hours:.3g} h" if hours >= 1 else f"{hours * 60:.3g} min"
