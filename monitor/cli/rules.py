"""`driftd rules`: alert and recording rules for Prometheus."""

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from monitor.cli.loading import prepare
from monitor.errors import DriftdError
from monitor.export.rules import Links, groups, operator, prometheus
from monitor.export.rules.render import MARK
from monitor.export.rules.table import DEFAULT_JOB

FORMATS = {"prometheus": prometheus, "operator": operator}
JOB = re.compile(r'[^"\\\x00-\x1f\x7f]+')


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Write one rule file that serves every model: alerts on drift, performance, data and driftd itself, "
        "and recording rules. deploy/runbook.md explains each alert."
    )
    parser.epilog = (
        "Example: driftd rules --runbook-url https://wiki.example.org/driftd "
        "--dashboard-url https://grafana.example.org --out /etc/prometheus/driftd.rules.yml"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="write there instead of to stdout")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="prometheus",
        help="a file for rule_files (default), or a PrometheusRule object for the Prometheus operator",
    )
    parser.add_argument(
        "--job",
        metavar="NAME",
        type=job,
        default=DEFAULT_JOB,
        help=f"the scrape job of the daemon, for DriftdDown and DriftdRestarting (default {DEFAULT_JOB})",
    )
    parser.add_argument(
        "--runbook-url",
        metavar="URL",
        type=url,
        help="where your people find deploy/runbook.md; each alert links to its section",
    )
    parser.add_argument(
        "--dashboard-url", metavar="URL", type=url, help="Grafana's address; each alert links to a dashboard"
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Write the rules; a file that this command did not write is never written over."""
    prepare()
    links = Links(given.runbook_url or Links().runbook, given.dashboard_url or Links().grafana)
    text = FORMATS[given.format](groups(given.job), links)
    if given.out is None:
        sys.stdout.write(text)
    else:
        _write(given.out, text)
        sys.stderr.write(f"wrote {given.out}\n")
    missing = [name for name in ("runbook", "dashboard") if getattr(given, f"{name}_url") is None]
    if missing:
        options = " and ".join(f"--{name}-url" for name in missing)
        sys.stderr.write(f"links of alerts lead to example.org until you give {options}\n")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        if path.exists() and not path.read_bytes().startswith(MARK.encode()):
            message = f"{path} exists and was not written by driftd rules; remove it or choose another --out"
            raise DriftdError(message)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise DriftdError(message) from None


def job(text: str) -> str:
    """The name of a scrape job, as it stands between quotes in PromQL.

    >>> job("monitoring/driftd")
    'monitoring/driftd'
    """
    if JOB.fullmatch(text) is None:
        message = (
            f"{text!r} is not the name of a job; it may have no quotes, backslashes or control characters"
        )
        raise argparse.ArgumentTypeError(message)
    return text


def url(text: str) -> str:
    """The beginning of links, without a slash at its end.

    >>> url("https://grafana.example.org/")
    'https://grafana.example.org'
    """
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s{}]", text):
        message = f"{text!r} is no URL; write it as https://grafana.example.org"
        raise argparse.ArgumentTypeError(message)
    return text.rstrip("/")
