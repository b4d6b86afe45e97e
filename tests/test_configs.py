"""Every example model is valid and runs as it stands."""

import json
from pathlib import Path

import pytest

from monitor.cli import main

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))
UNTIL = "2024-02-06T12:00Z"
"""One week of the model with weeks, some days of the others, and before the first fault in the data."""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_example_is_valid(path, capsys):
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err.count("error") == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_example_runs_and_finds_no_fault_where_none_is(path, tmp_path, capsys):
    state = f"sqlite:///{tmp_path / 'state.db'}"
    code = main(["once", str(path), "--state", state, "--until", UNTIL, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    windows = {line["window"]["start"]: line for line in lines}
    assert windows
    assert all(line["rows"] > 0 and line["statistics"] for line in windows.values())
    assert not any(verdict["alarm"] for line in windows.values() for verdict in line["verdicts"])
    assert code == 0
