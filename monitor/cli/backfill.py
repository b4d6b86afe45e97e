"""`driftd backfill`: past windows, with states of their own."""

import argparse
import os
from datetime import UTC, datetime

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.show import Shown
from monitor.config.schema import ModelConfig
from monitor.errors import DriftdError, StoreError
from monitor.evaluation import Failed, Learned, Order, evaluate
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
    parser.add_argument("--openmetrics", type=_later, help=argparse.SUPPRESS)
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, print, write what is new."""
    if given.start >= given.end:
        message = "--from must be before --to"
        raise DriftdError(message)
    prepare(given.state, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    with Store.open(given.state) as store, Shown(as_json=given.json) as shown:
        for config in loaded.configs:
            _one(store, config, given.start, given.end, shown)
    return 2 if shown.failed or loaded.failed else int(shown.alarmed)


def _one(store: Store, config: ModelConfig, start: datetime, end: datetime, shown: Shown) -> None:
    """One model; what fails is told and stops no other model."""
    shown.begin(config.model)
    try:
        store.add_history(config.model, _evaluated(store, config, start, end, shown))
    except StoreError as error:
        shown.take(Failed(Stage.STORE, error.reason, str(error)))
    shown.end()


def _evaluated(
    store: Store, config: ModelConfig, start: datetime, end: datetime, shown: Shown
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
    for event in evaluate(order):
        if isinstance(event, Learned):
            store.save_reference(config.model, event.fingerprint, event.blob)
        elif isinstance(event, Commit):
            last.update((each.window.key, each) for each in event.evaluations)
            shown.take(Committed(event))
        else:
            shown.take(event)
    return tuple(last.values())


def _later(text: str) -> str:
    message = f"writing {text} is not in this version; --json has what it would hold"
    raise argparse.ArgumentTypeError(message)
