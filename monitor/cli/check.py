"""`driftd check`: is the configuration valid, and with `--connect`, do the data fit it?"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from monitor.build import learned
from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.config.load import documents
from monitor.config.positions import Document, Where
from monitor.config.schema import ModelConfig
from monitor.config.secrets import redact
from monitor.connect import connect
from monitor.errors import DriftdError
from monitor.fixed_lines import over_budget


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = "Validate model files: all problems at once, as file:line:col: path: message."
    parser.epilog = "Example: driftd check models/ --connect. Exit code 0: valid; 2: not."
    options.add_paths(parser)
    parser.add_argument(
        "--connect",
        action="store_true",
        help="open the sources too, check columns against the reference, and warn of a threshold that the "
        "reference itself reaches too often",
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Print what is wrong; with nothing wrong, say what was checked."""
    prepare()
    loaded = load_models(given.paths)
    failed = loaded.failed
    files = documents(given.paths) if given.connect else {}
    for config in loaded.configs if given.connect else ():
        for text in _misfits(config, files[config.model]):
            failed = True
            sys.stderr.write(f"{redact(text, config.secrets)}\n")
    if failed:
        return 2
    sys.stdout.write(f"valid: {', '.join(config.model for config in loaded.configs)}\n")
    return 0


def _misfits(config: ModelConfig, file: Document) -> Sequence[str]:
    """What does not fit; where all does, lines that the reference breaks are warned of."""
    try:
        found = connect(config)
        _warn_all(file, ((each.where, each.message) for each in found if each.harmless))
        wrong = sorted(file.problem(each.where, each.message) for each in found if not each.harmless)
        if not wrong:
            _warn_all(file, _reached(config))
    except DriftdError as error:
        return [f"{config.model}: {error}"]
    return [str(each) for each in wrong]


def _reached(config: ModelConfig) -> Iterator[tuple[Where, str]]:
    """Learn the reference where the model file fixes a line, and tell what its windows make of it."""
    if all(entry.threshold is None for entry in config.chosen_detectors):
        return
    plan, history = learned(config, os.cpu_count() or 1)
    for reached in over_budget(config, plan, history):
        yield ("detectors", reached.entry, "threshold"), str(reached)


def _warn_all(file: Document, found: Iterable[tuple[Where, str]]) -> None:
    for where, message in found:
        at = file.problem(where, message)
        sys.stderr.write(f"{at.file}:{at.line}:{at.column}: warning: {at.path}: {message}\n")
