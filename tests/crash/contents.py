"""What a store holds of the model, to be compared."""

from contextlib import closing
from dataclasses import replace

from monitor.store import Store
from tests.crash.crash_model import NAME


def contents(url):
    """All that the store knows of the model, but not how long it took, nor when it was accepted."""
    with closing(Store.open(url, read_only=True)) as store:
        state = store.state(NAME)
        lines = store.evaluations(NAME)
        return {
            "lines": {line.window.key: replace(line, seconds=0.0) for line in lines},
            "profiles": {line.window.key: store.profile(NAME, line.window.key) for line in lines},
            "alarms": store.alarms(NAME),
            "acceptances": [(each.watermark, each.reason) for each in store.acceptances(NAME)],
            "references": store.references(NAME),
            "lease": store.lease_owner(NAME),
            "state": replace(state, pending=()),
            "pending": [plain(window) for window in state.pending],
        }


def plain(window):
    """A pending window with its arrays as bytes, which compare to the bit."""
    names = ("window", "rows", "passed", "conflicts", "decisions", "hits")
    arrays = ("ids", "times", "predictions", "scores", "labels", "label_times")
    return [getattr(window, name) for name in names] + [getattr(window, name).tobytes() for name in arrays]


def same(found, expected):
    """Whether the stores hold the same; the first window that differs fails alone."""
    assert found["lines"].keys() == expected["lines"].keys()
    for key, line in expected["lines"].items():
        assert found["lines"][key] == line
    for part, value in expected.items():
        assert found[part] == value, part
