"""One run in a process of its own: a hang, a crash or a leak is an outcome, and nothing else is touched.

The process is forked from a server that has the libraries loaded. It computes and sends; the parent is
the only writer to the store.
"""

import ctypes
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

import psutil

from monitor.evaluation import Event, Failed, Order, evaluate
from monitor.types import Reason, Stage

PRELOAD = ("monitor.evaluation",)
POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use: seconds from its start, bytes of resident memory."""

    seconds: float = 600.0
    memory: int = 4 * 2**30


def context() -> ForkServerContext:
    """The fork server's context, its libraries named; start one per daemon."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(PRELOAD))
    return found


def run(
    order: Order,
    limits: Limits,
    server: ForkServerContext,
    stopping: Callable[[], bool] = lambda: False,
    work: Callable[[Order], Iterator[Event]] = evaluate,
) -> Iterator[Event]:
    """The events of one run; whatever ends the process early comes as a `Failed`.

    `stopping` is asked a few times a second: when it says true the process is ended, and the run with it.
    """
    receiver, sender = server.Pipe(duplex=False)
    process = server.Process(target=_serve, args=(sender, order, work), daemon=True)
    process.start()
    sender.close()
    try:
        yield from _events(receiver, process, order, limits, stopping)
    finally:
        receiver.close()
        _end(process)


def _serve(sender: Connection, order: Order, work: Callable[[Order], Iterator[Event]]) -> None:
    """The worker's main: dies with its parent, ignores the terminal's interrupt."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for event in work(order):
        sender.send(event)
    sender.send(None)


def _events(
    receiver: Connection,
    process: BaseProcess,
    order: Order,
    limits: Limits,
    stopping: Callable[[], bool],
) -> Iterator[Event]:
    deadline = time.monotonic() + limits.seconds
    while True:
        if receiver.poll(POLL_SECONDS):
            try:
                event = receiver.recv()
            except (EOFError, ConnectionResetError):
                yield _crashed(process)
                return
            if event is None:
                return
            yield event
        if stopping():
            return
        exceeded = _exceeded(process, limits, deadline)
        if exceeded is not None:
            yield exceeded
            return


def _exceeded(process: BaseProcess, limits: Limits, deadline: float) -> Failed | None:
    if time.monotonic() > deadline:
        text = f"the run took longer than {limits.seconds:.0f} s (--run-timeout) and was ended"
        return Failed(Stage.WORKER, Reason.TIMED_OUT, text)
    memory = _resident(process)
    if memory > limits.memory:
        text = (
            f"the run used {memory / 2**20:,.0f} MiB, more than {limits.memory / 2**20:,.0f} MiB "
            "(--run-memory), and was ended"
        )
        return Failed(Stage.WORKER, Reason.OUT_OF_MEMORY, text)
    return None


def _resident(process: BaseProcess) -> int:
    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.Error:
        return 0


def _crashed(process: BaseProcess) -> Failed:
    process.join(5)
    code = process.exitcode
    if code is not None and code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
        if -code == signal.SIGKILL:
            how += " (by hand, or by the kernel for want of memory)"
    else:
        how = f"ended with exit code {code}"
    return Failed(Stage.WORKER, Reason.CRASHED, f"the worker process {how}; the next run goes on from the store")


def _end(process: BaseProcess) -> None:
    if process.is_alive():
        process.terminate()
        process.join(2)
    if process.is_alive():
        process.kill()
    process.join()
    process.close()
