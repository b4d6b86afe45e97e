"""What documents say of metrics, alerts, keys, commands, detectors and dashboards is what the code has."""

import re
from pathlib import Path

import pytest

from monitor.budget import SHARES
from monitor.build import detector_parameters, source_parameters
from monitor.chosen import DEFAULT_STREAM, DEFAULTS
from monitor.cli import COMMANDS, parser
from monitor.config.describe import markdown as config_page
from monitor.config.load import load_model
from monitor.errors import ConfigError
from monitor.export.catalogue import BY_NAME, MetricType
from monitor.export.rules import groups
from monitor.export.rules.records import Alert
from monitor.types import Kind
from tests.dashboards.grafana import DASHBOARD
from tests.documents import NAMES, ROOT, blocks, code, section, spans, text

DEPLOYED = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "deploy").rglob("*"))
    if path.suffix in {".yml", ".yaml", ".json"}
]
METRIC = re.compile(r"(?<![\w:])driftd_[a-z0-9_]+\b(?!:)")
ALERTS = {rule.name for group in groups() for rule in group.rules if isinstance(rule, Alert)}
KEYS = set(re.findall(r"^\| `([\w.\[\]]+)`", config_page(), re.MULTILINE))
README = text("README.md")
SMALLEST = next(inner for _, inner in blocks(README, "yaml") if inner.startswith("version:"))

FOREIGN = {
    "--tmpfs", "--no-healthcheck", "--strict",  # of docker, kubernetes-validate
    "--storage.tsdb.retention.time",  # of Prometheus
    "--sections", "--deployments", "--weighting",  # of benchmarks
}  # fmt: skip
"""Options of other programs that documents name by themselves."""


def series(name: str) -> bool:
    """Whether driftd exports a series of this name."""
    base, _, part = name.rpartition("_")
    histogram = base in BY_NAME and BY_NAME[base].type is MetricType.HISTOGRAM
    return name in BY_NAME or (histogram and part in {"bucket", "sum", "count"})


@pytest.mark.parametrize("name", [*NAMES, *DEPLOYED])
def test_metrics_exist(name):
    assert [metric for metric in METRIC.findall(text(name)) if not series(metric)] == []


def test_a_misspelt_metric_is_found():
    found = METRIC.findall("`driftd_alarms` job:driftd_models:count driftd_run_duration_seconds_bucket{}")
    assert [metric for metric in found if not series(metric)] == ["driftd_alarms"]


@pytest.mark.parametrize("name", [*NAMES, *DEPLOYED])
def test_alerts_exist(name):
    assert set(re.findall(r"\bDriftd[A-Z]\w+", text(name))) <= ALERTS


def test_the_table_of_commands_has_each_once():
    assert sorted(re.findall(r"^\| `driftd (\w+)", section(README, "Commands"), re.MULTILINE)) == sorted(
        COMMANDS
    )


@pytest.mark.parametrize("name", NAMES)
def test_options_that_stand_alone_are_those_of_a_command(name):
    known = {option for command in COMMANDS for option in options(command)} | FOREIGN | {"--help"}
    alone = [re.split("[ =]", span)[0] for span in spans(text(name)) if span.startswith("--")]
    assert [option for option in alone if option not in known] == []


def options(command: str) -> list[str]:
    return re.findall(r"--[a-z-]+", parser(command)[1].format_usage())


def load(folder: Path, model: str) -> None:
    file = folder / "model.yaml"
    file.write_text(model, encoding="utf-8")
    load_model(file, sources=source_parameters(), detectors=detector_parameters(), environment={})


def whole(fragment: str) -> str:
    """The smallest model file with this section in place of its own; rows come from where they came."""
    key = fragment.partition(":")[0]
    model = SMALLEST.replace("label: y", "label: y, probability: y_proba")
    kept = [line for line in model.splitlines() if not line.startswith(f"{key}:")]
    source = "  source: {kind: files, path: rows.csv}\n" if key in {"reference", "live"} else ""
    return "\n".join([*kept, fragment.rstrip("\n"), source])


