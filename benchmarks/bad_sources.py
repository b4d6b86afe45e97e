"""Sources that a third party should not offer: one that hangs, one that leaks, one that crashes."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NoReturn

from monitor.sources.base import SOURCES, Batch, Interval
from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters

LEAKED_BYTES = 10_000_000
LEAK_SECONDS = 0.01


class Bad(FilesSource):
    """Files whose rows never come."""

    def misbehave(self) -> NoReturn:
        """What it does instead of reading."""
        raise NotImplementedError

    def scan(
        self, columns: Sequence[str], interval: Interval | None = None, file: str | None = None
    ) -> Iterator[Batch]:
        """Misbehave."""
        del columns, interval, file
        self.misbehave()


@SOURCES.register("hanging", "never answers", FilesParameters)
class Hanging(Bad):
    """Waits for ever."""

    def misbehave(self) -> NoReturn:
        """Wait."""
        while True:
            threading.Event().wait()


@SOURCES.register("leaking", "takes memory until there is none", FilesParameters)
class Leaking(Bad):
    """Keeps what it has."""

    def misbehave(self) -> NoReturn:
        """Take more."""
        held = []
        while True:
            held.append(b"x" * LEAKED_BYTES)
            time.sleep(LEAK_SECONDS)


@SOURCES.register("crashing", "takes its process with it", FilesParameters)
class Crashing(Bad):
    """Dies as a library with a bad pointer does."""

    def misbehave(self) -> NoReturn:
        """Die."""
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError
