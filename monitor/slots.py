"""How many runs compute at a time; a model whose source hangs, spins or leaks costs others nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

WAITING_RUNS = 32
"""Runs that may wait for their sources besides those that compute."""


class Slot:
    """One run's place among those that compute."""

    def __init__(self, places: threading.Semaphore) -> None:
        self._places = places
        self._left = threading.Lock()

    def leave(self) -> None:
        """Let another run take the place; once more is no matter."""
        if self._left.acquire(blocking=False):
            self._places.release()


class Slots:
    """`workers` places for all models, and one apart for those in quarantine.

    A model whose last run had to be ended is in quarantine until a run of it ends by itself.
    """

    def __init__(self, workers: int) -> None:
        self._common = threading.Semaphore(workers)
        self._apart = threading.Semaphore(1)
        self._quarantine: set[str] = set()

    @contextmanager
    def taken(self, model: str) -> Iterator[Slot | None]:
        """A place for one run, awaited; None where the model is in quarantine and its place is taken."""
        places = self._apart if model in self._quarantine else self._common
        if not places.acquire(blocking=places is self._common):
            yield None
            return
        slot = Slot(places)
        try:
            yield slot
        finally:
            slot.leave()

    def judge(self, model: str, *, ended_by_force: bool) -> None:
        """How the model's run ended: whether its next one is in quarantine."""
        (self._quarantine.add if ended_by_force else self._quarantine.discard)(model)
