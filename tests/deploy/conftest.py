"""A server for the checks of its health."""

from datetime import UTC, datetime

import pytest

from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.web.exchange import App
from monitor.web.server import Server
from tests.web.certificates import Authority, Pair

collect_ignore = ["operator_objects.py"]  # run by a Python that has its packages


@pytest.fixture
def serve():
    """Start the daemon's HTTP server, with a web configuration or without."""
    started = []

    def start(web_config=None):
        board = Board()
        unasked = (lambda: None, lambda: None, lambda: datetime.now(UTC), lambda *_: [], lambda *_: None)
        app = App(board, Exporter(board), *unasked)
        started.append(Server("127.0.0.1:0", app, web_config))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def pair(tmp_path) -> Pair:
    """A certificate of an authority that nobody knows, and its key."""
    return Authority(tmp_path).issue("driftd")
