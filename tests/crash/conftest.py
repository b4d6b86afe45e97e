from multiprocessing import forkserver

import pytest

from monitor import worker
from tests.crash import crash_run
from tests.crash.crash_model import write_model


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("pumps"))


@pytest.fixture
def store_url(tmp_path):
    return lambda name: f"sqlite:///{tmp_path / name}.db"


@pytest.fixture(scope="module")
def server():
    """A fork server that has loaded all that a run needs."""
    forkserver._forkserver._stop()  # one that an earlier test started has loaded less
    context = worker.context()
    context.set_forkserver_preload([*worker.PRELOAD, crash_run.__name__])
    return context
