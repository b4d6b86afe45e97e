"""The processes that are killed: a run of the model as `driftd once` makes it, and `driftd accept`."""

import os
import signal
from collections import Counter
from contextlib import closing
from functools import partial

from monitor import accepting
from monitor.cli import accept as command
from monitor.cli import main
from monitor.evaluation import Failed, evaluate
from monitor.leasing import held
from monitor.recorder import order, record
from monitor.store import Store
from tests.crash.crash_model import NAME, NOW, UNTIL

POINTS = ("begin", "windows", "statistics", "state", "before_commit", "after_commit")
"""What a commit passes."""


def run(config, url, inside, death=None):
    """Evaluate what is due; die when a point of a commit is passed for the n-th time.

    `inside`: shared memory that says whether a transaction is open. `death`: (point, n), or None for a
    process that another one kills.
    """
    passed = Counter()

    def at(point):
        inside.value = point != "after_commit"
        passed[point] += 1
        if death == (point, passed[point]):
            os.kill(os.getpid(), signal.SIGKILL)

    with closing(Store.open(url)) as store, held(store, NAME) as owner:
        work = order(store, config, until=UNTIL, now=NOW, threads=1)
        for told in record(store, NAME, evaluate(work), owner, at):
            if isinstance(told, Failed):
                raise RuntimeError(told.message)


def accept(url, death=None):
    """`driftd accept`; die when this point of its commit is passed, None for a process that another kills."""

    def at(point):
        if death == point:
            os.kill(os.getpid(), signal.SIGKILL)

    command.accept = partial(accepting.accept, at=at)
    raise SystemExit(main(["accept", NAME, "--reason", "bigger pumps", "--state", url]))
