"""The daemon works where little is allowed: read-only disk, no home, systemd's filters."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.deploy.unit import allowed_calls, setting
from tests.harness import Model

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
YAML = """
version: 1
model: small
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
columns: {timestamp: ts, prediction: y_pred, features: {numeric: [amount]}}
window: {length: 1d, lateness: 1h, min_rows: 40}
"""


def days(first, number):
    rng = np.random.default_rng(first)
    hours = np.sort(rng.uniform(24 * first, 24 * (first + number), 50 * number))
    amount = rng.normal(size=len(hours))
    ts = (pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(hours, unit="h")).floor("us")
    return pd.DataFrame({"ts": ts, "amount": amount, "y_pred": (amount > 0).astype(int)})


@pytest.fixture
def model(tmp_path):
    """A model whose files are read-only in the sandbox, unlike its state."""
    return Model(tmp_path, YAML).write(reference=days(0, 20), live=days(20, 3))


class Sandbox:
    """A sandbox in which one folder, `state`, can be written to."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder = folder
        self.temporary = temporary
        self.state = folder / "state"
        for name in ("state", "here"):
            (folder / name).mkdir()

    def start(self, *arguments, environment=None, **rules):
        """Start Python with these arguments; its installation and current folder are read-only."""
        path = self.folder / "rules.json"
        path.write_text(
            json.dumps({"writable": [str(self.state)], "temporary": str(self.temporary), **rules})
        )
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        command = [*UNSHARE, sys.executable, Path(__file__).with_name("sandbox.py"), path, sys.executable]
        with (self.folder / "stderr").open("w") as stderr:
            return subprocess.Popen(
                list(map(str, [*command, "-B", *arguments])),
                cwd=self.folder / "here",
                env=own | (environment or {}),
                stderr=stderr,
                stdout=subprocess.PIPE,
                text=True,
            )

    def run(self, *arguments, **rules):
        process = self.start(*arguments, **rules)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, self.said()
        return out

    def said(self):
        return (self.folder / "stderr").read_text()


@pytest.fixture
def sandbox(tmp_path):
    if shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], check=False).returncode:
        pytest.skip("this machine gives no namespaces to users")
    # a short path: sockets of processes have their names there
    with tempfile.TemporaryDirectory(prefix="driftd-") as temporary:
        yield Sandbox(tmp_path, Path(temporary))


@pytest.fixture
def unit_rules(systemd_analyze):
    """What the unit allows, as far as it can be had without systemd."""
    return {
        "allowed": allowed_calls(systemd_analyze),
        "families": setting("RestrictAddressFamilies").split(),
        "deny_write_execute": setting("MemoryDenyWriteExecute") == "yes",
    }


PROBE = """
import ctypes, mmap, os, socket
def refused(do):
    try:
        do()
    except OSError as error:
        return error.errno
print([refused(do) for do in (
    lambda: open("here", "w"),
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    lambda: socket.socket(socket.AF_NETLINK),
    lambda: os.chown(".", 1, 1),
    lambda: os.sched_setaffinity(0, {0}),
    lambda: socket.socket(socket.AF_INET),
    lambda: open(os.path.join(os.environ["TMPDIR"], "file"), "w"),
)])
"""


def test_the_sandbox_refuses_what_the_unit_refuses_and_nothing_else(sandbox, unit_rules):
    eperm, erofs, eafnosupport = 1, 30, 97
    refused = json.loads(sandbox.run("-c", PROBE, **unit_rules).replace("None", "null"))
    assert refused == [erofs, eperm, eafnosupport, eperm, eperm, None, None]


class Manager:
    """A service manager's end of the notification socket."""

    def __init__(self, path):
        self.path = str(path)
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(self.path)
        self.channel.settimeout(PATIENCE)

    def hears(self, *states):
        """The next message that is none of a watchdog's, if `states` does not ask for one."""
        for state in states:
            while (told := self.channel.recv(4096).decode().split("\n")[0]) == "WATCHDOG=1" != state:
                pass
            assert told == state


@pytest.fixture
def manager(sandbox):
    """A socket can be connected to on a read-only disk only where it may be written to."""
    found = Manager(sandbox.state / "notify")
    yield found
    found.channel.close()


def test_the_daemon_lives_its_life_as_the_unit_starts_it(sandbox, model, manager, unit_rules):
    environment = {
        "DRIFTD_COUNTING": "numpy",
        "NOTIFY_SOCKET": manager.path,
        "WATCHDOG_USEC": "400000",
    }
    state = f"sqlite:///{sandbox.state}/driftd.db"
    command = ["-m", "monitor", "run", model.path, "--state", state, "--listen", "127.0.0.1:0"]
    daemon = sandbox.start(*command, environment=environment, **unit_rules)
    try:
        manager.hears("READY=1", "WATCHDOG=1")
        end = time.monotonic() + PATIENCE
        while "outcome=success lines=3" not in sandbox.said():
            assert daemon.poll() is None, sandbox.said()
            assert time.monotonic() < end, sandbox.said()
            time.sleep(0.05)
        daemon.send_signal(1)
        manager.hears("RELOADING=1", "READY=1", "WATCHDOG=1")
        daemon.terminate()
        manager.hears("STOPPING=1")
        assert daemon.wait(PATIENCE) == 0
    finally:
        daemon.kill()
        daemon.communicate()
    assert not re.search("level=(warning|error)", sandbox.said()), sandbox.said()
    assert {path.name for path in sandbox.state.iterdir()} == {"driftd.db", "notify"}
    assert list((sandbox.folder / "here").iterdir()) == []


LOAD = """
from monitor.cli.loading import prepare
prepare("sqlite:///{state}/driftd.db", log_level="info")
from monitor.stats import counting
print("compiled" if counting.load() else "numpy")
"""


@pytest.mark.slow
def test_on_a_read_only_disk_compiled_code_is_kept_with_the_state(sandbox):
    assert sandbox.run("-c", LOAD.format(state=sandbox.state)) == "compiled\n"
    assert list(sandbox.state.glob(".driftd-cache/**/*.nbi")) != []
    assert "cannot keep its cache" not in sandbox.said()


def test_where_no_memory_may_become_executable_numpy_counts(sandbox):
    assert sandbox.run("-c", LOAD.format(state=sandbox.state), deny_write_execute=True) == "numpy\n"
    assert "numpy counts, to the same numbers but slower" in sandbox.said()
