"""The year's table counts as the budget does, month by month, from lines alone."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from monitor import demo, year
from monitor.demo import Fault
from monitor.types import Evaluation, Kind, Severity, State, Verdict, Window

DAY = timedelta(days=1)
STORMS = Path(str(files("monitor") / "data" / "year_truth.json"))
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def verdict(since: str | None, *columns: str, kind: Kind = Kind.COVARIATE, **joined: str) -> Verdict:
    """An alarm since a time with these columns, and those that joined it; or none."""
    opened = None if since is None else at(since)
    column_since = dict.fromkeys(columns, opened) | {name: at(text) for name, text in joined.items()}
    return Verdict(
        kind,
        State.OK if since is None else State.ALARM,
        since is not None,
        2,
        Severity.ALARM,
        True,
        99,
        opened,
        tuple(column_since),
        column_since,
        "moved",
    )


def line(start: str, *verdicts: Verdict, length: timedelta = DAY, restated: bool = False) -> Evaluation:
    window = Window(at(start), at(start) + length)
    return Evaluation("m", window, window.end, 300, 0, restated, False, 0.1, verdicts, (), (), ())


def days(first: str, number: int, *verdicts: Verdict) -> list[Evaluation]:
    return [line((at(first) + DAY * day).strftime("%Y-%m-%dT%H:%M"), *verdicts) for day in range(number)]


def printed(found, budget: str = "1 per 30d", each: float = 30) -> list[str]:
    console = Console(width=100, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(year.table(found, budget=budget, days=each))
    return [" ".join(row.split()) for row in capture.get().splitlines() if row.strip()]


@pytest.mark.parametrize(
    ("open_days", "counted"), [(1, 1), (2, 2), (10, 10)], ids=["one day", "two days", "ten days"]
)
def test_an_alarm_counts_once_and_once_more_for_each_further_24_hours(open_days, counted):
    lines = [
        *days("2013-06-03", open_days, verdict("2013-06-03", "temp")),
        *days("2013-06-20", 3, verdict(None)),
    ]
    (month,) = year.months(lines, UTC)
    assert (month.windows, month.alarms, month.counted) == (open_days + 3, 1, counted)
    assert (month.time, month.alarmed) == ((open_days + 3) * DAY, open_days * DAY)


def test_windows_of_hours_count_days_that_began():
    told = verdict("2013-06-03T00:00", "temp")
    starts = [
        "2013-06-03T00:00",
        "2013-06-03T06:00",
        "2013-06-03T12:00",
        "2013-06-03T18:00",
        "2013-06-04T00:00",
    ]
    lines = [line(start, told, length=DAY / 4) for start in starts]
    assert [year.months(lines[:count], UTC)[0].counted for count in range(1, 6)] == [1, 1, 1, 1, 2]


def test_an_alarm_counts_in_the_months_in_which_its_days_begin():
    lines = [*days("2013-06-28", 5, verdict("2013-06-28", "temp")), line("2013-07-03", verdict(None))]
    june, july = year.months(lines, UTC)
    assert (june.alarms, june.counted, june.standing) == (1, 3, ())
    assert (july.alarms, july.counted, july.alarmed) == (0, 2, 2 * DAY)
    assert year.moved(june) == "covariate: temp"
    assert year.moved(july) == "covariate since 28 Jun"


def test_the_last_line_of_a_window_says_whether_it_is_in_alarm_and_what_was_told_stays_told():
    start = "2013-06-03"
    told = verdict(start, "y", kind=Kind.LABEL)
    (month,) = year.months([line(start, told), line(start, verdict(None), restated=True)], UTC)
    assert (month.windows, month.alarms, month.counted, month.alarmed) == (1, 1, 1, timedelta())


def test_kinds_that_are_open_together_count_each_and_take_the_time_once():
    both = (verdict("2013-06-03", "temp"), verdict("2013-06-03", kind=Kind.PERFORMANCE))
    (month,) = year.months(days("2013-06-03", 3, *both), UTC)
    assert (month.alarms, month.counted, month.alarmed) == (2, 6, 3 * DAY)
    assert year.moved(month) == "covariate: temp; performance"


def test_a_column_that_joins_is_named_and_opens_no_alarm():
    lines = [
        *days("2013-06-03", 1, verdict("2013-06-03", "temp")),
        *days("2013-06-04", 1, verdict("2013-06-03", "temp", dewp="2013-06-04")),
    ]
    (month,) = year.months(lines, UTC)
    assert (month.alarms, month.counted) == (1, 2)
    assert year.moved(month) == "covariate: temp, dewp"


def test_months_are_those_of_the_zone_in_order_whatever_the_order_of_the_lines():
    lines = [line("2013-11-01T04:00", verdict(None)), line("2013-10-31T04:00", verdict(None))]
    assert [month.first.month for month in year.months(lines, NEW_YORK)] == [10, 11]
    assert [month.first.month for month in year.months([line("2013-11-01T03:00")], NEW_YORK)] == [10]


def test_a_quiet_month_and_a_loud_one_are_laid_beside_the_budget():
    lines = [
        *days("2013-06-01", 30, verdict(None)),
        *days("2013-07-01", 10, verdict("2013-07-01", "temp", "dewp")),
        *days("2013-07-11", 21, verdict(None)),
    ]
    storm = Fault("storm", at("2013-06-13"), at("2013-06-14"), (), ())
    rows = printed(
        year.months(lines, UTC, [storm, Fault("storm", at("2013-06-08"), at("2013-06-09"), (), ())])
    )
    assert rows[-4:] == [
        "Jun 2013 30 0 0 0 d 8, 13",
        "Jul 2013 31 1 10 10 d covariate: temp, dewp",
        "sum 61 1 10 10 d",
        "counted, with each further 24 h open: 10; the budget of 1 per 30d allows 2.0",
    ]


@pytest.mark.parametrize(("open_days", "style"), [(2, "green"), (3, "red")])
def test_the_sum_is_green_as_long_as_the_budget_holds(open_days, style):
    lines = [
        *days("2013-06-01", open_days, verdict("2013-06-01", "temp")),
        *days("2013-06-10", 60 - open_days),
    ]
    assert year.table(year.months(lines, UTC), budget="1 per 30d", days=30).caption.style == style


def test_no_line_is_wider_than_100_columns_and_names_are_printed_as_they_are():
    long = "a_column_whose_name_goes_on_and_on" * 3
    lines = days("2013-06-01", 30, verdict("2013-06-01", "[red]b", long))
    console = Console(width=300, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(year.table(year.months(lines, UTC), budget="1 per 100 windows", days=100))
    rows = capture.get().splitlines()
    assert max(len(row.rstrip()) for row in rows) <= 100
    assert any("covariate: [red]b, a_column" in row and "…" in row for row in rows)
    assert any("Windows" in row and "Counted" in row and "In alarm" in row for row in rows)


def test_the_shipped_storms_are_days_in_new_york():
    storms = demo.faults(STORMS)
    assert [storm.start.astimezone(NEW_YORK).strftime("%d %b %H:%M") for storm in storms] == [
        "08 Feb 00:00", "09 Feb 00:00", "23 May 00:00", "12 Sep 00:00", "10 Dec 00:00",
    ]  # fmt: skip
    assert {storm.end - storm.start for storm in storms} == {DAY}
