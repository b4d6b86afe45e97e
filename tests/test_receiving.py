import os
from multiprocessing import Pipe
from pickle import UnpicklingError

import pytest

from monitor.receiving import Receiver

SOON = 0.02
ENOUGH = 30


@pytest.fixture
def pipe():
    """A receiver, and the end that sends to it."""
    reading, sender = Pipe(duplex=False)
    receiver = Receiver(reading)
    yield receiver, sender
    receiver.close()
    sender.close()


def test_messages_come_whole_and_in_order(pipe):
    receiver, sender = pipe
    for message in (1, "two", None):
        sender.send(message)
    assert [receiver.get(ENOUGH) for _ in range(3)] == [1, "two", None]


def test_a_message_that_does_not_end_is_waited_for_no_longer_than_asked(pipe):
    receiver, sender = pipe
    with pytest.raises(TimeoutError):
        receiver.get(SOON)
    os.write(sender.fileno(), b"\x00\x00\x00\x09half")
    with pytest.raises(TimeoutError):
        receiver.get(SOON)


@pytest.mark.parametrize("last", [b"", b"\x00\x00\x00\x09half"])
def test_the_end_of_the_sender_is_told(pipe, last):
    receiver, sender = pipe
    sender.send("last words")
    os.write(sender.fileno(), last)
    sender.close()
    assert receiver.get(ENOUGH) == "last words"
    with pytest.raises(EOFError):
        receiver.get(ENOUGH)


def test_what_cannot_be_read_is_not_passed_over(pipe):
    receiver, sender = pipe
    sender.send_bytes(b"no pickle")
    with pytest.raises(UnpicklingError):
        receiver.get(ENOUGH)


def test_nothing_is_read_after_the_end(pipe):
    receiver, sender = pipe
    receiver.close()

    def send():
        while True:  # one message may be on its way
            sender.send(b"x" * 4096)

    with pytest.raises(BrokenPipeError):
        send()
