import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for certificates
sys.path.insert(0, str(Path(__file__).parent.parent / "export"))  # for export_samples

from certificates import Authority
from export_samples import DAY, NOW, START, full_snapshot

from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.state import Acceptance, AlarmRecord, Commit, ModelState
from monitor.types import Kind, Reason
from monitor.web.exchange import App


class Daemon:
    """What stands behind the server: says whether it is ready, and counts reloads."""

    def __init__(self) -> None:
        self.board = Board(full_snapshot())
        self.not_ready = None
        self.error = None
        self.reloads = 0
        self.lines = []
        self.accepted = []

    def ready(self):
        return self.not_ready

    def reload(self):
        self.reloads += 1
        if self.error is not None:
            raise self.error

    def history(self, model, start, end, limit, before):
        """The newest of `lines`, as the store finds them."""
        if self.error is not None:
            raise self.error
        keys = [line.window.key for line in self.lines]
        older = self.lines[: keys.index(before)] if before is not None else self.lines
        chosen = [
            line
            for line in older
            if (start is None or line.window.start >= start) and (end is None or line.window.start < end)
        ]
        return chosen[-limit:]

    def accept(self, model, reason):
        if self.error is not None:
            raise self.error
        self.accepted.append((model, reason))
        closed = AlarmRecord(Kind.COVARIATE, "", START, START + DAY, ("temp",), Reason.ACCEPTED)
        acceptance = Acceptance(NOW, START + DAY, reason)
        return Commit(model, (), ModelState(model), alarms=(closed,), acceptance=acceptance)

    def app(self) -> App:
        return App(
            self.board,
            Exporter(self.board),
            self.ready,
            self.reload,
            lambda: NOW,
            self.history,
            self.accept,
        )


@pytest.fixture
def daemon():
    return Daemon()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)
