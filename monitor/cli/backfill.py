"""`driftd backfill`: past windows, with states of their own."""

import argparse
import os
from datetime import UTC, datetime

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.show import Shown
from monitor.config.schema import ModelConfig
from monitor.evaluation import Failed, Learned, Order, evaluate
from monitor.recorder import Committed
from monitor.state import Commit, ModelState
from monitor.store import Store
from monitor.types import Evaluation


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "backfill",
        help="evaluate past windows",
        description="Evaluate past windows with detector states of their own; write those that the ledger does "
        "not have. The watermark, alarms and stream states stay as they are.",
        epilog="Example: driftd backfill model.yaml --from 2024-02-01T00:00Z --to 2024-03-01T00:00Z --json",
    )
    options.add_paths(parser)
    options.add_state(parser)
    options.add_log(parser)
    parser.add_argument("--from", dest="start", metavar="TIME", type=options.moment, required=True)
    parser.add_argument("--to", dest="end", metavar="TIME", type=options.moment, required=True)
    parser.add_argument("--json", action="store_true", help="one JSON object per line and evaluation")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, print, write what is new."""
    prepare(given.state, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    shown = Shown(as_json=given.json)
    store = Store.open(given.state)
    try:
        for config in loaded.configs:
            _one(store, config, given.start, given.end, shown)
    finally:
        shown.close()
        store.close()
    return 2 if shown.failed or loaded.failed else int(shown.alarmed)


def _one(store: Store, config: ModelConfig, start: datetime, end: datetime, shown: Shown) -> None:
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
    shown.begin(config)
    last: dict[str, Evaluation] = {}
    for event in evaluate(order):
        if isinstance(event, Learned):
            store.save_reference(config.model, event.fingerprint, event.blob)
        elif isinstance(event, Commit):
            last.update((each.window.key, each) for each in event.evaluations)
            shown.take(config.model, Committed(event))
        else:
            shown.take(config.model, event)
            if isinstance(event, Failed):
                break
    store.add_history(config.model, tuple(last.values()))
    shown.end(config.model, ())
