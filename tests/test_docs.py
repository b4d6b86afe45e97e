"""What the documents name exists: files, make targets, commands, options, metrics, tokens."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "monitor"
DOCUMENTS = sorted(
    {
        *ROOT.glob("*.md"),
        *PACKAGE.rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
    }
)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"^([a-z]+):.*## ", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[`\s/])driftd ([a-z]+)((?:[ =][^`|\n]+)?)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
METRIC = re.compile(r"`(driftd_[a-z0-9_]+)")
CHANGE = re.compile(r"^\* \[(CHANGE|FEATURE|ENHANCEMENT|BUGFIX|SECURITY)\] .+ #\d+$")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(document: str) -> str:
    """The fenced blocks and the code spans: prose may say "driftd finds"."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", document, re.DOTALL))


@cache
def usage(command: str) -> str:
    """What `driftd COMMAND --help` prints; empty if there is no such command."""
    arguments = [sys.executable, "-m", "monitor", command, "--help"]
    run = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    return run.stdout if run.returncode == 0 else ""


def test_there_are_a_readme_a_licence_and_a_changelog():
    assert {"README.md", "CHANGELOG.md"} <= set(NAMES)
    assert "Apache License" in text("LICENSE")


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    links = [
        link for link in LINK.findall(text(name)) if "://" not in link and not link.startswith("mailto:")
    ]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_make_targets_exist(name):
    named = re.findall(r"\bmake ([a-z]+)", code(text(name)))
    assert set(named) <= set(TARGET.findall(text("Makefile")))


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_their_options_exist(name):
    for command, rest in COMMAND.findall(code(text(name))):
        known = usage(command)
        assert known, f"driftd {command} is no command"
        assert [option for option in OPTION.findall(rest) if option not in known] == [], (
            f"driftd {command}{rest}"
        )


@pytest.mark.parametrize("name", NAMES)
def test_metrics_exist(name):
    source = "\n".join(path.read_text() for path in (PACKAGE / "export").rglob("*.py"))
    families = {metric.rstrip("_") for metric in METRIC.findall(text(name))}
    assert [
        metric for metric in families if metric.removeprefix("driftd_").removesuffix("_total") not in source
    ] == []


@pytest.mark.parametrize("class_name", ["Reason", "Kind"])
def test_every_token_says_what_it_means(class_name):
    source = text("monitor/tokens.py") + text("monitor/types.py")
    body = re.search(rf"class {class_name}\(StrEnum\):\n(.*?)\n\n\n", source, re.DOTALL)
    assert body is not None
    members = [line for line in body[1].splitlines() if re.match(r"    [A-Z_]+ = ", line)]
    assert len(members) > 3
    assert [line for line in members if "  # " not in line] == []


def test_changelog_has_the_usual_form():
    lines = [line for line in text("CHANGELOG.md").splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not CHANGE.match(line)] == []


def test_the_explained_example_is_the_model_of_the_demo():
    def model(name: str) -> str:
        return json.dumps(yaml.safe_load(text(name)), default=str).replace("../monitor/data/", "")

    assert model("configs/flights.yaml") == model("monitor/data/flights.yaml")


def test_every_target_of_make_says_what_it_does():
    targets = set(re.findall(r"^([a-z]+):(?!=)", text("Makefile"), re.MULTILINE))
    assert targets == set(TARGET.findall(text("Makefile")))


def test_the_lock_has_a_hash_for_every_package_and_names_no_place():
    lock = text("requirements.lock")
    packages = re.split(r"\n(?=[a-z])", lock.strip())
    assert len(packages) > 50
    assert [package.splitlines()[0] for package in packages if "--hash=sha256:" not in package] == []
    assert re.search(r"https?:|file:|--index|--find-links|@ ", lock) is None
