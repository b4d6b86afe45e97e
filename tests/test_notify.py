import os
import socket

import pytest

from monitor.notify import Notifier


@pytest.fixture
def manager(tmp_path):
    """A service manager's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        yield channel


def heard(channel):
    return channel.recv(4096).decode().split("\n")


def test_the_life_of_a_service(manager):
    notifier = Notifier(manager.getsockname(), None, lambda: 7_000_999)
    notifier.ready("3 models")
    assert heard(manager) == ["READY=1", "STATUS=3 models"]
    notifier.reloading()
    assert heard(manager) == ["RELOADING=1", "MONOTONIC_USEC=7000"]
    notifier.ready()
    assert heard(manager) == ["READY=1"]
    notifier.watchdog()
    assert heard(manager) == ["WATCHDOG=1"]
    notifier.status("one\nline")
    assert heard(manager) == ["STATUS=one line"]
    notifier.stopping("runs end")
    assert heard(manager) == ["STOPPING=1", "STATUS=runs end"]


def test_the_abstract_namespace():
    name = f"driftd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(5)
        Notifier("@" + name).ready()
        assert heard(channel) == ["READY=1"]


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify"])
def test_without_a_manager_nothing_happens(address):
    notifier = Notifier(address)
    notifier.ready()
    notifier.watchdog()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_called_twice_as_often_as_asked(environment, seconds):
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "@x", **environment})
    assert notifier.watchdog_seconds == seconds


def test_no_watchdog_without_a_socket():
    assert Notifier.from_environment({"WATCHDOG_USEC": "30000000"}).watchdog_seconds is None
