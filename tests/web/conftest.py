import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for certificates
sys.path.insert(0, str(Path(__file__).parent.parent / "export"))  # for export_samples

from certificates import Authority
from export_samples import NOW, full_snapshot

from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.web.routes import App


class Daemon:
    """What stands behind the server: says whether it is ready, and counts reloads."""

    def __init__(self) -> None:
        self.board = Board(full_snapshot())
        self.not_ready = None
        self.error = None
        self.reloads = 0

    def ready(self):
        return self.not_ready

    def reload(self):
        self.reloads += 1
        if self.error is not None:
            raise self.error

    def app(self) -> App:
        return App(self.board, Exporter(self.board), self.ready, self.reload, lambda: NOW)


@pytest.fixture
def daemon():
    return Daemon()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)
