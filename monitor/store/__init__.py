"""The store: each tick's results and state, all or nothing, in one database."""

from monitor.store.store import Store

__all__ = ["Store"]
