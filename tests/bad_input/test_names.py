"""Names from data are harmless everywhere: in lines, tables, logs, metrics and on the page."""

import json
import subprocess
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.board import view_of
from monitor.cli.loading import load_models
from monitor.export.series import LONGEST_LABEL
from monitor.export.snapshot import Snapshot
from monitor.store import Store
from monitor.web.pages import status_page
from tests.bad_input.world import UNTIL, Seen, World
from tests.harness import driftd

SCRIPT = "<script>alert(1)</script>"
NAMES = (
    SCRIPT,
    '\'" onmouseover="alert(1)',
    "back\\slash \\n \\",
    "two\nlines\r\n\tlevel=error msg=forged",
    "x" * 10_000,
    "x" * 9_999 + "y",
    "right \N{RIGHT-TO-LEFT OVERRIDE}tfel",
    "bell \x07 escape \x1b[31mred\x1b]0;title\x07 \x00 \x7f \x9b",
    "line \N{LINE SEPARATOR} end",
    "\N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "cafe\N{COMBINING ACUTE ACCENT}",
    "Case",
    "case",
    "{}=,# HELP",
    "[red]markup[/red]",
    "${HOME} !file $(id)",
)


def named(frame: pd.DataFrame, moved: float = 0.0) -> pd.DataFrame:
    """The frame with a column of each name, and a column of categories that are these names."""
    random = np.random.default_rng(len(frame))
    columns = {name: random.normal(moved, 1, len(frame)) for name in NAMES}
    categories = random.choice([*NAMES, ""], len(frame))
    return pd.concat([frame, pd.DataFrame({**columns, "categories": categories})], axis=1)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, shared) -> tuple[World, Seen]:
    world = World(tmp_path_factory.mktemp("hostile"), shared)
    return world, world.run(
        live=lambda day: named(day, 2.0).assign(**{SCRIPT: 5.0}), usual=named, yaml=lambda text: text + MORE
    )


MORE = "export: {detail: all}\n"


def controls(text: str) -> set[str]:
    """The characters that steer a terminal or forge a line, but for the ends of lines."""
    return {each for each in text if each != "\n" and unicodedata.category(each) in {"Cc", "Zl", "Zp"}}


class Page(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def test_every_column_is_measured_and_every_line_is_json(hostile):
    _, seen = hostile
    assert seen.ran.code == 1, seen.ran.err
    measured = {each["column"] for each in seen.second["statistics"]}
    assert measured >= {*NAMES, "categories"}
    assert controls(seen.ran.out) == set()
    assert len(seen.ran.lines) == len(seen.ran.out.splitlines())


def test_metrics_parse_and_their_labels_are_short_and_apart(hostile, promtool):
    _, seen = hostile
    families = {each.name: each for each in text_string_to_metric_families(seen.scrape)}
    labels = {sample.labels["column"] for sample in families["driftd_missing_ratio"].samples}
    assert len(labels) >= len(NAMES)
    assert max(map(len, labels)) <= LONGEST_LABEL
    assert labels >= {name for name in NAMES if len(name) <= LONGEST_LABEL}
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=seen.scrape, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_page_shows_names_as_text(hostile):
    world, _ = hostile
    now = pd.Timestamp(UNTIL).to_pydatetime()
    (config,) = load_models([world.model.path]).configs
    with Store.open(world.model.state) as store:
        view = view_of(config, store, None, now)
    text = status_page(Snapshot().with_view(view), now).decode()
    page = Page()
    page.feed(text)
    assert "script" not in page.tags
    assert not any(name.startswith("on") for name in page.attributes)
    assert any(SCRIPT in each for each in page.texts)
    assert max(len(word) for each in page.texts[2:] for word in each.split()) <= 100
    assert controls(text) == set()
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("check",),
        ("check", "--connect"),
        ("calibrate",),
        ("calibrate", "--json"),
        ("status", "--json"),
    ],
    ids=" ".join,
)
def test_a_terminal_is_not_steered(hostile, command):
    world, _ = hostile
    state = ("--state", world.model.state) if command[0] == "status" else ()
    ran = driftd(command[0], world.model.path, *command[1:], *state)
    assert ran.code == 0, ran.err
    assert controls(ran.out + ran.err) == set()
    if "--json" in command:
        assert json.loads(ran.out.splitlines()[0])


def test_the_table_and_the_log_of_a_run_steer_nothing(hostile):
    world, _ = hostile
    fresh = f"sqlite:///{world.folder}/fresh.db"
    ran = driftd("once", world.model.path, "--state", fresh, "--until", UNTIL, "--log-level", "debug")
    assert ran.code == 1, ran.err
    assert controls(ran.out + ran.err) == set()
    assert "level=error msg=forged" not in {line[:22] for line in ran.err.splitlines()}
