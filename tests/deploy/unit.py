"""The unit file of systemd as data, and what its sandbox allows."""

import re
import shlex
import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "driftd.service"


def settings(key: str) -> list[str]:
    """The values of a key, in the order of the file; lines that end in a backslash go on."""
    text = UNIT.read_text().replace("\\\n", " ")
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def setting(key: str) -> str:
    """The value of a key that is set once."""
    (found,) = settings(key)
    return found


def command() -> list[str]:
    """ExecStart without the program."""
    return shlex.split(setting("ExecStart"))[1:]


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|min|)", text).groups()
    return int(number) * (60 if unit == "min" else 1)


def size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([KMG])", text).groups()
    return int(number) * 1024 ** ("KMG".index(unit) + 1)


def allowed_calls(systemd_analyze: str) -> list[str]:
    """The system calls that SystemCallFilter leaves: later lines, with a tilde, take away; @default stays."""
    found: set[str] = set()
    for line in settings("SystemCallFilter"):
        words = line.removeprefix("~").split()
        named = set().union(*(_calls(systemd_analyze, word) for word in words))
        found = found - named if line.startswith("~") else found | named
    return sorted(found | _calls(systemd_analyze, "@default"))


def _calls(systemd_analyze: str, word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    command = [systemd_analyze, "syscall-filter", "--no-pager", word]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    words = [line.strip() for line in listed.splitlines()[1:]]
    return set().union(*(_calls(systemd_analyze, each) for each in words if each and each[0] != "#"))
