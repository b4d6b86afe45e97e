"""`driftd backfill`: past windows as `once` would have printed them; nothing that stands is moved."""

import pytest

from monitor.cli import main
from monitor.store import Store
from tests.cli.conftest import UNTIL, YAML, Make
from tests.harness import Line, Model, driftd

FROM, TO = "2024-01-22T00:00Z", "2024-01-24T00:00Z"


def backfill(model: Model, start: str = FROM, end: str = TO, *more: str):
    return driftd("backfill", model.path, "--state", model.state, "--from", start, "--to", end, *more)


def timeless(lines: dict[str, Line]) -> dict[str, Line]:
    return {key: {**line, "seconds": 0} for key, line in lines.items()}


def known(model: Model) -> tuple[object, ...]:
    with Store.open(model.state) as store:
        name = model.path.stem
        return store.state(name).watermark, store.state(name).streams, store.alarms(name)


def windows(model: Model) -> list[str]:
    with Store.open(model.state) as store:
        return [line.window.key for line in store.evaluations(model.path.stem)]


def test_the_lines_are_those_of_once(make: Make):
    model = make(live="moved")
    filled = backfill(model, "2024-01-21T00:00Z", "2024-01-24T00:00Z", "--json")
    evaluated = model.once(UNTIL)
    assert timeless(filled.last) == timeless(evaluated.last)
    assert (filled.code, evaluated.code) == (1, 1)


def test_windows_are_whole_from_the_one_that_holds_the_start(make):
    ran = backfill(make(), "2024-01-21T12:00Z", "2024-01-23T12:00Z", "--json")
    assert {start: line["rows"] for start, line in ran.last.items()} == {
        "2024-01-21T00:00:00Z": 200,
        "2024-01-22T00:00:00Z": 200,
    }


def test_watermark_alarms_and_streams_stay(make):
    model = make(live="passed")
    model.once("2024-01-22T12:00Z")
    before = known(model)
    assert backfill(model).code == 1
    assert known(model) == before
    assert windows(model) == ["2024-01-21T00:00:00Z", "2024-01-22T00:00:00Z", "2024-01-23T00:00:00Z"]


def test_windows_that_the_ledger_has_stay_as_they_are(make, shared):
    model = make(live="quiet")
    model.once(UNTIL)
    with Store.open(model.state) as store:
        before = store.evaluations("small")
    model.path.write_text(YAML.format(name="small", live="moved", shared=shared, more=""))
    assert backfill(model).code == 1
    with Store.open(model.state) as store:
        assert store.evaluations("small") == before


def test_once_evaluates_what_was_only_filled(make):
    alone, model = make("alone", "moved"), make("small", "moved")
    backfill(model)
    assert [
        {**line, "model": "", "seconds": 0} for line in model.once(UNTIL).lines
    ] == [{**line, "model": "", "seconds": 0} for line in alone.once(UNTIL).lines]  # fmt: skip


def test_people_read_which_alarms_there_would_have_been(make):
    ran = backfill(make(live="passed"))
    alarm, total = ran.out.splitlines()
    assert alarm.startswith("ALARM small: covariate since 2024-01-22T00:00Z: amount moved")
    assert total == "small: 2 windows, 400 rows; open alarms: covariate since 2024-01-22T00:00Z"


def test_exit_codes(make):
    quiet, lost = make("quiet"), make("lost", "lost")
    lost.path.write_text(lost.path.read_text().replace("reference.parquet", "lost.parquet"))
    assert backfill(quiet).code == 0
    both = driftd(
        "backfill", lost.path, quiet.path, "--state", quiet.state, "--from", FROM, "--to", TO, "--json"
    )
    assert both.code == 2
    assert {line["model"] for line in both.lines} == {"quiet"}


def test_a_stretch_that_ends_before_it_begins_is_2(make):
    ran = backfill(make(), TO, FROM)
    assert (ran.code, ran.err) == (2, "driftd: --from must be before --to\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--openmetrics", "x.txt"], "writing x.txt is not in this version"),
        (["--from", "2024-01-22"], "has no zone; add one, as in 2024-01-22T00:00Z for UTC"),
    ],
)
def test_wrong_usage_is_2(make, more, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["backfill", str(make().path), "--from", FROM, "--to", TO, *more])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
