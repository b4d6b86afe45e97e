"""What a manifest's command line says, and whether the manager's limits leave room for it."""

import argparse

from monitor.cli import parser

MARGIN_SECONDS = 10
"""What a service manager leaves the daemon beyond the time that its runs may take to end."""


def given(arguments: list[str]) -> argparse.Namespace:
    """What driftd understands of a command line; one that it refuses fails the test."""
    top, _ = parser(arguments[0])
    return top.parse_args(arguments)


def check_limits(arguments: argparse.Namespace, grace_seconds: float, memory: int) -> None:
    """The manager waits longer than runs may, and one run too large does not reach the limit of them all."""
    assert grace_seconds >= arguments.shutdown_timeout.total_seconds() + MARGIN_SECONDS
    assert memory > arguments.workers * arguments.run_memory
