"""The metrics of one `once`, pushed to a Pushgateway."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException

from prometheus_client import push_to_gateway

from monitor.board import view_of
from monitor.config.schema import ModelConfig
from monitor.errors import DriftdError
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Outcome, Snapshot, after_run
from monitor.store import Store
from monitor.types import Reason, Stage

JOB = "driftd"


@dataclass(slots=True)
class Ran:
    """How the run of one model went."""

    config: ModelConfig
    evaluated: bool = False
    failures: list[tuple[Stage, Reason]] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """What `driftd_runs_total` calls it."""
        if self.failures:
            return Outcome.FAILED
        return Outcome.SUCCESS if self.evaluated else Outcome.NO_DATA


def push(gateway: str, store: Store, runs: Sequence[Ran]) -> None:
    """Replace what the gateway has of each model: one group per model, so that two runs share a gateway."""
    for ran in runs:
        name, now = ran.config.model, datetime.now(UTC)
        view = view_of(ran.config, store, None, now)
        view = after_run(
            view, outcome=ran.outcome, ended=now, errors=ran.failures, label_coverage=view.label_coverage
        )
        board = Board(Snapshot().with_view(view).with_config(ok=True, at=now))
        try:
            push_to_gateway(gateway, job=JOB, registry=Exporter(board).registry, grouping_key={"model": name})
        except (OSError, HTTPException) as error:
            message = (
                f"the push gateway {gateway} did not take the metrics: {error}; "
                "what was evaluated is in the store"
            )
            raise DriftdError(message) from error
