"""The rules for all tests hold: no silent skip in CI, outside data asked for, no network."""

import os
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

OWN = Path(__file__).with_name("conftest.py")


def run(folder: Path, test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one file in a folder of its own, with our conftest."""
    shutil.copy(OWN, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = data: needs outside data\n")
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


SKIPS = "import pytest\ndef test_a(): pytest.skip('not today')\n"
NEEDS_DATA = "import pytest\n@pytest.mark.data\ndef test_a(data): assert data.is_dir()\ndef test_b(): pass\n"
NEEDS_PROGRAM = """
import pytest
@pytest.mark.parametrize("number", [1, 2])
def test_a(prometheus, number): pass
def test_b(prometheus): pass
def test_c(): pass
"""


@pytest.mark.parametrize(("in_ci", "code"), [("true", 1), ("", 0)])
def test_a_skip_fails_the_run_in_ci_only(tmp_path, in_ci, code):
    outcome = run(tmp_path, SKIPS, CI=in_ci)
    assert outcome.returncode == code, outcome.stdout
    assert ("1 skipped in CI" in outcome.stdout) is bool(in_ci)


@pytest.mark.parametrize(("in_ci", "code"), [("true", 1), ("", 0)])
def test_a_program_that_is_not_there_leaves_out_its_tests_by_name_and_fails_in_ci(tmp_path, in_ci, code):
    outcome = run(tmp_path, NEEDS_PROGRAM, CI=in_ci, DRIFTD_PROMETHEUS=str(tmp_path / "gone"))
    assert outcome.returncode == code, outcome.stdout
    reason = "left out, because prometheus is not installed; DRIFTD_PROMETHEUS names it:"
    assert f"{reason}\n  test_it.py::test_a\n  test_it.py::test_b\n" in outcome.stdout
    assert "1 passed, 3 skipped" in outcome.stdout


def test_without_outside_data_its_tests_are_left_out_and_one_line_says_so(tmp_path):
    outcome = run(tmp_path, NEEDS_DATA, DRIFTD_DATA="", CI="true")
    assert outcome.returncode == 0, outcome.stdout
    assert "1 passed, 1 deselected" in outcome.stdout
    assert outcome.stdout.count("DRIFTD_DATA is not set") == 1


def test_outside_data_that_is_not_there_is_an_error(tmp_path):
    outcome = run(tmp_path, NEEDS_DATA, DRIFTD_DATA=str(tmp_path / "gone"))
    assert outcome.returncode != 0
    assert "is not a folder" in outcome.stderr


def test_no_connection_leaves_this_machine():
    with socket.socket() as other, pytest.raises(PermissionError, match="may not connect"):
        other.connect(("192.0.2.1", 80))


def test_the_clock_moves_only_when_told(clock):
    before = clock()
    assert clock() == before
    assert clock.advance(timedelta(hours=1)) == clock() == before + timedelta(hours=1)
