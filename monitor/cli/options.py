"""The options that commands share, and how their texts become values."""

import argparse
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_STATE = "sqlite:///driftd.db"
DEFAULT_LISTEN = "127.0.0.1:9877"
LOG_LEVELS = ("debug", "info", "warning", "error")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)?")
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def moment(text: str) -> datetime:
    """ISO 8601 with a zone.

    >>> moment("2024-02-10T01:00+01:00")
    datetime.datetime(2024, 2, 10, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a time; write it as 2024-02-10T00:00Z"
        raise argparse.ArgumentTypeError(message) from None
    if found.tzinfo is None:
        full = text if len(text) > len("2024-02-10") else f"{found:%Y-%m-%d}T00:00"
        message = f"{text!r} has no zone; add one, as in {full}Z for UTC"
        raise argparse.ArgumentTypeError(message)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        message = f"{text!r} is too far away"
        raise argparse.ArgumentTypeError(message) from None


def duration(text: str) -> timedelta:
    """`30s`, `10m`, `1h`, `400d`.

    >>> duration("10m")
    datetime.timedelta(seconds=600)
    """
    found = DURATION.fullmatch(text)
    if found is None:
        message = f"{text!r} is not a duration; write it as 30s, 10m, 1h or 7d"
        raise argparse.ArgumentTypeError(message)
    try:
        return timedelta(seconds=float(found[1]) * SECONDS[found[2]])
    except OverflowError:
        message = f"{text!r} is too long"
        raise argparse.ArgumentTypeError(message) from None


def size(text: str) -> int:
    """`4GiB`, `500MB`.

    >>> size("4GiB")
    4294967296
    """
    found = SIZE.fullmatch(text)
    if found is None:
        message = f"{text!r} is not a size; write it as 500MiB or 4GiB"
        raise argparse.ArgumentTypeError(message)
    return int(float(found[1]) * BYTES[found[2] or "B"])


def count(text: str) -> int:
    """A whole number from 1.

    >>> count("2")
    2
    """
    if not (text.isdecimal() and text.isascii()) or int(text) < 1:
        message = f"{text!r} is not a whole number from 1"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def gateway(text: str) -> str:
    """The URL of a Pushgateway; `http://` where no scheme is given.

    >>> gateway("localhost:9091")
    'http://localhost:9091'
    """
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        message = "this is no URL; write it as http://localhost:9091"
        raise argparse.ArgumentTypeError(message)
    if parts.username is not None:
        message = "a password in the URL is not in this version"
        raise argparse.ArgumentTypeError(message)
    return url


def add_state(parser: argparse.ArgumentParser) -> None:
    """`--state URL`."""
    parser.add_argument(
        "--state",
        metavar="URL",
        default=os.environ.get("DRIFTD_STATE") or DEFAULT_STATE,
        help=f"where driftd keeps what it knows (environment DRIFTD_STATE; default {DEFAULT_STATE})",
    )


def add_listen(parser: argparse.ArgumentParser) -> None:
    """`--listen HOST:PORT`."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default=DEFAULT_LISTEN,
        help=f"where to serve HTTP (default {DEFAULT_LISTEN}; port 0 takes a free one)",
    )


def add_paths(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """`PATH...`."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+" if required else "*",
        type=Path,
        help="model files, or folders of *.yaml",
    )


def add_json(parser: argparse.ArgumentParser, what: str = "one JSON object per line and evaluation") -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help=f"{what}, and nothing else on stdout")


def add_log(parser: argparse.ArgumentParser, level: str = "warning") -> None:
    """`--log-format` and `--log-level`, of which `level` is the default."""
    parser.add_argument(
        "--log-format", choices=("logfmt", "json"), default="logfmt", help="how log lines are written"
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=level,
        help=f"the least severe line that is written (default {level})",
    )
