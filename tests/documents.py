"""What tests read out of the documents: their code, links, headings and blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "monitor"
FOLDERS = ("monitor", "deploy", "docs", "tests", "benchmarks", "configs")
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))})
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(document: str) -> str:
    """The fenced blocks and the code spans, lines that go on joined: prose may say "driftd finds"."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", document, re.DOTALL)).replace("\\\n", " ")


def spans(document: str) -> list[str]:
    """The code spans, without the fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE))


def blocks(document: str, *languages: str) -> list[tuple[str, str]]:
    """The fenced blocks of these languages in their order: language and text."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)
    return [(language, inner) for language, inner in found if language in languages]


def section(document: str, title: str) -> str:
    """From the heading of the second level to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", document, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no section {title}"
    return found[1]


def anchors(document: str) -> set[str]:
    """Where links within the page may lead, by the rule of GitHub.

    >>> sorted(anchors("# What was checked, and what not\\n\\n## The `x` of y"))
    ['the-x-of-y', 'what-was-checked-and-what-not']
    """
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
