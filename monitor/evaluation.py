"""One run of one model from its file to its commits, as events: the same for every command."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from monitor import pipeline
from monitor.build import resolve
from monitor.config.schema import ModelConfig
from monitor.config.secrets import Secret, redact
from monitor.errors import BadReferenceError, ConfigError, DriftdError, SourceError
from monitor.plan import Planned
from monitor.state import Commit, Kept, ModelState
from monitor.types import Evaluation, Problem, Reason, Stage, Window, span

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What one run needs: nothing of it is a connection, so it can go to another process."""

    config: ModelConfig
    state: ModelState
    lines: Mapping[str, Evaluation]
    references: Mapping[str, bytes]
    until: datetime
    now: datetime
    threads: int = 2
    end: datetime | None = None
    """Windows that end after this are left alone (backfill)."""
    kept: tuple[Kept, ...] = ()
    """The windows that a rolling reference may learn from, besides its own."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A reference that was learned in this run, to be kept by what its files and the model file were."""

    fingerprint: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds that one stage of the run took."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended early; what was committed before holds."""

    stage: Stage
    reason: Reason
    message: str
    window: Window | None = None
    """In which it happened, where that is known."""


Event: TypeAlias = Commit | Learned | Failed | Timed | Planned


def evaluate(order: Order) -> Iterator[Event]:
    """Resolve the model against its reference and yield one commit per tick; never raises.

    No secret of the model file is in any event.
    """
    try:
        for event in _evaluate(order):
            yield _hidden(event, order.config.secrets)
    except ConfigError as error:
        yield _failed(order, Stage.CONFIG, Reason.CONFIG_INVALID, error)
    except BadReferenceError as error:
        yield _failed(order, Stage.REFERENCE, Reason.REFERENCE_INVALID, error)
    except SourceError as error:
        yield _failed(order, Stage.SCAN, Reason.SOURCE_FAILED, error)
    except DriftdError as error:
        yield _failed(order, Stage.DETECT, Reason.INTERNAL, error)
    except MemoryError:
        yield Failed(Stage.WORKER, Reason.OUT_OF_MEMORY, "the run needs more memory than there is")
    except pipeline.WindowFaultError as error:
        yield _fault(order, error.__cause__ or error, error.window)
    except Exception as error:  # noqa: BLE001 - the last line of defence: one model's fault must not end the daemon
        yield _fault(order, error)


def _fault(order: Order, error: BaseException, window: Window | None = None) -> Failed:
    extra = {"model": order.config.model} | ({"window": span(window)} if window is not None else {})
    log.error("run failed", exc_info=error, extra=extra)
    text = redact(f"a fault of driftd: {type(error).__name__}: {error}", order.config.secrets)
    return Failed(Stage.DETECT, Reason.INTERNAL, text, window)


def _failed(order: Order, stage: Stage, reason: Reason, error: DriftdError) -> Failed:
    return Failed(stage, reason, redact(str(error), order.config.secrets))


def _hidden(event: Event, secrets: Sequence[Secret]) -> Event:
    """The event with stars for secrets, which messages of sources may quote."""
    if isinstance(event, Planned):
        return replace(event, problems=_starred(event.problems, secrets))
    if not isinstance(event, Commit) or not secrets:
        return event
    lines = (replace(line, problems=_starred(line.problems, secrets)) for line in event.evaluations)
    return replace(event, evaluations=tuple(lines))


def _starred(problems: Sequence[Problem], secrets: Sequence[Secret]) -> tuple[Problem, ...]:
    return tuple(replace(each, message=redact(each.message, secrets)) for each in problems)


def _evaluate(order: Order) -> Iterator[Event]:
    started = time.perf_counter()
    resolved = resolve(order.config, order.references, order.threads)
    yield Timed(Stage.REFERENCE, time.perf_counter() - started)
    if resolved.learned is not None:
        yield Learned(resolved.key, resolved.learned)
    windows = pipeline.run(
        resolved.plan,
        order.state,
        order.lines,
        until=order.until,
        now=order.now,
        end=order.end,
        threads=order.threads,
        kept=order.kept,
    )
    yield from _timed(windows)


def _timed(windows: Iterator[Commit | Planned]) -> Iterator[Event]:
    """The events, then their time: what the lines tell of is for detecting, the rest for reading."""
    spent = detecting = 0.0
    while True:
        started = time.perf_counter()
        event = next(windows, None)
        spent += time.perf_counter() - started
        if event is None:
            break
        if isinstance(event, Commit):
            detecting += max((line.seconds for line in event.evaluations), default=0.0)
        yield event
    yield Timed(Stage.SCAN, max(0.0, spent - detecting))
    yield Timed(Stage.DETECT, detecting)
