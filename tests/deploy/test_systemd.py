"""The unit of systemd: what its own checkers say of it, and that its times and folders fit the daemon's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.promised import check_limits, given
from tests.deploy.unit import UNIT, command, seconds, setting, settings, size

WORST = 2.0
"""The exposure of `systemd-analyze security`, from 0 to 10, that the unit stays under."""


@pytest.fixture
def installed(tmp_path):
    """The unit for the driftd that runs these tests, since systemd looks for the program."""
    path = tmp_path / UNIT.name
    path.write_text(
        UNIT.read_text().replace("/opt/driftd/bin/driftd", str(Path(sys.executable).with_name("driftd")))
    )
    return path


def analyze(*arguments):
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, timeout=60)


def test_systemd_understands_every_line(systemd_analyze, installed):
    checked = analyze(systemd_analyze, "verify", "--man=no", installed)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_systemd_would_tell_a_line_that_it_does_not_understand(systemd_analyze, installed):
    installed.write_text(installed.read_text().replace("ProtectClock=", "ProtectClocks="))
    assert "'ProtectClocks'" in analyze(systemd_analyze, "verify", "--man=no", installed).stderr


def test_little_is_exposed(systemd_analyze, installed):
    told = analyze(systemd_analyze, "security", "--offline=true", "--no-pager", installed)
    assert float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)[1]) < WORST


def test_the_command_line_is_the_daemons_and_its_state_is_where_it_may_write():
    arguments = given(command())
    assert arguments.command == "run"
    assert arguments.state == f"sqlite:////var/lib/{setting('StateDirectory')}/driftd.db"
    assert [str(path) for path in arguments.paths] == [f"/etc/{setting('ConfigurationDirectory')}/models"]


def test_runs_have_the_time_and_the_memory_that_the_daemon_promises_them():
    check_limits(given(command()), seconds(setting("TimeoutStopSec")), size(setting("MemoryMax")))


def test_a_run_that_the_kernel_ends_for_its_memory_does_not_end_the_daemon():
    assert setting("OOMPolicy") == "continue"


def test_nothing_is_compiled_where_memory_may_not_become_executable():
    assert setting("MemoryDenyWriteExecute") == "yes"
    assert "DRIFTD_COUNTING=numpy" in settings("Environment")
