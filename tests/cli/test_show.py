"""What people and programs see of a run: each alarm once, and results apart from everything else."""

import io
from datetime import UTC, datetime

import pytest

from monitor.cli import show
from monitor.cli.show import Shown
from monitor.evaluation import Failed
from monitor.plan import Planned
from monitor.recorder import Committed
from monitor.state import AlarmRecord, Commit, ModelState
from monitor.types import Evaluation, Kind, Problem, Reason, Stage, Window

SINCE, CLOSED = datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 2, 12, tzinfo=UTC)
KEY = (Kind.LABEL, "", SINCE)


def alarm(closed: datetime | None = None) -> AlarmRecord:
    return AlarmRecord(Kind.LABEL, "", SINCE, closed, ("y",), "[red]y moved")


def commit(*alarms: AlarmRecord, withdrawn=(), problems: tuple[Problem, ...] = ()) -> Committed:
    line = Evaluation("m", Window(SINCE, CLOSED), CLOSED, 5, 0, False, False, 0.1, (), (), (), problems)
    return Committed(Commit("m", (line,), ModelState("m"), alarms=alarms, withdrawn=withdrawn))


def said(capsys, *events, as_json: bool = False, standing=None) -> tuple[str, str, Shown]:
    with Shown(as_json=as_json) as shown:
        shown.begin("m")
        for event in events:
            shown.take(event)
        shown.end(standing)
    told = capsys.readouterr()
    return told.out, told.err, shown


def test_an_alarm_is_told_when_it_opens_and_when_it_ends(capsys):
    out, _, shown = said(
        capsys, commit(alarm()), commit(alarm()), commit(alarm(CLOSED)), commit(alarm(CLOSED))
    )
    assert out.splitlines()[:2] == [
        "ALARM m: label since 2024-02-10T00:00Z: [red]y moved",
        "ended m: label of 2024-02-10T00:00Z at 2024-02-12T00:00Z",
    ]
    assert out.splitlines()[-1] == "m: 4 windows, 20 rows; open alarms: none"
    assert not shown.alarmed


def test_an_alarm_that_labels_take_back_is_said_to_be_undone(capsys):
    out, _, _ = said(capsys, commit(alarm()), commit(withdrawn=(KEY,)))
    assert out.splitlines()[1] == "undone m: label of 2024-02-10T00:00Z: later labels say there was none"


def test_what_stands_at_the_end_makes_it_alarmed(capsys):
    _, _, told = said(capsys, commit(alarm()))
    _, _, standing = said(capsys, standing=(alarm(),))
    _, _, none = said(capsys, standing=())
    assert (told.alarmed, standing.alarmed, none.alarmed) == (True, True, False)


def test_a_problem_is_told_once_and_names_are_no_markup(capsys):
    problem = Problem("[b]c", Reason.CONSTANT, "one [i]value")
    out, _, _ = said(capsys, commit(problems=(problem,)), commit(problems=(problem,)))
    assert out.splitlines()[0] == "note m: [b]c constant: one [i]value"
    assert len(out.splitlines()) == 2


def test_a_model_that_fails_at_once_has_no_total_and_one_that_fails_later_has(capsys):
    failed = Failed(Stage.SCAN, Reason.SOURCE_FAILED, "it is gone")
    out, err, shown = said(capsys, failed)
    assert (out, err, shown.failed) == ("", "driftd: m: it is gone [scan: source_failed]\n", True)
    out, _, _ = said(capsys, commit(), failed)
    assert out == "m: 1 window, 5 rows; open alarms: none\n"


def test_with_json_only_lines_are_on_stdout(capsys):
    problems = (Problem("", Reason.NO_FILES, "no file matches"),)
    out, err, _ = said(capsys, Planned(1, problems), commit(alarm()), as_json=True)
    assert out.count("\n") == 1
    assert out.startswith('{"model": "m", ')
    assert err == "driftd: m: no file matches [scan: no_files]\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("piped", [True, False])
def test_a_bar_on_the_terminal_takes_no_result_away(monkeypatch, as_json, piped):
    out, err = io.StringIO() if piped else Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with Shown(as_json=as_json) as shown:
        shown.begin("m")
        shown.take(Planned(1))
        shown.take(commit(alarm()))
        shown.end()
    bar, results = "windows" in err.getvalue(), out.getvalue()
    if as_json:
        assert results.startswith('{"model"')
        assert results.count("\n") == 1
        assert bar is piped  # beside lines for a program there is no bar on the same terminal
    else:
        assert bar
        assert "label since" in (results if piped else err.getvalue())  # above the bar


def test_without_a_terminal_there_is_no_bar():
    assert show.progress().disable
