"""The size of rooms and the walls between us and third parties."""

import ast
from pathlib import Path

import pytest

import monitor

PACKAGE = Path(monitor.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
LINES_PER_FILE = 300
LINES_PER_FUNCTION = 60

WALLS = {
    "apscheduler": ("scheduler",),
    "prometheus_client": ("export", "web", "cli"),
    "sqlalchemy": ("store",),
    "yaml": ("config", "export.rules"),
    "river": ("detectors",),
    "numba": ("stats.counting", "stats.kernel"),
    "rich": ("cli", "demo", "year"),
    "psutil": ("worker", "leasing"),
    "bcrypt": ("web",),
    "pydantic": ("config", "sources", "detectors", "web", "export.tokens"),
}
"""Which of our modules may import a third party; everything else sees it through them."""


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def trees() -> dict[str, ast.Module]:
    return {module_name(file): ast.parse(file.read_text()) for file in FILES}


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    parts = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.split(".")[0] for name in plain | parts}


def inside(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def test_imported_sees_every_form() -> None:
    tree = ast.parse("import a.b\nfrom c.d import e\ndef f():\n    import g as h\nfrom . import i")
    assert imported(tree) == {"a", "c", "g"}


@pytest.mark.parametrize("party", WALLS)
def test_third_parties_stay_behind_their_wall(party: str) -> None:
    outside = [
        name for name, tree in trees().items() if party in imported(tree) and not inside(name, WALLS[party])
    ]
    assert outside == [], f"{party} may be imported by {WALLS[party]} only"


def test_run_knows_only_the_bases_of_the_families() -> None:
    concrete = {
        (name, node.module)
        for name, tree in trees().items()
        if name in {"pipeline", "index", "scan", "plan"}
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith(("monitor.sources", "monitor.detectors"))
        and not node.module.endswith(".base")
    }
    assert concrete == set()


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_files_are_short(file: Path) -> None:
    lines = len(file.read_text().splitlines())
    assert lines <= LINES_PER_FILE, f"{lines} lines; would two rooms be calmer?"


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_functions_are_short(file: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, functions)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LINES_PER_FUNCTION} == {}
