import pytest

from tests.bad_input.world import Seen, World, share


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    return share(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def world(tmp_path, shared) -> World:
    return World(tmp_path, shared)


@pytest.fixture(scope="session")
def clean(tmp_path_factory, shared) -> Seen:
    """The run without any fault: no problem, no alarm."""
    seen = World(tmp_path_factory.mktemp("clean"), shared).run()
    assert seen.ran.code == 0, seen.ran.err
    assert not seen.problems()
    assert not seen.problems(seen.first)
    return seen
