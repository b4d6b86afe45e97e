"""What another process sends, without waiting for the rest of a message that it does not end."""

import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue


@dataclass(frozen=True, slots=True)
class _Lost:
    """Instead of a message: why there will be none."""

    error: Exception


class Receiver:
    """The messages of a pipe, read one ahead by a thread, which closes the pipe too.

    A thread, since `Connection.recv` returns only with a whole message: who calls it waits as long as a
    sender halts within one, and sees no limit and no signal meanwhile.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._wanted = threading.Semaphore()
        self._closed = False
        self._found: SimpleQueue[object] = SimpleQueue()
        # not joined at the end of the program: a sender that hangs in the kernel keeps its pipe open
        threading.Thread(target=self._read, name="receive", daemon=True).start()

    def _read(self) -> None:
        with self._pipe:
            while self._wanted.acquire() and not self._closed:
                try:
                    self._found.put(self._pipe.recv())
                except OSError:  # the sender ended within a message
                    self._found.put(_Lost(EOFError()))
                except Exception as error:  # noqa: BLE001 - it is raised in `get`, whatever it is
                    self._found.put(_Lost(error))

    def get(self, seconds: float) -> object:
        """The next message; raises TimeoutError where none is whole in that time, EOFError at the end."""
        try:
            message = self._found.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None
        if isinstance(message, _Lost):
            raise message.error
        self._wanted.release()
        return message

    def close(self) -> None:
        """Read no more; the pipe is closed as soon as a message that is being read has ended or is lost."""
        self._closed = True
        self._wanted.release()
