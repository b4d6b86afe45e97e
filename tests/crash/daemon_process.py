"""`driftd run` in a process of its own, and what can be seen of it from outside."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

POLL = 0.05
PATIENCE = 100.0
"""Seconds after which what is awaited counts as not happening."""


class DaemonProcess:
    """The daemon as a user starts it; `log` takes what it says. Its family are the processes it starts."""

    def __init__(self, path, url, log, *more, listen="127.0.0.1:0"):
        command = [sys.executable, "-m", "monitor", "run", path, "--state", url, "--listen", listen, *more]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(list(map(str, command)), stderr=stream)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def address(self):
        """Where it serves HTTP, awaited."""
        return f"127.0.0.1:{awaited(lambda: port(self.process))}"

    def reload(self):
        """POST /-/reload; returns the status."""
        request = Request(f"http://{self.address}/-/reload", method="POST")
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    def worker(self):
        """The worker of a run, awaited: a child of the fork server, which is a child of the daemon."""
        return awaited(lambda: next(iter(self._workers()), None))

    def _workers(self):
        assert self.process.poll() is None, "the daemon has ended"
        found = []
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children():
                found += [each for each in child.children() if not ended(each)]
        return found

    def kill(self):
        """SIGKILL; returns the processes that the daemon leaves behind."""
        left = []
        with suppress(psutil.NoSuchProcess):
            left = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        return left

    def end(self):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def port(process):
    """The port on which the process listens; None where it does not yet."""
    assert process.poll() is None, "the process has ended"
    connections = psutil.Process(process.pid).net_connections("tcp")
    return next((each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN), None)


def exit_code(process, seconds):
    """Start a process of multiprocessing; after so many seconds it is killed, if it has not ended."""
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    code = process.exitcode
    process.close()
    assert code in {0, -signal.SIGKILL}
    return code


def ended(process):
    """Whether the process runs no more; one that nobody has waited for runs no more either."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def awaited(found):
    """What `found` gives as soon as that is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(POLL)
    message = f"not within {PATIENCE:g} s"
    raise AssertionError(message)
