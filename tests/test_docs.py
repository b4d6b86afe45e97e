"""What the documents name exists: files, make targets, commands, options, metrics, tokens."""

import json
import re

import pytest
import yaml

from monitor.cli import COMMANDS, parser
from tests.documents import NAMES, ROOT, anchors, code, text

LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z]+):.*## ", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[`\s/])driftd ([a-z]+)((?:[ =][^`|\n]+)?)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
CHANGE = re.compile(r"^\* \[(CHANGE|FEATURE|ENHANCEMENT|BUGFIX|SECURITY)\] .+ #\d+$")


def usage(command: str) -> str:
    """What `driftd COMMAND --help` prints; empty if there is no such command."""
    return parser(command)[1].format_help() if command in COMMANDS else ""


def test_there_are_a_readme_a_licence_and_a_changelog():
    assert {"README.md", "CHANGELOG.md"} <= set(NAMES)
    assert "Apache License" in text("LICENSE")


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    links = [link for link in LINK.findall(text(name)) if not re.match(r"\w+:", link)]
    assert [link for link in links if not leads_somewhere(name, link)] == []


def leads_somewhere(name: str, link: str) -> bool:
    """Whether the file is there and, if it is a page, has a heading for what stands behind `#`."""
    file, _, anchor = link.partition("#")
    target = (ROOT / name).parent / file if file else ROOT / name
    return target.exists() and (not anchor or anchor in anchors(target.read_text(encoding="utf-8")))


def test_a_link_to_nowhere_is_found():
    assert leads_somewhere("README.md", "docs/api.md#accept")
    assert not leads_somewhere("README.md", "docs/api.md#nothing")
    assert not leads_somewhere("README.md", "docs/nothing.md")
    assert not leads_somewhere("docs/api.md", "#nothing")


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


def test_changelog_tells_of_every_command():
    changes = code(text("CHANGELOG.md"))
    assert [command for command in COMMANDS if not re.search(rf"`(driftd )?{command}\b", changes)] == []


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
