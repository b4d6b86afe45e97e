"""`driftd calibrate`: replay the reference, and say what the alarms will be like."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from monitor.build import learned
from monitor.calibration_report import Report, document, report
from monitor.cli import options
from monitor.cli.calibration_tables import WIDTH, shown
from monitor.cli.loading import load_models, prepare
from monitor.config.schema import ModelConfig
from monitor.config.secrets import redact
from monitor.errors import DriftdError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Learn each reference and replay it: per kind the false alarms to expect, where its alarm opens, how "
        "large a shift is found and how soon, where the lines of PSI and KS lie, and incidents that the "
        "reference contains. Nothing is stored."
    )
    parser.epilog = (
        "Example: driftd calibrate models/ --json. Exit code 0: it ran; 2: a model could not be learned."
    )
    options.add_paths(parser)
    options.add_json(parser, "one JSON object per model")
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Learn and print, model after model; what fails is told and stops no other model."""
    prepare(None, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    failed = loaded.failed
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    for config in loaded.configs:
        found = _calibrated(config)
        if found is None:
            failed = True
        elif given.json:
            sys.stdout.write(json.dumps(document(found), allow_nan=False) + "\n")
            sys.stdout.flush()
        else:
            for each in shown(found):
                console.print(each)
    return 2 if failed else 0


def _calibrated(config: ModelConfig) -> Report | None:
    """The report on one model; None, with the reason told, where there is none."""
    try:
        with _busy(config.model):
            return report(*learned(config, os.cpu_count() or 1))
    except DriftdError as error:
        sys.stderr.write(f"driftd: {config.model}: {redact(str(error), config.secrets)}\n")
        return None


@contextmanager
def _busy(model: str) -> Iterator[None]:
    """Something that moves on stderr while a model is learned, where that is a terminal."""
    errors = Console(stderr=True, highlight=False)
    if not errors.is_terminal:
        yield
        return
    with errors.status(f"{model}: learning and replaying the reference"):
        yield
