"""The tokens of `reason` and `stage`: each is produced somewhere, tested somewhere, and explained."""

import re
from pathlib import Path

import pytest

from monitor.tokens import Reason, Stage

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "monitor"
SOURCE = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "tests").rglob("*.py")
    if path.name != Path(__file__).name
)


@pytest.mark.parametrize("token", [*Reason, *Stage], ids=str)
def test_it_is_produced_and_tested(token):
    name = rf"\b{type(token).__name__}\.{token.name}\b"
    # stats knows no tokens: its reasons are the same words
    produced = rf'{name}|= "{token}"$'
    others = "\n".join(text for file, text in SOURCE.items() if not file.endswith("tokens.py"))
    assert re.search(produced, others, re.MULTILINE)
    assert re.search(rf'{name}|["\'(]{token}["\')]|: {token}\b', TESTS)


@pytest.mark.parametrize("token", [*Reason], ids=str)
def test_it_is_explained_where_it_stands(token):
    assert re.search(rf'^    {token.name} = "{token}"  # \S+', SOURCE["tokens.py"], re.MULTILINE)


def test_names_and_words_agree():
    assert all(token.name.lower() == token for token in (*Reason, *Stage))
