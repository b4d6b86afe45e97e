import threading

import pytest

from monitor.slots import Places, Slots

SOON = 0.02
ENOUGH = 30


class Waiting:
    """Somebody who asks for a place for a run of the model, in a thread of its own."""

    def __init__(self, slots, model):
        self.came = threading.Event()
        self._slots, self._model = slots, model
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self):
        with self._slots.taken(self._model) as slot:
            assert slot is not None
            self.came.set()

    def waits(self):
        """Whether the place is not given for now."""
        return not self.came.wait(SOON)

    def end(self):
        """Returns whether the place was given."""
        self._thread.join(ENOUGH)
        return self.came.is_set()


def test_no_more_runs_than_workers():
    slots = Slots(2)
    with slots.taken("a"), slots.taken("b"):
        waiting = Waiting(slots, "c")
        assert waiting.waits()
    assert waiting.end()


def test_who_waits_longest_is_next_and_not_who_asks_at_that_moment():
    places = Places(1)
    assert places.take(wait=True)
    came = []

    def ask(number):
        places.take(wait=True)
        came.append(number)

    threads = []
    for number in range(3):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
        while len(places._waiting) <= number:
            pass
    for thread in threads:
        places.leave()
        assert not places.take(wait=False)
        thread.join(ENOUGH)
    assert came == [0, 1, 2]


def test_a_place_that_is_left_is_anothers_at_once_and_only_once():
    slots = Slots(1)
    with slots.taken("a") as slot:
        slot.leave()
        slot.leave()
        assert Waiting(slots, "b").end()
        with slots.taken("c"):
            waiting = Waiting(slots, "d")
            assert waiting.waits()
        assert waiting.end()
    with slots.taken("e"):
        waiting = Waiting(slots, "f")
        assert waiting.waits()
    assert waiting.end()


def test_a_model_whose_run_had_to_be_ended_takes_no_place_of_others():
    slots = Slots(1)
    slots.judge("bad", ended_by_force=True)
    with slots.taken("bad") as slot:
        assert slot is not None
        assert Waiting(slots, "good").end()


def test_in_quarantine_there_is_one_place_which_nobody_waits_for():
    slots = Slots(5)
    for model in ("bad", "worse"):
        slots.judge(model, ended_by_force=True)
    with slots.taken("bad") as bad:
        with slots.taken("worse") as slot:
            assert slot is None
        bad.leave()
        with slots.taken("worse") as slot:
            assert slot is not None


def test_a_run_that_ends_by_itself_ends_the_quarantine():
    slots = Slots(1)
    slots.judge("bad", ended_by_force=True)
    slots.judge("bad", ended_by_force=False)
    with slots.taken("bad"):
        waiting = Waiting(slots, "good")
        assert waiting.waits()
    assert waiting.end()


def test_a_run_that_raises_leaves_its_place():
    slots = Slots(1)
    with pytest.raises(RuntimeError), slots.taken("a"):
        raise RuntimeError
    assert Waiting(slots, "b").end()
