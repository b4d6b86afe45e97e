"""`driftd calibrate`: tables for a person, strict JSON for a program, no store, no model stops another."""

import json

import pytest

from monitor.cli.calibration_tables import WIDTH
from tests.cli.conftest import REFERENCE_DAYS
from tests.harness import driftd
from tests.run_model import days


def strict(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_with_json_stdout_holds_one_strict_object_per_model_in_the_order_of_names(make, tmp_path):
    paths = make("b").path, make("a").path
    ran = driftd("calibrate", *paths, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [strict(text)["model"] for text in ran.out.splitlines()] == ["a", "b"]
    told = ran.lines[0]
    assert told["windows"]["count"] == REFERENCE_DAYS
    kinds = {each["kind"]: each for each in told["kinds"]}
    assert set(kinds) == {"covariate", "quality", "prediction", "label", "performance", "concept"}
    assert {each["column"] for each in told["lines"]} == {"amount", "country", "y_pred"}
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".yaml"] == []


def test_people_read_small_tables(make):
    ran = driftd("calibrate", make().path)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == (
        "small: 20 windows of 1 d, 2024-01-01T00:00Z to 2024-01-21T00:00Z, usually with 200 rows"
    )
    assert max(map(len, lines)) <= WIDTH
    for title in ("False alarms per 30 days", "What was replayed", "Lines of PSI and KS"):
        assert any(line.startswith(title) for line in lines)
    assert "provisional" in ran.out
    assert "20 windows make 1 of the 3 folds, each of a week and 20 windows, that are needed." in " ".join(
        ran.out.split()
    )
    assert "amount alone" in ran.out
    assert "missing: all 3 columns" in " ".join(ran.out.split())


def test_of_many_columns_the_table_has_the_highest_lines_and_json_all(make, tmp_path):
    model = make()
    frame = days(0, 12)
    more = {
        f"x{number:02}": frame["x"].sample(frac=1, random_state=number).to_numpy() for number in range(24)
    }
    frame.assign(**more).to_parquet(tmp_path / "wide.parquet", index=False)
    text = model.path.read_text().split("columns:")[0]
    text = text.replace(text[text.index('path: "') :].split('"')[1], f"{tmp_path}/wide.parquet", 1)
    model.path.write_text(
        text + "columns: {timestamp: ts, features: {ignore: [id, y, pred, proba, colour]}}\n"
    )
    ran = driftd("calibrate", model.path)
    rows = [line for line in ran.out.splitlines() if line.count("covariate") and "(" in line]
    assert len(rows) == 20
    assert "5 more columns have lower lines; --json tells all." in " ".join(ran.out.split())
    told = driftd("calibrate", model.path, "--json").lines[0]
    assert len({each["column"] for each in told["lines"]}) == 25


def test_a_model_that_cannot_be_learned_is_2_and_told_and_the_others_are_calibrated(make, tmp_path):
    make("b")
    for name, wrong in (("a", ("reference.parquet", "lost.parquet")), ("c", ("min_rows", "min_rosw"))):
        path = make(name).path
        path.write_text(path.read_text().replace(*wrong))
    ran = driftd("calibrate", tmp_path, "--json")
    assert ran.code == 2
    assert [line["model"] for line in ran.lines] == ["b"]
    assert "driftd: a: no file matches" in ran.err
    assert "c.yaml:12:36: window.min_rosw: unknown key; did you mean min_rows?" in ran.err


def test_too_few_windows_are_said_plainly(make):
    model = make()
    text = model.path.read_text()
    model.path.write_text(text.replace("length: 1d", "length: 3d"))
    ran = driftd("calibrate", model.path)
    assert ran.code == 0
    told = " ".join(ran.out.split())
    assert "not replayed" in told
    assert "windows of the reference can be judged, fewer than 10: judged as if rows were independent" in told
    assert "smallest shift" not in told


@pytest.mark.parametrize("as_json", [True, False])
def test_without_time_nothing_is_promised_per_30_days(make, as_json, tmp_path):
    for number in range(12):
        days(number, 1).drop(columns="ts").to_parquet(tmp_path / f"{number:02}.parquet", index=False)
    path = tmp_path / "files.yaml"
    path.write_text(
        "version: 1\nmodel: files\n"
        'reference: {source: {kind: files, path: "*.parquet"}}\n'
        'live: {source: {kind: files, path: "*.parquet"}}\n'
        'columns: {id: id, prediction: pred, label: y, positive: "yes"}\nwindow: {min_rows: 100}\n'
    )
    ran = driftd("calibrate", path, *(["--json"] if as_json else []))
    assert (ran.code, ran.err) == (0, "")
    if as_json:
        assert ran.lines[0]["windows"]["days"] is None
        assert {each["budget_per_30d"] for each in ran.lines[0]["kinds"]} == {None}
    else:
        assert "There is no event time: each file is a window" in ran.out
        assert "Where alarms open" in ran.out
        assert "30 days" not in ran.out


def test_no_secret_is_told(make, monkeypatch):
    monkeypatch.setenv("PLACE", "hunter2")
    model = make()
    model.path.write_text(model.path.read_text().replace("reference.parquet", "${PLACE}/*.parquet"))
    ran = driftd("calibrate", model.path)
    assert ran.code == 2
    assert "hunter2" not in ran.err + ran.out
