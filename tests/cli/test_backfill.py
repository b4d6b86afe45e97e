"""`driftd backfill`: past windows as `once` would have printed them; nothing that stands is moved."""

from datetime import UTC, datetime

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

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


def test_the_history_of_every_model_is_written(make, tmp_path):
    models = make("quiet"), make("passed", "passed")
    path = tmp_path / "history.txt"
    stored = ("--state", models[0].state, "--openmetrics", path, "--job", "drift")
    driftd("backfill", *(model.path for model in models), "--from", FROM, "--to", TO, *stored)
    (family,) = (
        each
        for each in text_string_to_metric_families(path.read_text(encoding="utf-8"))
        if each.name == "driftd_alarm"
    )
    found = {
        (each.labels["model"], datetime.fromtimestamp(float(each.timestamp), UTC).isoformat()): each.value
        for each in family.samples
        if each.labels["kind"] == "covariate" and each.labels["job"] == "drift"
    }
    first, second = "2024-01-23T01:00:00+00:00", "2024-01-24T01:00:00+00:00"
    assert found == {
        ("passed", first): 1,
        ("passed", second): 1,
        ("quiet", first): 0,
        ("quiet", second): 0,
    }


def test_windows_that_are_files_have_no_time_and_so_no_history(make, tmp_path):
    model, path = make(), tmp_path / "history.txt"
    text = model.path.read_text().replace("  timestamp: ts\n", "").replace("length: 1d, lateness: 1h, ", "")
    model.path.write_text(text)
    ran = backfill(model, FROM, TO, "--json", "--openmetrics", str(path))
    assert ran.code == 0
    assert [line["window"]["file"] for line in ran.lines] == ["quiet.parquet"]
    assert path.read_bytes() == b"# EOF\n"


def test_a_history_that_cannot_be_written_is_told_before_anything_is_evaluated(make, tmp_path):
    ran = backfill(make(), FROM, TO, "--openmetrics", str(tmp_path / "none" / "history.txt"))
    assert (ran.code, ran.out) == (2, "")
    assert "history.txt cannot be written: No such file or directory" in ran.err


def test_where_there_is_no_space_for_the_history_the_windows_are_written(make):
    model = make()
    ran = backfill(model, FROM, TO, "--openmetrics", "/dev/full")
    assert ran.code == 2
    assert "/dev/full cannot be written: No space left on device" in ran.err
    assert len(windows(model)) == 2


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
        (["--openmetrics", "x.txt", "--job", 'a"b'], "is not the name of a job"),
        (["--from", "2024-01-22"], "has no zone; add one, as in 2024-01-22T00:00Z for UTC"),
    ],
)
def test_wrong_usage_is_2(make, more, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["backfill", str(make().path), "--from", FROM, "--to", TO, *more])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
