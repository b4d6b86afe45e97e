"""`driftd once`: every due window of every model, in time order, then exit."""

import argparse
import os
from datetime import UTC, datetime

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.push import push
from monitor.cli.show import Shown
from monitor.config.schema import ModelConfig
from monitor.errors import LeasedError, StoreError
from monitor.evaluation import Failed, evaluate
from monitor.leasing import held
from monitor.recorder import order, record
from monitor.store import Store
from monitor.types import Reason, Stage


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "once",
        help="evaluate every due window of every model, then exit",
        description="Evaluate every due window of every model, in time order, then exit. "
        "For cron, CI, Airflow.",
        epilog="Example: driftd once models/ --until 2024-03-01T00:00Z --json. "
        "Exit code 0: no alarm; 1: an alarm is or was open; 2: a model could not be evaluated.",
    )
    options.add_paths(parser)
    options.add_state(parser)
    options.add_log(parser)
    parser.add_argument(
        "--until", metavar="TIME", type=options.moment, help="as if it were this time (default: now)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line and evaluation")
    parser.add_argument("--push-gateway", metavar="URL", help="push the metrics of this run there at the end")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, print, and say by the exit code what was found."""
    prepare(given.state, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    now = datetime.now(UTC)
    shown = Shown(as_json=given.json)
    store = Store.open(given.state)
    try:
        for config in loaded.configs:
            one(store, config, given.until or now, now, shown)
        if given.push_gateway:
            push(given.push_gateway, store, loaded.configs, now)
    finally:
        shown.close()
        store.close()
    return 2 if shown.failed or loaded.failed else int(shown.alarmed)


def one(store: Store, config: ModelConfig, until: datetime, now: datetime, shown: Shown) -> None:
    """One model, alone in this store while it lasts."""
    try:
        with held(store, config.model) as owner:
            work = order(store, config, until=until, now=now, threads=os.cpu_count() or 1)
            shown.begin(config)
            for told in record(store, config.model, evaluate(work), owner):
                shown.take(config.model, told)
            shown.end(config.model, store.open_alarms(config.model))
    except LeasedError as error:
        shown.take(config.model, Failed(Stage.STORE, Reason.LEASED, str(error)))
    except StoreError as error:
        shown.take(config.model, Failed(Stage.STORE, error.reason, str(error)))
