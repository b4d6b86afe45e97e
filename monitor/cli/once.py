"""`driftd once`: every due window of every model, in time order, then exit."""

import argparse
import os
from datetime import UTC, datetime

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.push import Ran, push
from monitor.cli.show import Shown
from monitor.config.schema import ModelConfig
from monitor.errors import StoreError
from monitor.evaluation import Failed, evaluate
from monitor.leasing import held
from monitor.recorder import Committed, order, record
from monitor.store import Store
from monitor.types import Stage


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Evaluate every due window of every model, in time order, then exit. For cron, CI, Airflow."
    )
    parser.epilog = (
        "Example: driftd once models/ --until 2024-03-01T00:00Z --json. Exit code 0: no alarm; "
        "1: an alarm was or is open; 2: a model could not be evaluated, though the others were."
    )
    options.add_paths(parser)
    options.add_state(parser)
    parser.add_argument(
        "--until", metavar="TIME", type=options.moment, help="as if it were this time (default: now)"
    )
    options.add_json(parser)
    parser.add_argument(
        "--push-gateway",
        metavar="URL",
        type=options.gateway,
        help="push each model's metrics there at the end, as job driftd",
    )
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, print, and say by the exit code what was found."""
    prepare(given.state, given.log_format, given.log_level)
    loaded = load_models(given.paths)
    now = datetime.now(UTC)
    with Store.open(given.state) as store, Shown(as_json=given.json) as shown:
        runs = [_one(store, config, given.until or now, now, shown) for config in loaded.configs]
        if given.push_gateway:
            push(given.push_gateway, store, runs)
    return 2 if shown.failed or loaded.failed else int(shown.alarmed)


def _one(store: Store, config: ModelConfig, until: datetime, now: datetime, shown: Shown) -> Ran:
    """One model, alone in this store while it lasts; what fails is told and stops no other model."""
    ran = Ran(config)
    shown.begin(config.model)
    try:
        with held(store, config.model) as owner:
            work = order(store, config, until=until, now=now, threads=os.cpu_count() or 1)
            for told in record(store, config.model, evaluate(work), owner):
                shown.take(told)
                if isinstance(told, Failed):
                    ran.failures.append((told.stage, told.reason))
                if isinstance(told, Committed):
                    ran.evaluated = True
            shown.end(store.open_alarms(config.model))
    except StoreError as error:
        ran.failures.append((Stage.STORE, error.reason))
        shown.take(Failed(Stage.STORE, error.reason, str(error)))
    return ran
