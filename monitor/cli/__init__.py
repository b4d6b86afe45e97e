"""The command line: what the user types becomes calls; results to stdout, progress and logs to stderr."""

import argparse
import sys
from collections.abc import Callable, Sequence

from monitor import __version__
from monitor.cli import backfill, check, demo, init, once, run, status
from monitor.errors import ConfigError, DriftdError

Command = Callable[[argparse.Namespace], int]

NOT_YET = {
    "calibrate": "replay the reference: thresholds and the false alarms to expect",
    "accept": "accept the present as the new normal",
    "rules": "Prometheus alert and recording rules",
    "dashboards": "Grafana dashboards",
    "report": "one self-contained page with pictures",
}
"""Commands of later versions: refused plainly."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="driftd",
        description="Watch machine-learning models in production for drift.",
        epilog="Example: driftd init data.parquet --out model.yaml && driftd once model.yaml",
    )
    top.add_argument("--version", action="version", version=f"driftd {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (run, once, check, init, backfill, status, demo):
        module.add(commands)
    for name in NOT_YET:
        later = commands.add_parser(name, add_help=False)
        later.set_defaults(call=_refuse)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    given, rest = parser().parse_known_args(arguments)
    if given.command not in NOT_YET and rest:
        parser().parse_args(arguments)  # says what is wrong and exits with 2
    call: Command = given.call
    try:
        return call(given)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 2
    except DriftdError as error:
        sys.stderr.write(f"driftd: {error}\n")
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("driftd: interrupted; what was evaluated so far is in the store\n")
        return 130


def _refuse(given: argparse.Namespace) -> int:
    sys.stderr.write(f'driftd: command "{given.command}" ({NOT_YET[given.command]}) is not in this version\n')
    return 2
