"""`driftd check`: is the configuration valid, and with `--connect`, do the data fit it?"""

import argparse
import sys

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.connect import connect
from monitor.errors import DriftdError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "check",
        help="validate model files",
        description="Validate model files: all problems at once, as file:line:col: path: message.",
        epilog="Example: driftd check models/ --connect. Exit code 0: valid; 2: not.",
    )
    options.add_paths(parser)
    parser.add_argument(
        "--connect", action="store_true", help="open the sources too, and check columns against the reference"
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Print what is wrong; with nothing wrong, say what was checked."""
    prepare("")
    loaded = load_models(given.paths)
    failed = loaded.failed
    for config in loaded.configs if given.connect else ():
        try:
            found = connect(config)
        except DriftdError as error:
            found = [str(error)]
        for text in found:
            sys.stderr.write(f"{config.model}: {text}\n")
        failed |= bool(found)
    if not failed:
        names = ", ".join(config.model for config in loaded.configs)
        sys.stdout.write(f"valid: {names}\n")
    return 2 if failed else 0
