"""`driftd check`: is the configuration valid, and with `--connect`, do the data fit it?"""

import argparse
import sys
from collections.abc import Sequence

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.config.schema import ModelConfig
from monitor.config.secrets import redact
from monitor.connect import connect
from monitor.errors import DriftdError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = "Validate model files: all problems at once, as file:line:col: path: message."
    parser.epilog = "Example: driftd check models/ --connect. Exit code 0: valid; 2: not."
    options.add_paths(parser)
    parser.add_argument(
        "--connect", action="store_true", help="open the sources too, and check columns against the reference"
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Print what is wrong; with nothing wrong, say what was checked."""
    prepare()
    loaded = load_models(given.paths)
    failed = loaded.failed
    for config in loaded.configs if given.connect else ():
        for text in _misfits(config):
            failed = True
            sys.stderr.write(f"{config.model}: {redact(text, config.secrets)}\n")
    if failed:
        return 2
    sys.stdout.write(f"valid: {', '.join(config.model for config in loaded.configs)}\n")
    return 0


def _misfits(config: ModelConfig) -> Sequence[str]:
    try:
        return connect(config)
    except DriftdError as error:
        return [str(error)]
