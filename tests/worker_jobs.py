"""What the tests of the worker let it do; a worker process imports this file by its name."""

import gc
import os
import signal
import struct
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from monitor import worker
from monitor.state import Commit, LabelFile

START = datetime(2024, 1, 1, tzinfo=UTC)
MEGABYTE = 2**20


def tell(order):
    """Every event of the order."""
    yield from order


def commit(order):
    """Three ticks: a file of labels comes, nothing comes, a file goes."""
    first = replace(order.state, label_files={**order.state.label_files, "new": LabelFile("1", START)})
    last = replace(first, label_files={"new": LabelFile("1", START)})
    for state in (first, first, last):
        yield Commit(state.model, (), state)


def hang(order):
    yield os.getpid()
    threading.Event().wait()


def hang_for_boats(order):
    """The source of one model never answers, that of others is empty."""
    if order.config.model == "boats":
        threading.Event().wait()
    yield Commit(order.config.model, (), order.state)


def spin(order):
    yield os.getpid()
    while True:
        pass


def halt_within_a_message(order):
    """Sends its number, then no more than the beginning of a message."""
    yield os.getpid()
    sent = Connection._send
    Connection._send = lambda self, data: sent(self, bytes(data)[: len(data) // 2])
    yield b"x" * order
    threading.Event().wait()


def leak(order):
    held = b"x" * order
    yield len(held)
    threading.Event().wait()


def fail(order):
    yield os.getpid()
    raise RuntimeError(order)


def leave(order):
    yield os.getpid()
    os._exit(order)


def die(order):
    yield os.getpid()
    os.kill(os.getpid(), order)


def tear(order):
    """Die within a message: its length says more than follows."""
    yield os.getpid()
    (sender,) = (
        each
        for each in gc.get_objects()
        if isinstance(each, Connection) and each.writable and not each.closed
    )
    os.write(sender.fileno(), struct.pack("!i", 1000) + b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)


def await_file(order):
    """Say which processes are there, then go on when the file is there."""
    yield os.getpid(), os.getppid()
    until = time.monotonic() + 10
    while not Path(order).exists() and time.monotonic() < until:
        time.sleep(0.01)
    yield "done"


def parent(sender):
    """A process that runs a worker and tells of it: the worker's parent, and not the server's."""
    forkserver._forkserver.ensure_running = lambda: None  # the server is there, and is no child of this one
    for event in worker.run(None, worker.Limits(60), worker.context(), work=hang):
        sender.send(event)
