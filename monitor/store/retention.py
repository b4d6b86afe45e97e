"""What is older than the retention goes, a little at a time, so that writers never wait long."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, and_, delete, exists, func, or_, select

from monitor.store.schema import acceptances, alarms, pending, pruned_alarms, upsert, windows

WINDOWS_AT_ONCE = 20


def prune_windows(connection: Connection, before: datetime) -> int:
    """Delete some windows that ended (files: were evaluated) before the moment, with their results."""
    ended = func.coalesce(windows.c.end, windows.c.tick, type_=windows.c.end.type)
    awaited = exists().where(pending.c.model == windows.c.model, pending.c.key == windows.c.key)
    old = select(windows.c.id).where(ended < before, ~awaited).limit(WINDOWS_AT_ONCE)
    numbers = list(connection.execute(old).scalars())
    connection.execute(delete(windows).where(windows.c.id.in_(numbers)))
    return len(numbers)


def prune_alarms(connection: Connection, before: datetime) -> None:
    """Delete alarms that closed before the moment; what counts opened alarms goes on counting them."""
    withdrawn = and_(alarms.c.withdrawn.is_(True), alarms.c.since < before)
    old = or_(alarms.c.closed < before, withdrawn)
    found = connection.execute(select(alarms.c.model, alarms.c.kind, alarms.c.since).where(old).distinct())
    counts = Counter((model, kind) for model, kind, _since in found)
    if not counts:
        return
    stored = connection.execute(select(pruned_alarms.c.model, pruned_alarms.c.kind, pruned_alarms.c.opened))
    for model, kind, opened in stored:
        if (model, kind) in counts:
            counts[model, kind] += opened
    rows = [{"model": model, "kind": kind, "opened": count} for (model, kind), count in counts.items()]
    connection.execute(upsert(pruned_alarms, connection.dialect.name), rows)
    connection.execute(delete(alarms).where(old))


def prune_acceptances(connection: Connection, before: datetime) -> None:
    """Delete what was accepted before the moment."""
    connection.execute(delete(acceptances).where(acceptances.c.at < before))
