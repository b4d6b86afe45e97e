"""A process of its own for the tests of crashes and leases: `child.py WORK URL ARGUMENT`."""

import os
import signal
import sys

from store_records import MODEL, commit, pending

from monitor.store import Store


def killed_at(url, point):
    """Commit the second day and die by SIGKILL when the point is reached."""

    def die(reached):
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    Store.open(url).commit(commit(1, windows=[pending(0), pending(1)]), die)


def try_leases(url, owner):
    """Print the number of every lease that was had, of a hundred that another process wants too."""
    with Store.open(url, wait_seconds=60) as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        had = [number for number in range(100) if store.lease(f"{MODEL}{number}", owner, 600)]
        sys.stdout.write(" ".join(map(str, had)))


if __name__ == "__main__":
    {"killed_at": killed_at, "try_leases": try_leases}[sys.argv[1]](*sys.argv[2:])
