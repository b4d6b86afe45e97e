"""`driftd init`: a file that is valid as it stands, and never written over another."""

import pandas as pd
import pytest

from tests.cli.conftest import UNTIL
from tests.harness import driftd


def test_what_it_writes_is_valid_and_evaluates(shared, tmp_path):
    out = tmp_path / "model.yaml"
    ran = driftd("init", shared / "reference.parquet", "--live", shared / "moved.parquet", "--out", out)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"wrote {out}; now read its comments, then: driftd check {out} --connect\n"
    assert driftd("check", out, "--connect").code == 0
    evaluated = driftd("once", out, "--state", f"sqlite:///{tmp_path}/s.db", "--until", UNTIL, "--json")
    assert evaluated.code == 1, evaluated.err
    assert {each["kind"] for each in evaluated.lines[-1]["verdicts"]} >= {"covariate", "label", "quality"}


def test_without_out_the_file_is_the_result(shared):
    ran = driftd("init", shared / "reference.parquet")
    assert (ran.code, ran.err) == (0, "")
    assert "version: 1\n" in ran.out
    assert "timestamp: ts" in ran.out


def test_a_file_that_is_there_stays(shared, tmp_path):
    out = tmp_path / "model.yaml"
    out.write_text("mine")
    ran = driftd("init", shared / "reference.parquet", "--out", out)
    assert ran.code == 2
    assert ran.err == f"driftd: {out} exists; remove it or choose another --out\n"
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("data", "out", "message"),
    [
        ("lost.parquet", "model.yaml", "lost.parquet: there is no such file"),
        (".", "model.yaml", "is a folder; give one file of it"),
        ("reference.parquet", "no/folder/model.yaml", "cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_is_said(shared, tmp_path, data, out, message):
    ran = driftd("init", shared / data, "--out", tmp_path / out)
    assert ran.code == 2
    assert message in ran.err
    assert not (tmp_path / out).exists()


def test_data_beside_the_file_are_named_from_there_so_that_both_can_move(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    for each in (folder / "live", elsewhere):
        each.mkdir(parents=True)
    times = pd.date_range("2024-01-01", periods=50, freq="h", tz="UTC")
    pd.DataFrame({"ts": times, "flow": range(50)}).to_parquet(folder / "reference.parquet")
    monkeypatch.chdir(elsewhere)
    live = elsewhere / "*.parquet"
    said = driftd("init", "../models/reference.parquet", "--live", live, "--out", "../models/model.yaml")
    assert said.code == 0, said.err
    text = (folder / "model.yaml").read_text()
    assert "path: reference.parquet}" in text
    assert f'path: "{live}"}}' in text
