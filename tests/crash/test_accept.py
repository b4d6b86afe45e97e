"""SIGKILL within `driftd accept`: the store holds all of the acceptance or nothing, and goes on."""

import shutil
import time
from contextlib import closing
from datetime import timedelta
from itertools import count

import numpy as np
import pytest

from monitor.accepting import accept
from monitor.evaluation import Failed, evaluate
from monitor.leasing import held
from monitor.recorder import order, record
from monitor.store import Store
from monitor.types import Kind
from tests.crash import crash_run
from tests.crash.contents import contents, same
from tests.crash.crash_model import NAME, NOW, START, STEP, config_of
from tests.crash.crash_run import POINTS
from tests.crash.daemon_process import exit_code

HALFWAY = (START + 62 * STEP).to_pydatetime() + timedelta(hours=2)
"""Within the fault, when labels of the last windows are not yet known."""
LATER = (START + 70 * STEP).to_pydatetime()
FROM_OUTSIDE = 15
PATIENCE = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def run(config, url, until):
    """What is due is evaluated, as `driftd once` does it."""
    with closing(Store.open(url)) as store, held(store, NAME) as owner:
        work = order(store, config, until=until, now=NOW, threads=1)
        assert not any(isinstance(told, Failed) for told in record(store, NAME, evaluate(work), owner))


def accepted_again(url):
    """Accept once more, without a wait for the lease of the process that died."""

    def waits(seconds):
        raise AssertionError(f"waited {seconds} s")

    with closing(Store.open(url)) as store:
        accept(store, NAME, "bigger pumps", NOW, sleep=waits)


def known(url):
    """What must be there whole or not at all: the lease, and the revision, are not of it."""
    return {part: value for part, value in contents(url).items() if part != "lease"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("accept")


@pytest.fixture(scope="module")
def copy(path, folder):
    """A new store that was evaluated up to the middle of the fault."""
    run(config_of(path), f"sqlite:///{folder}/halfway.db", HALFWAY)
    numbers = count()

    def make():
        file = folder / f"{next(numbers)}.db"
        shutil.copy(folder / "halfway.db", file)
        return f"sqlite:///{file}"

    return make


@pytest.fixture(scope="module")
def before(copy):
    found = known(copy())
    assert {alarm.kind for alarm in found["alarms"] if not alarm.closed} >= {Kind.COVARIATE, Kind.CONCEPT}
    return found


@pytest.fixture(scope="module")
def after(copy):
    url = copy()
    accepted_again(url)
    found = known(url)
    assert all(alarm.closed for alarm in found["alarms"])
    assert len(found["acceptances"]) == 1
    return found


@pytest.fixture
def killed(server):
    """A process that accepts and dies at a point of its commit, or is killed after so many seconds."""

    def start(url, death=None, seconds=PATIENCE):
        process = server.Process(target=crash_run.accept, args=(url, death))
        return exit_code(process, seconds) != 0

    return start


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_all_or_nothing_and_it_can_be_said_again(killed, copy, before, after, point):
    url = copy()
    assert killed(url, point)
    same(known(url), after if point == "after_commit" else before)
    accepted_again(url)
    found = known(url)
    twice = 2 if point == "after_commit" else 1
    assert found.pop("acceptances") == twice * after["acceptances"]
    same(found, {part: value for part, value in after.items() if part != "acceptances"})


def test_kills_at_random_moments_leave_all_or_nothing(killed, copy, before, after):
    rng = np.random.default_rng(5)
    killed(copy())  # loads what is not yet loaded
    started = time.monotonic()
    assert not killed(copy())
    seconds = time.monotonic() - started
    deaths = 0
    for _ in range(FROM_OUTSIDE):
        url = copy()
        deaths += killed(url, seconds=rng.uniform(0, seconds))
        found = known(url)
        same(found, after if found["acceptances"] else before)
    assert deaths > 0


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_the_next_run_goes_on_as_if_nothing_had_died(killed, copy, path, point):
    config = config_of(path)
    url, undisturbed = copy(), copy()
    assert killed(url, point)
    if point == "after_commit":
        accepted_again(undisturbed)
    for each in (url, undisturbed):
        run(config, each, LATER)
    same(contents(url), contents(undisturbed))
    assert bool(contents(url)["acceptances"]) == (point == "after_commit")
