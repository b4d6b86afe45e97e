"""One run of one model from its file to its commits, as events: the same for every command."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from monitor import pipeline
from monitor.build import Resolved, resolve
from monitor.config.schema import ModelConfig
from monitor.errors import BadReferenceError, ConfigError, DriftdError, SourceError
from monitor.plan import Planned
from monitor.state import Commit, ModelState
from monitor.types import Evaluation, Reason, Stage

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


@dataclass(frozen=True, slots=True)
class Learned:
    """A reference that was learned in this run, to be kept by its fingerprint."""

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


Event: TypeAlias = Commit | Learned | Failed | Timed | Planned


def evaluate(order: Order) -> Iterator[Event]:
    """Resolve the model against its reference and yield one commit per tick; never raises."""
    try:
        yield from _evaluate(order)
    except ConfigError as error:
        yield Failed(Stage.CONFIG, Reason.CONFIG_INVALID, str(error))
    except BadReferenceError as error:
        yield Failed(Stage.REFERENCE, Reason.REFERENCE_INVALID, str(error))
    except SourceError as error:
        yield Failed(Stage.SCAN, Reason.SOURCE_FAILED, str(error))
    except DriftdError as error:
        yield Failed(Stage.DETECT, Reason.INTERNAL, str(error))
    except MemoryError:
        yield Failed(Stage.WORKER, Reason.OUT_OF_MEMORY, "the run needs more memory than there is")
    except Exception as error:  # the last line of defence: one model's fault must not end the daemon
        log.exception("run failed", extra={"model": order.config.model})
        yield Failed(Stage.DETECT, Reason.INTERNAL, f"a fault of driftd: {type(error).__name__}: {error}")


def _evaluate(order: Order) -> Iterator[Event]:
    resolved: Resolved = resolve(order.config, order.references, order.threads)
    if resolved.learned is not None:
        yield Learned(resolved.plan.reference.fingerprint, resolved.learned)
    yield from pipeline.run(
        resolved.plan,
        order.state,
        order.lines,
        until=order.until,
        now=order.now,
        end=order.end,
        threads=order.threads,
    )
