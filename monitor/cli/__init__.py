"""The command line: what the user types becomes calls; results to stdout, progress and logs to stderr."""

import argparse
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

from monitor import __version__
from monitor.errors import ConfigError, DriftdError

COMMANDS = {
    "run": "the daemon: schedule every model and serve metrics",
    "once": "evaluate every due window of every model, then exit",
    "check": "validate model files",
    "calibrate": "replay the reference: lines, false alarms to expect",
    "init": "write a model file from a look at the data",
    "backfill": "evaluate past windows",
    "accept": "this is the new normal: close a model's alarms",
    "status": "what the store knows of each model",
    "rules": "Prometheus alert and recording rules",
    "dashboards": "write Grafana dashboards and their provisioning",
    "demo": "real flights with known faults, end to end",
}
"""Each command is the module of its name: `add` declares its options, and sets what is called."""

NOT_YET = {
    "report": "one self-contained page with pictures",
}
"""Commands of later versions: refused plainly."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""A disk, or what a user may keep there: no fault of driftd."""

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; 2 for whatever kept it from its end.

    An exit code of 1 is said by a command and means an alarm, so nothing else may end in it.
    """
    if arguments is None:
        _print_anything()
    try:
        code = _code(list(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as end:  # of --help and of SIGTERM
        if _written() or end.code:
            raise
        return 2
    return code if _written() else 2


def _code(arguments: list[str]) -> int:
    try:
        with _ended_by_sigterm():
            return _call(arguments)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
    except DriftdError as error:
        sys.stderr.write(f"driftd: {error}\n")
    except BrokenPipeError:
        _forget_output()
    except KeyboardInterrupt:
        sys.stderr.write("driftd: interrupted\n")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: Python's own exit code of a fault is that of an alarm
        sys.stderr.write(_fault(error))
    return 2


def parser(command: str | None) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The whole command line, and the part of one command; the others' options are not loaded."""
    top = argparse.ArgumentParser(
        prog="driftd",
        description="Watch machine-learning models in production for drift.",
        epilog="Example: driftd init data.parquet --out model.yaml && driftd once model.yaml. "
        "driftd COMMAND --help has the options of a command.",
        allow_abbrev=False,
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"driftd {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    one = top
    for name, summary in COMMANDS.items():
        each = commands.add_parser(name, help=summary, allow_abbrev=False)
        if name == command:
            import_module(f"monitor.cli.{name}").add(each)
            one = each
    return top, one


class _Help(argparse.HelpFormatter):
    """Each command on the line of its name: Python forgets that commands are indented."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = max(map(len, COMMANDS)) + 4


def _call(arguments: list[str]) -> int:
    command = next((word for word in arguments if not word.startswith("-")), None)
    if command in NOT_YET:
        message = f'command "{command}" ({NOT_YET[command]}) is not in this version'
        raise DriftdError(message)
    top, one = parser(command)
    if command is not None and command not in COMMANDS:
        top.error(_unknown(command))
    given, rest = top.parse_known_args(arguments)
    if rest:
        one.error(f"unrecognized arguments: {' '.join(rest)}")
    return int(given.call(given))


def _unknown(command: str) -> str:
    near = get_close_matches(command, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(COMMANDS)}"
    return f'there is no command "{command}"; {hint}'


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: leases are given back and temporary folders removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        del number, frame
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fault(error: Exception) -> str:
    """What nobody foresaw, with all that is known of it; a full disk is no fault of driftd."""
    if isinstance(error, OSError) and error.errno in FULL:
        return f"driftd: {error}\n"
    return f"driftd: a fault of driftd\n{traceback.format_exc()}"


def _print_anything() -> None:
    """Names from data are printed in any locale: what it lacks, as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _written() -> bool:
    """Whether the last results could be written; Python itself would end with 120 where it cannot."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
    except OSError as error:
        sys.stderr.write(f"driftd: cannot write the results: {error}\n")
        _forget_output()
    else:
        return True
    return False


def _forget_output() -> None:
    """Nobody reads stdout any more: Python must not try again to write what is left."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # stdout is no file
        return
