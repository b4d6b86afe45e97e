"""What is now becomes normal: a model's alarms close, its memories restart, and both are remembered."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from monitor import alarms
from monitor.errors import ReasonError, UnknownModelError
from monitor.leasing import held
from monitor.state import Acceptance, Commit, ModelState
from monitor.store import Store
from monitor.types import LABEL_KINDS, AlarmState, Kind, Reason

LONGEST_REASON = 500
REASON_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
"""One line without control characters."""


def accept(
    store: Store,
    model: str,
    reason: str,
    now: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
    at: Callable[[str], None] = lambda _point: None,
) -> Commit:
    """Accept every window that the model was evaluated on as normal, in one transaction.

    Open alarms close with the reason `accepted`. Windows that still await labels open none any more,
    whatever these say; later windows are judged with fresh memories, by the same reference. Returns what
    was written: its `alarms` are those that closed.

    Raises UnknownModelError, ReasonError for words that cannot be kept, LeasedError where another
    process goes on evaluating the model, StoreError where the store cannot be written. `at` is told how
    far the commit is.
    """
    _check(reason)
    known = store.models()
    if model not in known:
        raise UnknownModelError(model, known)
    with held(store, model, sleep) as owner:
        commit = _commit(store, model, reason, now)
        store.commit(commit, at, owner)
    return commit


def _check(reason: str) -> None:
    surrogate = any("\ud800" <= letter <= "\udfff" for letter in reason)
    if len(reason) > LONGEST_REASON or surrogate or not re.fullmatch(REASON_PATTERN, reason):
        message = f"the reason is one line of at most {LONGEST_REASON} characters"
        raise ReasonError(message)


def _commit(store: Store, model: str, reason: str, now: datetime) -> Commit:
    state = store.state(model)
    watermark = state.watermark or state.tick
    closed = tuple(
        replace(record, closed=watermark or now, reason=Reason.ACCEPTED)
        for record in store.open_alarms(model)
    )
    newest = store.evaluations(model, end=state.watermark, limit=1)
    lines = tuple(
        replace(line, restated=True, verdicts=tuple(map(alarms.accepted, line.verdicts)))
        for line in newest
        if any(verdict.alarm for verdict in line.verdicts)
    )
    return Commit(model, lines, _fresh(state), alarms=closed, acceptance=Acceptance(now, watermark, reason))


def _fresh(state: ModelState) -> ModelState:
    """The state without what opens alarms and remembers.

    What kinds that read labels remember before the oldest pending window stays until that one is final:
    its line says what it would have said.
    """
    kept = LABEL_KINDS if state.pending else frozenset[Kind]()
    return replace(
        state,
        alarms={kind: alarm for kind, alarm in state.alarms.items() if kind in kept},
        memories={kind: memory for kind, memory in state.memories.items() if kind in kept},
        standing=dict.fromkeys(Kind, AlarmState()),
        streams={},
        accepted=len(state.pending),
    )
