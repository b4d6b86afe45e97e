"""One run in a process of its own: a hang, a crash or a leak is an outcome, and nothing else is touched.

The process is forked from a server that has the libraries loaded. It computes and sends; the parent is
the only writer to the store. Signals to the process group are the parent's business: a worker ends when
its work, its limits, its parent or a SIGKILL ends it.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import cast

import psutil

from monitor.evaluation import Event, Failed, Order, evaluate
from monitor.log import configure
from monitor.piping import Piped, from_pipe, to_pipe
from monitor.receiving import Receiver
from monitor.state import Commit, ModelState
from monitor.types import Reason, Stage

PRELOAD = ("monitor.preload",)
"""What the fork server loads once."""
POLL_SECONDS = 0.2
END_SECONDS = 5.0
"""How long a killed process is waited for; one that hangs in the kernel is left to it."""
IDLE_SECONDS = 2.0
IDLE_PROCESSOR_SECONDS = 0.02
"""A process that used less than this within that waits for something: its source, most likely."""
GROUP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""What terminals and service managers send to all processes at once."""
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
    logs: tuple[str, str] | None = None,
    waits: Callable[[], None] = lambda: None,
) -> Iterator[Event]:
    """The events of one run; whatever ends the process early comes as a `Failed`.

    `stopping` is asked a few times a second: when it says true the process is ended, and the run with it.
    `waits` is called, perhaps often, while the process uses no processor time worth speaking of.
    `logs`: form and level of the worker's own log lines. `work`: a function that another process can import.
    """
    pipe, sender = server.Pipe(duplex=False)
    process = server.Process(target=_serve, args=(sender, order, work, logs), daemon=True)
    try:
        with _shielded():
            process.start()
    except (OSError, EOFError) as error:
        pipe.close()
        yield Failed(Stage.WORKER, Reason.CRASHED, f"the worker process could not be started: {error}")
        return
    finally:
        sender.close()
    receiver = Receiver(pipe)
    try:
        yield from _whole(_events(receiver, process, limits, stopping, waits), order)
    finally:
        receiver.close()
        _end(process)


@contextmanager
def _shielded() -> Iterator[None]:
    """Start processes with the group's signals blocked, which the fork server hands on to its workers."""
    resource_tracker.ensure_running()  # now, since it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    sender: Connection,
    order: Order,
    work: Callable[[Order], Iterator[Event]],
    logs: tuple[str, str] | None,
) -> None:
    """The worker's main: dies with the server that watches it and with the parent that reads from it."""
    if logs is not None:
        configure(*logs, secrets=[part for secret in order.config.secrets for part in secret.parts])
    signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    before: ModelState | None = None
    for event in work(order):
        if isinstance(event, Commit):
            sender.send(to_pipe(event, before or order.state))
            before = event.state
        else:
            sender.send(event)
    sender.send(None)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _whole(events: Iterator[Event | Piped], order: Order) -> Iterator[Event]:
    before: ModelState | None = None
    for event in events:
        if isinstance(event, Piped):
            commit = from_pipe(event, before or order.state)
            before = commit.state
            yield commit
        else:
            yield event


def _events(
    receiver: Receiver,
    process: BaseProcess,
    limits: Limits,
    stopping: Callable[[], bool],
    waits: Callable[[], None],
) -> Iterator[Event | Piped]:
    deadline = time.monotonic() + limits.seconds
    effort = _Effort(process)
    while True:
        try:
            event = receiver.get(POLL_SECONDS)
        except EOFError:
            yield _crashed(process)
            return
        except TimeoutError:
            if effort.idle():
                waits()
        else:
            if event is None:
                return
            yield cast("Event | Piped", event)
            effort = _Effort(process)
        if stopping():
            return
        exceeded = _exceeded(process, limits, deadline)
        if exceeded is not None:
            yield exceeded
            return


class _Effort:
    """What a process does with its time, from now on."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self._used, self._since = _processor_seconds(process), time.monotonic()

    def idle(self) -> bool:
        """Whether it has waited for some seconds and waits still."""
        used, now = _processor_seconds(self._process), time.monotonic()
        if used - self._used >= IDLE_PROCESSOR_SECONDS:
            self._used, self._since = used, now
        return now - self._since >= IDLE_SECONDS


def _exceeded(process: BaseProcess, limits: Limits, deadline: float) -> Failed | None:
    if time.monotonic() > deadline:
        text = f"the run took longer than {limits.seconds:g} s (--run-timeout) and was ended"
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


def _processor_seconds(process: BaseProcess) -> float:
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _crashed(process: BaseProcess) -> Failed:
    process.join(END_SECONDS)
    code = process.exitcode
    names = {-each.value: each.name for each in signal.Signals}
    if code is None:
        how = "closed its pipe and went on"
    elif code < 0:
        how = f"was killed by {names.get(code, f'signal {-code}')}"
        if -code == signal.SIGKILL:
            how += " (by hand, or by the kernel for want of memory)"
    else:
        how = f"ended with exit code {code}"
    text = f"the worker process {how}; the next run goes on from the store"
    return Failed(Stage.WORKER, Reason.CRASHED, text)


def _end(process: BaseProcess) -> None:
    """End the process whatever it does: it has nothing to save."""
    if process.is_alive():
        process.kill()
    process.join(END_SECONDS)
    if process.exitcode is not None:
        process.close()
