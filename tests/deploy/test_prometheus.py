"""The files for Prometheus: current, valid, and each alert tested and explained."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from monitor.export.catalogue import BY_NAME
from monitor.export.rules import Links, groups, operator, prometheus
from monitor.export.rules.records import Alert

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "driftd.rules.yml"
OBJECT = DEPLOY / "kubernetes" / "prometheusrule.yaml"
TESTS = sorted((DEPLOY / "prometheus").glob("*.test.yml"))
CASES = [case for file in TESTS for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]
RUNBOOK = (DEPLOY / "runbook.md").read_text(encoding="utf-8")
ALERTS = {rule.name: rule for group in groups() for rule in group.rules if isinstance(rule, Alert)}
RECORDS = {rule.name for group in groups() for rule in group.rules if not isinstance(rule, Alert)}

SERIES = re.compile(r"([a-z_]+)\{(.*)\}")
OTHERS = {"up": set(), "push_time_seconds": {"model"}, "process_start_time_seconds": set()}
"""What others export: Prometheus, the Pushgateway, the process of the daemon."""


def run(*arguments: object) -> None:
    ran = subprocess.run(
        [str(each) for each in arguments], capture_output=True, text=True, check=False, timeout=110
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_committed_files_are_what_the_command_writes():
    for file, made, form in ((RULES, prometheus, "prometheus"), (OBJECT, operator, "operator")):
        assert file.read_text(encoding="utf-8") == made(groups(), Links()), (
            f"run: driftd rules --format {form} --out {file.relative_to(ROOT)}"
        )


def test_promtool_finds_nothing_in_the_rules(promtool):
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_promtool_accepts_the_example_of_a_configuration(promtool):
    run(promtool, "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_the_alerts_fire_and_end_as_the_tests_say(promtool, file):
    run(promtool, "test", "rules", file)


def checks(name: str) -> list[list[bool]]:
    """For each case that looks at the alert: at each time whether it is to fire, in order."""
    found = []
    for case in CASES:
        looks = [each for each in case.get("alert_rule_test", ()) if each["alertname"] == name]
        if looks:
            looks.sort(key=lambda each: minutes(each["eval_time"]))
            found.append([bool(each["exp_alerts"]) for each in looks])
    return found


def minutes(time: str) -> int:
    """
    >>> minutes("90m"), minutes("2h")
    (90, 120)
    """
    return int(time[:-1]) * {"m": 1, "h": 60}[time[-1]]


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_shown_not_firing_firing_and_ended(name):
    shown = ["".join("x" if fires else "." for fires in case) for case in checks(name)]
    assert any(re.search(r"\.x+\.", case) for case in shown), shown


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_section_that_its_link_leads_to(name):
    section = re.search(rf"^## {name}\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert section is not None
    parts = ("**Meaning.** ", "**Look at.** ", "**Do.**")
    assert [section[1].count(part) for part in parts] == [1, 1, 1]
    anchors = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", RUNBOOK, re.MULTILINE)}
    assert Links().runbook_of(ALERTS[name]).partition("#")[2] in anchors


def test_the_runbook_explains_no_alert_that_there_is_not():
    assert set(re.findall(r"\bDriftd[A-Z]\w+", RUNBOOK)) == set(ALERTS)


def test_the_runbook_names_the_severities_as_they_are():
    for severity in ("critical", "info"):
        row = re.search(rf"^\| {severity} \|.*$", RUNBOOK, re.MULTILINE)
        assert row is not None
        assert set(re.findall(r"\[(\w+)\]", row[0])) == {
            name for name, alert in ALERTS.items() if alert.severity == severity
        }


def test_the_runbook_names_every_recorded_series():
    table = RUNBOOK.partition("# What the rules record")[2]
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == RECORDS


def test_the_series_of_the_tests_are_those_that_driftd_exports():
    for case in CASES:
        for each in case["input_series"]:
            name, labels = SERIES.fullmatch(each["series"]).groups()
            given = {part.partition("=")[0] for part in re.findall(r'\w+="', labels)}
            own = given - {"job", "instance"}
            if name in OTHERS:
                assert own == OTHERS[name]
                continue
            known = BY_NAME[name].labels
            tags = {label for label in own if label.startswith("tag_")} if "tag_*" in known else set()
            assert own - tags == set(known) - {"tag_*"}, each["series"]
