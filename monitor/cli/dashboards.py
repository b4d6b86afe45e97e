"""`driftd dashboards`: Grafana dashboards and provisioning."""

import argparse
import sys
from pathlib import Path

from monitor.cli.loading import prepare
from monitor.dashboards.files import write
from monitor.errors import DriftdError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Write Grafana dashboards of the fleet, one model, one column and the daemon itself, with the files "
        "that provision them. Files of an earlier version are replaced."
    )
    parser.epilog = "Example: driftd dashboards --out grafana/"
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="the folder to write to; made if need be"
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Write the files."""
    prepare()
    try:
        write(given.out)
    except OSError as error:
        message = f"{error.filename or given.out} cannot be written: {error.strerror}"
        raise DriftdError(message) from None
    sys.stderr.write(
        f"wrote {given.out}/dashboards and {given.out}/provisioning; each provisioning file says where it "
        "goes\n"
    )
    return 0
