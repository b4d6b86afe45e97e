"""`driftd backfill`: past windows, with states of their own."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from monitor.board import committed, unevaluated
from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.rules import job
from monitor.cli.show import Shown
from monitor.config.schema import ModelConfig
from monitor.errors import DriftdError, StoreError
from monitor.evaluation import Failed, Learned, Order, evaluate
from monitor.export.history import History
from monitor.export.rules.table import DEFAULT_JOB
from monitor.recorder import Committed
from monitor.state import Commit, ModelState
from monitor.store import Store
from monitor.types import Evaluation, Stage


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Evaluate past windows with detector states of their own; write those that the ledger does not have. "
        "The watermark, alarms and stream states stay as they are."
    )
    parser.epilog = (
        "Example: driftd backfill model.yaml --from 2024-02-01T00:00Z --to 2024-03-01T00:00Z --json. "
        "Exit codes as of driftd once, of these windows alone."
    )
    options.add_paths(parser)
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        type=options.moment,
        required=True,
        help="the first window is the one that holds it",
    )
    parser.add_argument(
        "--to",
        dest="end",
        metavar="TIME",
        type=options.moment,
        required=True,
        help="no window ends after it",
    )
    options.add_state(parser)
    options.add_json(parser)
    parser.add_argument(
        "--openmetrics",
        metavar="FILE",
        type=Path,
        help="write what scrapes would have shown, for promtool tsdb create-blocks-from openmetrics FILE",
    )
    parser.add_argument(
        "--job",
        metavar="NAME",
        type=job,
        default=DEFAULT_JOB,
        help=f"the scrape job of the daemon, a label of what is written (default {DEFAULT_JOB})",
    )
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, print, write what is new."""
    if given.start >= given.end:
        message = "--from must be before --to"
        raise DriftdError(message)
    prepare(given.state, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    with (
        _written(given.openmetrics, given.job) as history,
        Store.open(given.state) as store,
        Shown(as_json=given.json) as shown,
    ):
        for config in loaded.configs:
            _one(store, config, given.start, given.end, shown, history)
    return 2 if shown.failed or loaded.failed else int(shown.alarmed)


@contextmanager
def _written(path: Path | None, name: str) -> Iterator[History | None]:
    """The history that is in the file in the end; a path that cannot be written is told at once."""
    if path is None:
        yield None
        return
    history = History(name)
    with _writing(path):
        path.touch()
    yield history
    with _writing(path):
        path.write_bytes(history.text())


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise DriftdError(message) from None


def _one(
    store: Store, config: ModelConfig, start: datetime, end: datetime, shown: Shown, history: History | None
) -> None:
    """One model; what fails is told and stops no other model."""
    shown.begin(config.model)
    try:
        store.add_history(config.model, _evaluated(store, config, start, end, shown, history))
    except StoreError as error:
        shown.take(Failed(Stage.STORE, error.reason, str(error)))
    shown.end()


def _evaluated(
    store: Store, config: ModelConfig, start: datetime, end: datetime, shown: Shown, history: History | None
) -> tuple[Evaluation, ...]:
    """The last line of each window."""
    now = datetime.now(UTC)
    order = Order(
        config,
        ModelState(config.model, origin=start),
        {},
        store.references(config.model),
        until=now,
        now=now,
        threads=os.cpu_count() or 1,
        end=end,
    )
    last: dict[str, Evaluation] = {}
    view = unevaluated(config, now)
    for event in evaluate(order):
        if isinstance(event, Learned):
            store.save_reference(config.model, event.fingerprint, event.blob)
        elif isinstance(event, Commit):
            last.update((each.window.key, each) for each in event.evaluations)
            shown.take(Committed(event))
            view = committed(event, config.window.min_rows)(view)
            if history is not None and event.evaluations and event.evaluations[0].window.end:
                history.add(view, event.evaluations[0].tick)  # windows that are files have no time
        else:
            shown.take(event)
    return tuple(last.values())
