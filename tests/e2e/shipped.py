"""The files that driftd ships, with the addresses of a test, and seconds where they wait for minutes."""

from pathlib import Path

import yaml

from tests.e2e.servers import CONFIGS
from tests.harness import driftd

DEPLOY = Path(__file__).parents[2] / "deploy"
EVERY = "1s"


def _shipped(name: str) -> dict:
    return yaml.safe_load((DEPLOY / name / CONFIGS[name]).read_text(encoding="utf-8"))


def _write(folder: Path, name: str, config: dict) -> None:
    (folder / CONFIGS[name]).write_text(yaml.safe_dump(config), encoding="utf-8")


def write_prometheus(folder: Path, daemon: str, alertmanager: str = "") -> None:
    """The example of a configuration and the rules; an alert ends at once rather than after 15 minutes."""
    config = _shipped("prometheus")
    config["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [daemon]}]
    targets = [alertmanager] if alertmanager else []
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": targets}]
    _write(folder, "prometheus", config)
    path = folder / config["rule_files"][0]
    assert driftd("rules", "--out", path).code == 0
    rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("keep_firing_for", None)
    path.write_text(yaml.safe_dump(rules), encoding="utf-8")


def write_alertmanager(folder: Path, receiver: str) -> None:
    """The example of a configuration; every webhook goes to the receiver of a test, and no group waits."""
    config = _shipped("alertmanager")
    config["route"] |= {"group_wait": EVERY, "group_interval": EVERY}
    for each in config["receivers"]:
        for webhook in each.get("webhook_configs", ()):
            webhook["url"] = f"http://{receiver}/"
    _write(folder, "alertmanager", config)
