"""How many runs compute at a time; a model whose source hangs, spins or leaks costs others nothing."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

WAITING_RUNS = 32
"""Runs that may wait for their sources besides those that compute."""


class Places:
    """So many places, given in the order in which they were asked for.

    A semaphore gives a place to whoever asks at the moment at which it is left, most often the thread
    that left it: those that wait would wait on while there is always a next run.
    """

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Event] = deque()

    def take(self, *, wait: bool) -> bool:
        """Whether a place is taken now."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if not wait:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        return True

    def leave(self) -> None:
        """Give the place to the one that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class Slot:
    """One run's place among those that compute."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._left = threading.Lock()

    def leave(self) -> None:
        """Let another run take the place; once more is no matter."""
        if self._left.acquire(blocking=False):
            self._places.leave()


class Slots:
    """`workers` places for all models, and one apart for those in quarantine.

    A model whose last run had to be ended is in quarantine until a run of it ends by itself.
    """

    def __init__(self, workers: int) -> None:
        self._common = Places(workers)
        self._apart = Places(1)
        self._quarantine: set[str] = set()

    @contextmanager
    def taken(self, model: str) -> Iterator[Slot | None]:
        """A place for one run, awaited; None where the model is in quarantine and its place is taken."""
        places = self._apart if model in self._quarantine else self._common
        if not places.take(wait=places is self._common):
            yield None
            return
        slot = Slot(places)
        try:
            yield slot
        finally:
            slot.leave()

    def judge(self, model: str, *, ended_by_force: bool) -> None:
        """How the model's run ended: whether its next one is in quarantine."""
        if ended_by_force:
            self._quarantine.add(model)
        else:
            self._quarantine.discard(model)
