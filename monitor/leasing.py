"""One process at a time per model, and no wait for a process that is dead."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from monitor.errors import StoreError
from monitor.store import Store

RENEW_SECONDS = 15.0


@contextmanager
def held(store: Store, model: str) -> Iterator[str]:
    """Hold the model's lease within the block, renewed by a thread; LeasedError where another has it.

    Yields the owner, by which commits are accepted. The lease of a process of this machine that has died is given back first.
    """
    owner = f"{os.uname().nodename}:{os.getpid()}:{threading.get_ident()}"
    _free_dead(store, model)
    done = threading.Event()
    with store.leased(model, owner) as renew:

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
    machine, _, rest = owner.partition(":")
    process = rest.partition(":")[0]
    if machine == os.uname().nodename and process.isdigit() and not psutil.pid_exists(int(process)):
        store.release(model, owner)
