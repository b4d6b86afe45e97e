"""`driftd init`: a first model file from a look at the data."""

import argparse
import sys
from pathlib import Path

from monitor.cli.loading import prepare
from monitor.errors import DriftdError
from monitor.guess import guess


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = "Look at a data file, guess roles and types, write a commented, valid YAML to edit."
    parser.epilog = "Example: driftd init reference.parquet --live 'live/*.parquet' --out model.yaml"
    parser.add_argument("data", metavar="DATA", type=Path, help="Parquet, CSV or JSON Lines: the reference")
    parser.add_argument(
        "--live", metavar="DATA", type=Path, help="where new rows will arrive: a file, or a pattern in quotes"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="write there instead of to stdout")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Write the guess; an existing file is never overwritten."""
    prepare()
    if given.out is not None and given.out.exists():
        raise _exists(given.out)
    text = guess(given.data, given.live, given.out.parent if given.out is not None else None)
    if given.out is None:
        sys.stdout.write(text)
        return 0
    try:
        with given.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _exists(given.out) from None
    except OSError as error:
        message = f"{given.out} cannot be written: {error.strerror}"
        raise DriftdError(message) from None
    sys.stderr.write(f"wrote {given.out}; now read its comments, then: driftd check {given.out} --connect\n")
    return 0


def _exists(path: Path) -> DriftdError:
    return DriftdError(f"{path} exists; remove it or choose another --out")
