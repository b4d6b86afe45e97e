"""What a service manager wants to be told: systemd's notification protocol over a local socket."""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Tells systemd how the daemon is; without an address every call does nothing.

    `address`: a path, or a name in the abstract namespace that starts with `@`.
    `watchdog_seconds`: how often `watchdog` has to be called, None where nobody watches.
    """

    def __init__(
        self,
        address: str | None,
        watchdog_seconds: float | None = None,
        monotonic_nanoseconds: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds
        self._monotonic = monotonic_nanoseconds

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Notifier":
        """What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask for; half of the watchdog's time."""
        address = environment.get("NOTIFY_SOCKET") or None
        period = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = address is not None and ours and period.isdecimal() and int(period) > 0
        return cls(address, int(period) / 2e6 if watched else None)

    def ready(self, status: str = "") -> None:
        """Started, or done with reloading."""
        self._send("READY=1", status)

    def reloading(self) -> None:
        """Reading the configuration again; `ready` ends it."""
        self._send("RELOADING=1", extra=f"MONOTONIC_USEC={self._monotonic() // 1000}")

    def stopping(self, status: str = "") -> None:
        """On the way out."""
        self._send("STOPPING=1", status)

    def watchdog(self) -> None:
        """Still alive."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("", text)

    def _send(self, state: str, status: str = "", extra: str = "") -> None:
        if self._address is None:
            return
        line = " ".join(status.split())
        lines = [state, f"STATUS={line}" if line else "", extra]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(1.0)
                channel.connect(self._address)
                channel.send("\n".join(filter(None, lines)).encode())
        except OSError as error:  # a deaf service manager must not stop the daemon
            log.debug("service manager not reached", extra={"error": str(error)})
