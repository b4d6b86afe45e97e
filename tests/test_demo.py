"""The demo's table says what is so: found, missed, named wrongly, and false."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from monitor import demo
from monitor.demo import Fault, Mark, Opening
from monitor.types import Evaluation, Kind, Severity, State, Verdict, Window

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WINDOW = 6 * HOUR
TRUTH = Path(str(files("monitor") / "data" / "flights_truth.json"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fault(start: str = "2024-02-10", kinds=(Kind.COVARIATE,), columns=("temp",), **more) -> Fault:
    return Fault("unit change", at(start), at(start) + 7 * DAY, kinds, columns, **more)


def opening(since: str, kind: Kind = Kind.COVARIATE, columns=("temp",)) -> Opening:
    return Opening(kind, columns, at(since), at(since) + WINDOW)


def match(truth, said) -> demo.Outcome:
    return demo.match(truth, said, window=WINDOW, label_delay=DAY)


def line(start: datetime, *verdicts: Verdict, tick: datetime | None = None) -> Evaluation:
    window = Window(start, start + WINDOW)
    return Evaluation("m", window, tick or start + WINDOW, 180, 0, False, False, 0.1, verdicts, (), (), ())


def verdict(kind: Kind, since: datetime | None, column_since: dict[str, datetime]) -> Verdict:
    state = State.OK if since is None else State.ALARM
    columns = tuple(column_since)
    return Verdict(
        kind, state, since is not None, 2, Severity.ALARM, True, 99, since, columns, column_since, "moved"
    )


def printed(outcome: demo.Outcome) -> list[str]:
    console = Console(width=100, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(demo.table(outcome))
    return capture.get().splitlines()


def test_a_fault_with_its_kind_and_column_is_found_with_its_delay():
    outcome = match([fault()], [opening("2024-02-10T06:00")])
    assert outcome.answers[0].mark is Mark.FOUND
    row = next(row for row in printed(outcome) if "unit change" in row)
    assert " ".join(row.split()) == "unit change: temp 10 Feb covariate: temp 10 Feb 06:00 12 h found"


@pytest.mark.parametrize(
    ("since", "belongs"),
    [
        ("2024-02-09T18:00", False),  # its window ends where the fault begins
        ("2024-02-09T19:00", True),
        ("2024-02-18T05:59", True),  # fault's end, one window and a day for the labels
        ("2024-02-18T06:00", False),
    ],
)
def test_the_rule_which_alarm_belongs_to_a_fault(since, belongs):
    outcome = match([fault()], [opening(since)])
    assert (outcome.answers[0].mark is Mark.FOUND, outcome.false_alarms == ()) == (belongs, belongs)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        (opening("2024-02-10", columns=("dewp",)), Mark.OTHER_COLUMN),
        (opening("2024-02-10", kind=Kind.CONCEPT), Mark.OTHER_KIND),
    ],
)
def test_an_answer_that_is_not_quite_right_is_shown_and_marked(said, mark):
    outcome = match([fault()], [said])
    assert outcome.answers[0].mark is mark
    assert any(f"{said.kind}: {said.columns[0]}" in row and mark in row for row in printed(outcome))


def test_the_right_answer_goes_before_an_earlier_wrong_one():
    outcome = match([fault()], [opening("2024-02-10", kind=Kind.PREDICTION), opening("2024-02-12")])
    assert outcome.answers[0].mark is Mark.FOUND
    assert any("covariate: temp + prediction" in row for row in printed(outcome))


def test_silence_is_a_miss_unless_the_fault_is_negligible():
    outcome = match([fault(), fault("2024-06-01", negligible=True)], [])
    assert [answer.mark for answer in outcome.answers] == [Mark.MISSED, Mark.NEGLIGIBLE]


def test_an_alarm_outside_every_fault_is_one_line_of_its_own():
    rows = printed(match([fault()], [opening("2024-03-20", kind=Kind.QUALITY, columns=("humid",))]))
    assert sum("false alarm" in row and "quality: humid" in row for row in rows) == 1
    assert "of 1 faults: 1 missed; false alarms: 1" in rows[-1]


def test_openings_count_an_alarm_once_from_the_first_line_that_tells_of_it():
    start = at("2024-02-10")
    told = verdict(Kind.COVARIATE, start, {"temp": start})
    lines = [line(start, told), line(start + WINDOW, told), line(start, told, tick=start + 3 * DAY)]
    assert demo.openings(lines) == (Opening(Kind.COVARIATE, ("temp",), start, start + WINDOW),)


def test_a_column_that_joins_an_open_alarm_answers_a_later_fault_and_is_no_false_alarm():
    start, later = at("2024-02-10"), at("2024-03-09")
    lines = [
        line(start, verdict(Kind.COVARIATE, start, {"temp": start})),
        line(later, verdict(Kind.COVARIATE, start, {"temp": start, "dewp": later})),
        line(later + WINDOW, verdict(Kind.COVARIATE, None, {})),
    ]
    said = demo.openings(lines)
    outcome = match([fault(), fault("2024-03-09", columns=("dewp",))], said)
    assert [answer.mark for answer in outcome.answers] == [Mark.FOUND, Mark.FOUND]
    assert match([fault()], said).false_alarms == ()


def test_another_truth_file_gives_another_table(tmp_path):
    said = [opening("2024-02-10"), opening("2024-03-20")]
    other = tmp_path / "truth.json"
    swapped = {"name": "storm", "start": "2024-03-19", "end": "2024-03-26T00:00:00Z", "columns": ["visib"]}
    other.write_text(json.dumps([swapped]))
    shipped, changed = (printed(match(demo.faults(path), said)) for path in (TRUTH, other))
    assert any("unit change: temp" in row and "found" in row for row in shipped)
    assert any("storm: visib" in row and "other column" in row for row in changed)
    assert sum("false alarm" in row for row in changed[:-1]) == 1


def test_no_line_is_wider_than_100_columns_whatever_the_names():
    long = "a_column_whose_name_goes_on_and_on_and_on" * 3
    rows = printed(match([fault(columns=(long,))], [opening("2024-02-10", columns=(long, "[red]b"))] * 2))
    assert max(map(len, rows)) <= 100
    assert sum("unit change" in row for row in rows) == 1


def test_names_are_printed_as_they_are():
    rows = printed(match([], [opening("2024-02-10", columns=("[red]b",))]))
    assert any("[red]b" in row for row in rows)


def test_the_shipped_truth_has_nine_week_long_faults():
    faults = demo.faults(TRUTH)
    assert len(faults) == 9
    assert {fault.end - fault.start for fault in faults} == {7 * DAY}
    assert all(fault.kinds for fault in faults)
