"""One process at a time per model, and no wait for a process that is dead."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from monitor.errors import StoreError
from monitor.store import Store

LEASE_SECONDS = 25.0
"""Less than others wait for a lease: a holder that died on another machine fails no run."""
RENEW_SECONDS = 8.0


@contextmanager
def held(store: Store, model: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Hold the model's lease within the block, renewed by a thread; LeasedError where another has it.

    Yields the owner, by which commits are accepted. A process of this machine that has died holds no
    lease. `sleep` waits for a living one; what it raises ends the wait.
    """
    owner = f"{_processes()}:{os.getpid()}:{threading.get_ident()}"
    _free_dead(store, model)
    done = threading.Event()
    with store.leased(model, owner, seconds=LEASE_SECONDS, sleep=sleep) as renew:

        def keep() -> None:
            while not done.wait(RENEW_SECONDS):
                try:
                    renew()
                except StoreError:
                    continue  # tried again; a commit without the lease is refused by the store

        keeper = threading.Thread(target=keep, name=f"lease {model}", daemon=True)
        keeper.start()
        try:
            yield owner
        finally:
            done.set()
            keeper.join()


def _free_dead(store: Store, model: str) -> None:
    owner = store.lease_owner(model)
    if owner is None:
        return
    processes, _, rest = owner.partition(":")
    process = rest.partition(":")[0]
    if processes == _processes() and process.isdecimal() and not _alive(int(process)):
        store.release(model, owner)


def _alive(process: int) -> bool:
    """Whether the process runs; one that has ended and awaits its parent does not."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _processes() -> str:
    """The machine, and which of its process tables: containers count their processes apart."""
    try:
        table = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        table = 0
    return f"{os.uname().nodename}/{table}"
