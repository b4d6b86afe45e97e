"""The metrics of one `once`, pushed to a Pushgateway."""

from collections.abc import Sequence
from datetime import datetime
from urllib.error import URLError

from prometheus_client import push_to_gateway

from monitor.board import view_of
from monitor.config.schema import ModelConfig
from monitor.errors import DriftdError
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Snapshot
from monitor.store import Store

JOB = "driftd"


def push(gateway: str, store: Store, configs: Sequence[ModelConfig], now: datetime) -> None:
    """Replace what the gateway has of the job `driftd` by what the store knows of these models."""
    views = [view_of(config, store, None, now) for config in configs]
    board = Board(Snapshot().with_models(views).with_config(ok=True, at=now))
    try:
        push_to_gateway(gateway, job=JOB, registry=Exporter(board).registry)
    except (URLError, OSError) as error:
        message = f"the push gateway {gateway} cannot be reached: {error}; what was evaluated is in the store"
        raise DriftdError(message) from error
