import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.store import Store

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for store_records, which child processes import too


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'driftd.db'}"


@pytest.fixture
def store(url):
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def child():
    """Starts `child.py` with arguments, in an interpreter that finds what this one finds."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [*sys.path, str(HERE.parents[1])])),
    }

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, HERE / "child.py", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return start
