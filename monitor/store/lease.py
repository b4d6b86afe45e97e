"""One process at a time evaluates a model: a lease by the database's own clock."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, exists, or_, select, update

from monitor.errors import LeasedError
from monitor.store.schema import insert_absent, leases, now
from monitor.types import Reason

POLL_SECONDS = 0.5


def acquire(connection: Connection, model: str, owner: str, seconds: float) -> bool:
    """Take the lease where it is free, run out or already the owner's, who renews it so."""
    clock = now(connection.dialect.name)
    free = or_(leases.c.owner == owner, leases.c.expires <= clock)
    taken = update(leases).where(leases.c.model == model, free).values(owner=owner, expires=clock + seconds)
    if connection.execute(taken).rowcount:
        return True
    first = insert_absent(leases, connection.dialect.name)
    row = first.values(model=model, owner=owner, expires=clock + seconds)
    return connection.execute(row).rowcount == 1


def owner(connection: Connection, model: str) -> str | None:
    """Who has the lease, None where it was given back."""
    return connection.execute(select(leases.c.owner).where(leases.c.model == model)).scalar()


def release(connection: Connection, model: str, owner: str) -> None:
    """Give the lease back; another owner's stays."""
    connection.execute(delete(leases).where(leases.c.model == model, leases.c.owner == owner))


def check(connection: Connection, model: str, owner: str) -> None:
    """Refuse to go on where the lease has passed to another process, even if it is free again by now.

    One that ran out while nobody wanted it holds: a machine that slept goes on where it was.
    """
    held = exists().where(leases.c.model == model, leases.c.owner == owner)
    if not connection.execute(select(held)).scalar():
        message = f"the lease of model {model} is no longer held by {owner}; nothing was written"
        raise LeasedError(message, transient=True, reason=Reason.LEASED)


def wait(
    take: Callable[[], bool],
    model: str,
    wait_seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Call `take` until it succeeds; after `wait_seconds` by `clock`, LeasedError."""
    end = clock() + wait_seconds
    while not take():
        left = end - clock()
        if left <= 0:
            message = f"model {model} is being evaluated by another process; waited {wait_seconds:g} s"
            raise LeasedError(message, transient=True, reason=Reason.LEASED)
        sleep(min(POLL_SECONDS, left))
