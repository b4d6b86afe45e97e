"""The command line as a whole: what is refused, what ends how, and who may write where."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from monitor import __version__
from monitor.cli import COMMANDS, NOT_YET, main
from monitor.cli import once as once_command
from monitor.store import Store
from tests.cli.conftest import UNTIL
from tests.harness import driftd

CONTRACT = {
    "run": "--listen --state --web-config --workers --run-timeout --run-memory --shutdown-timeout "
    "--retention --log-format",
    "once": "--state --until --json --push-gateway",
    "check": "--connect",
    "calibrate": "--json",
    "init": "--live --out",
    "backfill": "--from --to --json",
    "accept": "--state --reason",
    "status": "--state --json",
    "rules": "--out --format --job --runbook-url --dashboard-url",
    "dashboards": "--out",
    "demo": "--listen --once",
}
"""The options of the public interface."""


def exits(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def shell(*arguments: object, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor", *map(str, arguments)]
    return subprocess.run(command, text=True, check=False, timeout=60, stderr=subprocess.PIPE, **more)


def test_every_command_of_this_version_has_its_options(capsys):
    assert set(CONTRACT) == set(COMMANDS)
    for command, options in CONTRACT.items():
        assert exits(command, "--help") == 0
        words = capsys.readouterr().out.split()
        assert set(options.split()) <= set(words), command
        assert "Example:" in words


def test_help_without_a_command_lists_the_commands(capsys):
    assert exits("--help") == 0
    told = capsys.readouterr().out
    assert all(f"    {name} " in told and summary in told for name, summary in COMMANDS.items())


def test_the_version_is_said_and_nothing_else(capsys):
    assert exits("--version") == 0
    assert capsys.readouterr().out == f"driftd {__version__}\n"


@pytest.mark.parametrize("command", NOT_YET)
def test_commands_of_later_versions_are_refused_plainly(command):
    ran = driftd(command, "some", "--out", "thing")
    assert ran.code == 2
    assert ran.err == f'driftd: command "{command}" ({NOT_YET[command]}) is not in this version\n'
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["cehck", "x"], 'there is no command "cehck"; did you mean check?'),
        (["watch"], 'there is no command "watch"; the commands are run, once,'),
        (["once"], "the following arguments are required: PATH"),
        (["once", "x", "--untill", "y"], "driftd once: error: unrecognized arguments: --untill y"),
        (["once", "x", "--unt", "2024-02-10T00:00Z"], "unrecognized arguments: --unt"),
        (
            ["once", "x", "--until", "2024-02-10T00:00"],
            "has no zone; add one, as in 2024-02-10T00:00Z for UTC",
        ),
        (["once", "x", "--until", "2024-02-10"], "has no zone; add one, as in 2024-02-10T00:00Z for UTC"),
        (["once", "x", "--until", "yesterday"], "'yesterday' is not a time; write it as 2024-02-10T00:00Z"),
        (["backfill", "x", "--from", "2024-02-10T00:00Z"], "the following arguments are required: --to"),
        (["run", "x", "--workers", "0"], "'0' is not a whole number from 1"),
        (["run", "x", "--run-memory", "4 gib"], "'4 gib' is not a size; write it as 500MiB or 4GiB"),
        (["run", "x", "--retention", "400"], "'400' is not a duration; write it as 30s, 10m, 1h or 7d"),
        (["run", "x", "--log-format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(arguments, message, capsys):
    assert exits(*arguments) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""


def test_the_state_is_that_of_the_environment(make, tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTD_STATE", f"sqlite:///{tmp_path}/elsewhere.db")
    assert driftd("once", make().path, "--until", UNTIL).code == 0
    assert (tmp_path / "elsewhere.db").exists()


def test_an_empty_environment_is_no_state(monkeypatch, tmp_path):
    monkeypatch.setenv("DRIFTD_STATE", "")
    monkeypatch.chdir(tmp_path)
    assert "store driftd.db does not exist" in driftd("status").err


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("driftd.db", "is not a URL; for a file write sqlite:///driftd.db"),
        ("postgresql://host/db", "store postgresql is not in this version"),
        ("sqlite:////nowhere/to/be/driftd.db", "the folder /nowhere/to/be does not exist"),
        (f"sqlite:///{Path(__file__)}", "file is not a database"),
    ],
)
def test_a_state_that_cannot_be_is_said_before_any_work(state, message, make):
    for command in (["once", make().path], ["status"], ["run", make().path]):
        ran = driftd(*command, "--state", state)
        assert (ran.code, ran.out) == (2, "")
        assert message in ran.err


def failing(error: BaseException | int):
    """Stands for the recording of a run: it raises, or sends this process a signal."""

    def record(*_: object):
        if isinstance(error, int):
            os.kill(os.getpid(), error)
        else:
            raise error
        yield

    return record


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "driftd: interrupted\n"),
        (RuntimeError("of ours"), 2, "RuntimeError: of ours\n"),
        (BrokenPipeError(), 2, ""),
    ],
)
def test_what_ends_a_command_is_never_taken_for_an_alarm(error, code, told, make, monkeypatch):
    model = make(live="moved")
    monkeypatch.setattr(once_command, "record", failing(error))
    ran = model.once(UNTIL)
    assert ran.code == code
    assert ran.err.endswith(told)
    with Store.open(model.state) as store:
        assert store.lease(model.path.stem, "the next", 1)


def test_sigterm_ends_a_command_and_gives_the_lease_back(make, monkeypatch):
    model = make()
    monkeypatch.setattr(once_command, "record", failing(signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        model.once(UNTIL)
    assert ended.value.code == 128 + signal.SIGTERM
    with Store.open(model.state) as store:
        assert store.lease(model.path.stem, "the next", 1)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_reader_that_goes_away_is_no_traceback(shared):
    reading, writing = os.pipe()
    os.close(reading)
    ran = shell("init", shared / "reference.parquet", stdout=writing)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (2, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("columns", [1, 200])
def test_a_full_disk_under_the_results_is_2(tmp_path, columns, unbuffered):
    """Few results are written as the program ends, many before that."""
    path = tmp_path / "reference.parquet"
    pd.DataFrame({f"column_{number}": [0.5, 1.5] for number in range(columns)}).to_parquet(path)
    with Path("/dev/full").open("w") as full:
        ran = shell("init", path, stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert ran.returncode == 2
    assert "No space left on device" in ran.stderr
    assert "a fault of driftd" not in ran.stderr


def test_a_full_disk_under_the_help_is_2():
    with Path("/dev/full").open("w") as full:
        ran = shell("--help", stdout=full, env={**os.environ, "PYTHONUNBUFFERED": ""})
    assert ran.returncode == 2
    assert ran.stderr == "driftd: cannot write the results: [Errno 28] No space left on device\n"


def test_names_are_printed_in_any_locale(make, tmp_path):
    folder = tmp_path / "größe"
    folder.mkdir()
    ran = shell("check", folder, stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 2
    assert "gr\\xf6\\xdfe" in ran.stderr
    assert "Traceback" not in ran.stderr
