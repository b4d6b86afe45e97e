"""The writing side of a run: events become transactions, and what was written is told on."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.config.schema import ModelConfig
from monitor.errors import StoreError
from monitor.evaluation import Event, Failed, Learned, Order, Timed
from monitor.implied import evaluated
from monitor.plan import Planned
from monitor.rolling import WEEK
from monitor.state import Commit, Kept, ModelState
from monitor.store import Store
from monitor.types import Evaluation, Stage


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that is safely in the store."""

    commit: Commit


Told = Committed | Failed | Timed | Planned


def order(store: Store, config: ModelConfig, *, until: datetime, now: datetime, threads: int) -> Order:
    """What a run of this model needs, read from the store."""
    state = store.state(config.model)
    return Order(
        config,
        state,
        pending_lines(store, state),
        store.references(config.model),
        until,
        now,
        threads,
        kept=_kept(store, config, state),
    )


def _kept(store: Store, config: ModelConfig, state: ModelState) -> tuple[Kept, ...]:
    """The windows that a rolling reference learned from this week, and what has come since."""
    keep = config.reference.keep
    if keep is None or state.watermark is None:
        return ()
    return store.kept(config.model, state.watermark - keep.nominal - 2 * WEEK)


def pending_lines(store: Store, state: ModelState) -> dict[str, Evaluation]:
    """The last printed line of each pending window, by window key."""
    wanted = {window.window.key for window in state.pending}
    if not wanted:
        return {}
    oldest = state.pending[0].window.start or evaluated(state.pending[0])
    return {
        line.window.key: line
        for line in store.evaluations(state.model, start=oldest)
        if line.window.key in wanted
    }


def record(
    store: Store,
    model: str,
    events: Iterable[Event],
    owner: str | None = None,
    at: Callable[[str], None] = lambda _point: None,
) -> Iterator[Told]:
    """Write each commit in one transaction, then tell of it; a failing store ends the run as `Failed`.

    `owner` must still hold the model's lease at each commit; `at` is told how far each commit is. The
    last thing told is how long the writing took.
    """
    writing = 0.0
    try:
        for event in events:
            started = time.perf_counter()
            if isinstance(event, Learned):
                store.save_reference(model, event.fingerprint, event.blob)
                writing += time.perf_counter() - started
            elif isinstance(event, Commit):
                store.commit(event, at, owner)
                writing += time.perf_counter() - started
                yield Committed(event)
            else:
                yield event
    except StoreError as error:
        yield Failed(Stage.STORE, error.reason, str(error))
    yield Timed(Stage.STORE, writing)
