"""The README's first model: its commands are run as they stand, and say what the README shows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.crash.daemon_process import DaemonProcess, awaited
from tests.documents import PACKAGE, blocks, section, text

STEPS = blocks(section(text("README.md"), "A first model of your own in five minutes"), "sh", "text")
COMMANDS = [inner for language, inner in STEPS if language == "sh"]
DAEMON = "driftd run model.yaml\n"
SCRAPE = re.compile(r"curl -s http://127\.0\.0\.1:9877(/\S+) \| grep '(.+)'\n")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def shown(commands: str) -> list[str]:
    """The lines that the README shows below these commands."""
    place = STEPS.index(("sh", commands))
    language, inner = STEPS[place + 1] if place + 1 < len(STEPS) else ("", "")
    return inner.splitlines() if language == "text" else []


def numbers(line: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", line)]


def agrees(said: str, promised: str) -> bool:
    """Whether the words are the same and the numbers alike: other processors round otherwise.

    >>> agrees("temp moved: median 57 to 14.4", "temp moved: median 57 to 14.3")
    True
    >>> agrees("temp moved: median 57 to 24.4", "temp moved: median 57 to 14.4")
    False
    >>> agrees("dewp moved: median 57 to 14.4", "temp moved: median 57 to 14.4")
    False
    """
    words = [re.sub(r"\d[\d,]*(?:\.\d+)?", "#", line) for line in (said, promised)]
    return words[0] == words[1] and numbers(said) == pytest.approx(numbers(promised), rel=0.02)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A folder that looks like the repository after `make venv`, with this interpreter as its environment."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "monitor").symlink_to(PACKAGE)
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    programs = {"make": "true", "python": sys.executable, "driftd": f"{sys.executable} -m monitor"}
    for name, program in programs.items():
        (binaries / name).write_text(f'#!/bin/sh\nexec {program} "$@"\n', encoding="utf-8")
        (binaries / name).chmod(0o755)
    (binaries / "activate").write_text(f"PATH={shlex.quote(str(binaries))}:$PATH\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def said(root) -> dict[str, list[str]]:
    """What each block of commands before the daemon said, in one shell; its exit code is the last line."""
    before = COMMANDS[: COMMANDS.index(DAEMON)]
    script = "".join(f"{each}\necho $?\necho ---\n" for each in before)
    environment = os.environ | {
        "PYTHONPATH": str(PACKAGE.parent),
        "PATH": f"{root}/.venv/bin:{os.environ['PATH']}",
    }
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.run(["/bin/sh"], input=script, cwd=root, env=environment, check=True, **told)
    parts = run.stdout.split("---\n")[:-1]
    return {each: part.splitlines() for each, part in zip(before, parts, strict=True)}


def test_the_section_has_the_steps_that_it_needs():
    assert COMMANDS[0].startswith("make venv\n")
    assert any(each.startswith("driftd init ") for each in COMMANDS)
    assert any(each.startswith("driftd once ") for each in COMMANDS)
    assert SCRAPE.fullmatch(COMMANDS[-1])
    assert all(shown(each) for each in COMMANDS[1:] if each != DAEMON)


@pytest.mark.parametrize("commands", COMMANDS[: COMMANDS.index(DAEMON)])
def test_commands_say_what_the_readme_shows(said, commands):
    *lines, code = said[commands]
    promised = shown(commands)
    assert len(lines) == len(promised), lines
    assert [line for line, wanted in zip(lines, promised, strict=True) if not agrees(line, wanted)] == []
    assert code == ("1" if any(line.startswith("ALARM") for line in promised) else "0")


def test_the_daemon_shows_its_page_and_its_metrics(root, said):
    assert said
    path, pattern = SCRAPE.fullmatch(COMMANDS[-1]).groups()
    folder = root / "first"
    state = f"sqlite:///{folder / 'driftd.db'}"
    with DaemonProcess(folder / "model.yaml", state, folder / "daemon.log") as daemon:
        address = daemon.address
        found = awaited(
            lambda: [line for line in get(address, path) if re.match(pattern.replace("{", r"\{"), line)]
        )
        page = "\n".join(get(address, "/"))
        assert daemon.end() == 0
    assert found == shown(COMMANDS[-1])
    assert "temp" in page


def get(address: str, path: str) -> list[str]:
    with urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.read().decode().splitlines()
