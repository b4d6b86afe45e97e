"""A receiver of Alertmanager's webhooks that keeps what it is told."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Told:
    """One alert of one message: whom it was for, whether it fires or is resolved, its labels and texts."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Receiver:
    """The address of the receiver, and all that it was told, in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[Told] = []

    def take(self, message: dict) -> None:
        self.told += [
            Told(message["receiver"], each["status"], each["labels"], each["annotations"])
            for each in message["alerts"]
        ]

    def first(self, name: str, status: str) -> Told | None:
        """The first that it was told of this alert in this status."""
        found = (each for each in self.told if (each.labels["alertname"], each.status) == (name, status))
        return next(found, None)


@contextmanager
def receiving():
    """A receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            receiver.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
