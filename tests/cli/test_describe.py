"""The page of commands is what the code makes, and says what each command's help says."""

import re
from pathlib import Path

import pytest

from monitor.cli import COMMANDS, parser
from monitor.cli.describe import markdown

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_documentation_is_current():
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m monitor.cli.describe > docs/commands.md"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_it_has_every_option_of_the_help_and_no_other(command):
    section = re.search(rf"^## driftd {command}\n(.*?)(?=^## |\Z)", markdown(), re.MULTILINE | re.DOTALL)
    assert section is not None
    told = re.findall(r"^\| `(--[a-z-]+)", section[1], re.MULTILINE)
    helped = re.findall(r"^ {2}(?:-h, )?(--[a-z-]+)", parser(command)[1].format_help(), re.MULTILINE)
    assert [*told, "--help"] == [*helped[1:], helped[0]]


def test_what_is_required_is_told():
    assert "| `--from TIME` | the first window is the one that holds it; required |" in markdown()
    assert "| `[PATH...]` |" in markdown()
    assert "| `--log-format {logfmt,json}` |" in markdown()