def fragments(name: str) -> list[str]:
    """Blocks of YAML, and code spans that give a key of the model file a value."""
    document = text(name)
    found = [inner for _, inner in blocks(document, "yaml", "yml")]
    for span in spans(document):
        path, _, value = span.partition(": ")
        if path in KEYS and value:
            found.append(nested(path.split("."), value))
    return found


def nested(keys: list[str], value: str) -> str:
    """
    >>> nested(["alarms", "min_effect"], "off")
    'alarms:\\n  min_effect: off\\n'
    """
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    return "\n".join(lines) + f" {value}\n"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_of_model_files_is_valid(name, tmp_path):
    for fragment in fragments(name):
        load(tmp_path, fragment if fragment.startswith("version:") else whole(fragment))


@pytest.mark.parametrize(
    "fragment", ["planed: []\n", "reference:\n  mode: rolled\n", "alarms:\n  false_alarms: sometimes\n"]
)
def test_an_invalid_fragment_is_found(fragment, tmp_path):
    with pytest.raises(ConfigError):
        load(tmp_path, whole(fragment))


@pytest.mark.parametrize("name", NAMES)
def test_keys_of_the_model_file_exist(name):
    roots = {key.partition(".")[0] for key in KEYS if "." in key}
    source = {f"{part}.source.{option}" for part in ("reference", "live") for option in ("path", "format")}
    named = [span for span in spans(text(name)) if re.fullmatch(r"[a-z_]+(\[\])?(\.[a-z_]+)+", span)]
    keys = [span for span in named if re.split(r"[.\[]", span)[0] in roots]
    assert [key for key in keys if key not in KEYS | source] == []


@pytest.mark.parametrize("name", NAMES)
def test_words_of_the_interface_exist(name):
    """A code span that is one word with an underscore is a word of the code or of its data."""
    words = {span for span in spans(text(name)) if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", span)}
    assert words - known_words() == set()


def known_words() -> set[str]:
    files = [*(ROOT / "monitor").rglob("*.py"), *(ROOT / "monitor" / "data").glob("*.yaml")]
    files += [ROOT / "configs" / "model.schema.json", ROOT / "monitor" / "data" / "flights_truth.json"]
    return set(re.findall(r"\w+", "\n".join(file.read_text(encoding="utf-8") for file in files)))


def test_what_can_be_measured_besides_the_defaults_is_listed():
    paragraph = re.search(
        r"^Selectable besides: (.*?)\. Realised",
        section(README, "What it measures"),
        re.MULTILINE | re.DOTALL,
    )
    assert paragraph is not None
    defaults = {DEFAULT_STREAM, *(token for tokens in DEFAULTS.values() for token in tokens)}
    assert set(re.findall(r"`(\w+)`", paragraph[1])) == set(detector_parameters()) - defaults


def test_the_kinds_are_explained_in_their_order():
    for page, title in (("README.md", "What it measures"), ("docs/decisions.md", "The budget")):
        assert set(re.findall(r"^\| `(\w+)` \|", section(text(page), title), re.MULTILINE)) == set(Kind)


def test_the_split_of_the_budget_is_told():
    told = re.findall(r"^\| `(\w+)` \| (\d+) % \|$", text("docs/decisions.md"), re.MULTILINE)
    assert {kind: int(share) for kind, share in told} == {k: round(100 * v) for k, v in SHARES.items()}


def test_the_dashboards_are_told_by_their_titles():
    told = re.findall(r"^\| ([A-Z]\w+) \|", section(README, "Dashboards"), re.MULTILINE)
    assert sorted(told) == sorted(made["title"].removeprefix("driftd / ") for made in DASHBOARD.values())


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_named_exist(name):
    folders = "deploy|docs|configs|monitor|benchmarks|tests"
    named = re.findall(rf"(?<![\w./-])((?:{folders})/[\w./-]*\w)", code(text(name)))
    here = [ROOT, (ROOT / name).parent]
    assert [file for file in named if not any((folder / file).exists() for folder in here)] == []


@pytest.mark.parametrize("name", NAMES)
def test_benchmarks_have_the_options_that_they_are_called_with(name):
    for file, rest in re.findall(r"(benchmarks/\w+\.py)([^`|;]*)", code(text(name))):
        known = text(file)
        assert [option for option in re.findall(r"--[a-z-]+", rest) if f'"{option}"' not in known] == []
