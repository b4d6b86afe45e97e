"""`driftd accept`: this is the new normal."""

import argparse
import sys
from datetime import UTC, datetime

from monitor.accepting import accept
from monitor.cli import options
from monitor.cli.loading import prepare
from monitor.cli.show import minute
from monitor.errors import UnknownModelError
from monitor.state import Commit
from monitor.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "This is the new normal: close the model's alarms and restart its memories. Windows that were "
        "evaluated open no alarm any more, whatever later labels say. The reference stays as it is: where "
        "the next windows are still beyond it, an alarm opens again; a rolling reference learns from what "
        "was accepted."
    )
    parser.epilog = (
        'Example: driftd accept churn --reason "new pricing since May". Exit code 0: done; 2: not.'
    )
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    options.add_state(parser)
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, kept with the time")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Accept, and say what closed."""
    prepare()
    with Store.open(given.state, read_only=True) as store:  # makes no store where there is none
        known = store.models()
    if given.model not in known:
        raise UnknownModelError(given.model, known)
    with Store.open(given.state) as store:
        done = accept(store, given.model, given.reason.strip(), datetime.now(UTC))
    sys.stdout.write(f"{given.model}: {told(done)}\n")
    return 0


def told(done: Commit) -> str:
    """What was done, in words."""
    closed = ", ".join(f"{record.kind} since {minute(record.since)}" for record in done.alarms)
    what = f"accepted and closed: {closed}" if closed else "no alarm was open"
    return f"{what}; memories restarted"
