"""`driftd status`: what the store knows, in 100 columns or as JSON; reading changes nothing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from monitor.cli.status import Known, calibrations, table
from monitor.state import AlarmRecord
from monitor.types import Evaluation, Kind, Problem, Promise, Reason, Severity, State, Verdict, Window
from tests.cli.conftest import UNTIL
from tests.harness import driftd

NOW = datetime(2024, 2, 10, tzinfo=UTC)
SHORT = "34 windows make 1 folds of a week and 20 windows; 3 are needed"


def status(model, *more: object):
    return driftd("status", "--state", model.state, *more)


def verdict(kind: Kind, state: State) -> Verdict:
    return Verdict(kind, state, state is State.ALARM, None, Severity.NONE, False, None, None, (), {}, "")


def known(
    model: str = "m",
    window: Window | None = None,
    *,
    columns: int = 0,
    promises: tuple[Promise, ...] = (),
) -> Known:
    window = window or Window(NOW - timedelta(days=1), NOW)
    verdicts = tuple(verdict(kind, State.ALARM) for kind in Kind)
    problems = tuple(
        Problem("[red]" + "long" * 20, Reason.ABSENT_COLUMN, "it is absent") for _ in range(columns)
    )
    line = Evaluation(
        model, window, NOW, 5, 0, False, False, 0.1, verdicts, (), (), problems, promises=promises
    )
    return Known(model, line, tuple(AlarmRecord(kind, "", NOW, None, (), "") for kind in Kind))


def printed(*found: Known, width: int = 200) -> list[str]:
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(table(found, NOW + timedelta(hours=3)))
    return capture.get().splitlines()


def test_the_table_tells_window_lag_verdicts_alarms_and_problems(make):
    moved = make("moved", "moved")
    moved.once(UNTIL)
    ran = status(moved)
    assert ran.code == 0
    rows = ran.out.splitlines()
    assert rows[0].split() == ["model", "last", "window", "lag", "verdicts", "open", "alarms"]
    assert rows[1].split()[:2] == ["moved", "2024-01-23T00:00Z"]
    assert "covariate alarm" in rows[1]
    assert "covariate since" in rows[1]
    assert {row.strip() for row in rows[3:]} >= {"label ok", "concept ok", "quality ok"}


def test_no_line_is_wider_than_100_columns_whatever_the_names():
    rows = printed(known("m" * 63, columns=3), known("file", Window(None, None, "f" * 200)))
    assert max(map(len, rows)) <= 100


def test_a_narrow_console_folds_and_loses_nothing():
    rows = "".join(printed(known("model-name"), width=50)).replace(" ", "")
    assert "performance" in rows
    assert "model" in rows


def test_names_from_data_are_printed_as_they_are():
    assert any("[red]long" in row for row in printed(known(columns=1)))


def test_a_provisional_calibration_is_one_line_per_model():
    promises = (
        Promise(Kind.COVARIATE, 0.5, 0.3, 0.1, 0.9, 30.0, provisional=True, reason=SHORT),
        Promise(Kind.PREDICTION, 0.25, 0.2, 0.1, 0.4, 118.0),
        Promise(Kind.LABEL, 0.25, provisional=True, reason=SHORT),
        Promise(Kind.QUALITY, 0.25, provisional=True, reason="[red]"),
    )
    found = [known("a", promises=promises), known("b"), Known("c", None, ()), known("d", promises=promises)]
    told = f"calibration provisional: covariate, label: {SHORT}; quality: [red]"
    assert [each.plain for each in calibrations(found)] == [f"a: {told}", f"d: {told}"]


def test_the_provisional_line_stands_under_the_table(make):
    model = make("quiet")
    newest = model.once(UNTIL).lines[-1]
    provisional = [each["kind"] for each in newest["promises"] if each["provisional"]]
    assert provisional
    rows = status(model).out.splitlines()
    (place,) = (
        number for number, row in enumerate(rows) if row.startswith("quiet: calibration provisional: ")
    )
    under = " ".join(rows[place:])
    assert rows[place - 1] == ""
    assert all(kind in under for kind in provisional)
    assert max(map(len, rows)) <= 100


def test_json_is_one_object_per_model(make):
    moved, quiet = make("moved", "moved"), make("quiet")
    lines = {"moved": moved.once(UNTIL).lines[-1], "quiet": quiet.once(UNTIL).lines[-1]}
    ran = status(moved, "--json")
    found = [json.loads(text) for text in ran.out.splitlines()]
    assert [each["model"] for each in found] == ["moved", "quiet"]
    for each in found:
        assert each["window"] == lines[each["model"]]["window"]
        assert each["rows"] == 200
        assert each["verdicts"] == lines[each["model"]]["verdicts"]
        assert each["promises"] == lines[each["model"]]["promises"] != []
        assert each["lag_seconds"] > 0
    assert [(alarm["kind"], alarm["since"]) for alarm in found[0]["alarms"]] == [
        ("covariate", "2024-01-23T00:00:00Z")
    ]
    assert found[1]["alarms"] == []
    assert (ran.code, ran.err) == (0, "")


def test_paths_choose_the_models_and_one_that_never_ran_is_said_so(make):
    moved, quiet = make("moved", "moved"), make("quiet")
    moved.once(UNTIL)
    ran = status(moved, quiet.path)
    assert ran.code == 0
    assert ran.out.splitlines()[1].split()[:3] == ["quiet", "none", "yet"]
    assert "moved" not in ran.out
    (found,) = (json.loads(text) for text in status(moved, quiet.path, "--json").out.splitlines())
    assert found == {
        "model": "quiet",
        "window": None,
        "rows": None,
        "lag_seconds": None,
        "verdicts": [],
        "alarms": [],
        "problems": [],
        "promises": [],
    }


def test_a_broken_model_file_is_2_and_the_others_are_shown(make, tmp_path):
    quiet, broken = make("quiet"), make("broken")
    quiet.once(UNTIL)
    broken.path.write_text("version: 2")
    ran = status(quiet, tmp_path)
    assert ran.code == 2
    assert "quiet" in ran.out


def test_a_store_that_is_not_there_is_2_and_not_made(tmp_path):
    ran = driftd("status", "--state", f"sqlite:///{tmp_path}/none.db")
    assert (ran.code, ran.out) == (2, "")
    assert "does not exist; correct --state, or evaluate a model first (driftd once)" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_store_without_models(make, more, tmp_path):
    model = make()
    driftd("once", tmp_path / "none.yaml", "--state", model.state)
    ran = status(model, *more)
    assert ran.code == 0
    assert ran.out == ("" if more else f"no model has been evaluated in {model.state} yet\n")


def test_reading_writes_nothing(make, tmp_path):
    model = make()
    model.once(UNTIL)
    file = tmp_path / "driftd.db"
    before = file.read_bytes()
    status(model, model.path)
    assert file.read_bytes() == before
