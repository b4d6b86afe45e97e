import gzip
import os
import subprocess
from pathlib import Path

import pytest
from export_samples import evaluation, full_snapshot, new_model
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics import parser as openmetrics_parser

from monitor.export import collector as module
from monitor.export.catalogue import FAMILIES
from monitor.export.collector import OPENMETRICS, Exporter, SnapshotCollector, wants_openmetrics
from monitor.export.series import BUILDERS
from monitor.export.snapshot import Board, Detail, Snapshot, after_evaluation, new_view
from monitor.types import Kind, Statistic

GOLDEN = Path(__file__).parent / "golden"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.fixture(autouse=True)
def _versions(monkeypatch):
    monkeypatch.setattr(module, "__version__", "0.1.0")
    monkeypatch.setattr(module.platform, "python_version", lambda: "3.11.7")


def scrape(snapshot, accept=""):
    """A scrape without the process's own families, which come last."""
    body, _ = Exporter(Board(snapshot)).render(accept)
    return body.decode().partition("# HELP process_")[0].partition("# HELP python_info")[0]


def registry_of(snapshot, builders=BUILDERS):
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(Board(snapshot), builders))
    return registry


def check(promtool, text):
    return subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("file", "snapshot", "accept"),
    [
        ("full.prom", full_snapshot(), ""),
        ("full.openmetrics", full_snapshot(), PROMETHEUS),
        ("empty.prom", Snapshot(), ""),
    ],
)
def test_the_golden_text(file, snapshot, accept):
    text = scrape(snapshot, accept)
    if os.environ.get("DRIFTD_WRITE_GOLDEN"):
        (GOLDEN / file).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / file).read_text(encoding="utf-8"), (
        "if meant: DRIFTD_WRITE_GOLDEN=1 writes it anew"
    )


@pytest.mark.parametrize("snapshot", [full_snapshot(), Snapshot()], ids=["full", "empty"])
def test_promtool_finds_nothing(promtool, snapshot):
    body, _ = Exporter(Board(snapshot)).render()
    result = check(promtool, body.decode())
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_one_snapshot_has_a_sample_of_every_family():
    for family in registry_of(full_snapshot()).collect():
        assert family.samples, family.name


def test_help_and_type_of_every_family_stand_without_a_model():
    text = scrape(Snapshot())
    for family in FAMILIES:
        assert f"# HELP {family.name} " in text
        assert f"# TYPE {family.name} {family.type}\n" in text


@pytest.mark.parametrize("accept", ["", PROMETHEUS])
def test_the_text_parses_and_has_neither_nan_nor_timestamps(accept):
    body, content_type = Exporter(Board(full_snapshot())).render(accept)
    parse = openmetrics_parser if OPENMETRICS in content_type else text_parser
    for family in parse.text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            assert sample.value == sample.value
            assert sample.timestamp is None
            assert not sample.name.endswith("_created")


def test_values_arrive_as_they_are():
    registry = registry_of(full_snapshot())
    labels = {
        "model": "flight-delay",
        "kind": "covariate",
        "column": "temp",
        "detector": "psi",
        "segment": "",
    }
    assert registry.get_sample_value("driftd_statistic", labels) == 4.1
    assert registry.get_sample_value("driftd_statistic_drifted", labels) == 1
    assert registry.get_sample_value("driftd_runs_total", {"model": "churn", "outcome": "failed"}) == 0
    assert (
        registry.get_sample_value(
            "driftd_run_duration_seconds_bucket", {"model": "flight-delay", "stage": "scan", "le": "0.1"}
        )
        == 1
    )
    assert (
        registry.get_sample_value(
            "driftd_drift_norm", {"model": "flight-delay", "kind": "covariate", "norm": "linf"}
        )
        == 68.3
    )


def test_a_promise_that_is_not_known_has_no_series():
    registry = registry_of(full_snapshot())
    labels = {"model": "flight-delay", "kind": "concept"}
    assert registry.get_sample_value("driftd_alarm_false_alarms_per_30d", labels) is None
    assert registry.get_sample_value("driftd_calibration_effective_windows", labels) is None
    assert registry.get_sample_value("driftd_alarm_budget_per_30d", labels) == 0.25
    assert registry.get_sample_value("driftd_calibration_provisional", labels) == 1
    known = {"model": "flight-delay", "kind": "covariate"}
    assert registry.get_sample_value("driftd_alarm_false_alarms_per_30d", known) == 0.31
    assert registry.get_sample_value("driftd_calibration_effective_windows", known) == 118
    assert registry.get_sample_value("driftd_calibration_provisional", known) == 0


def test_a_model_that_is_gone_is_gone_from_the_next_scrape():
    board = Board(full_snapshot())
    exporter = Exporter(board)
    assert b"flight-delay" in exporter.render()[0]
    board.publish(board.current().with_models([new_model()]))
    assert b"flight-delay" not in exporter.render()[0]


NASTY = [
    'quote " backslash \\ newline \n end',
    "emoji \N{GRINNING FACE}",
    "\ud800",
    "x" * 1_000_000,
    "\x00",
    "{}=,",
]


def test_any_column_name_is_a_label(promtool):
    statistics = tuple(Statistic(Kind.COVARIATE, name, "psi", 1.0, 2.0) for name in NASTY)
    view = after_evaluation(new_view("m", detail=Detail.ALL), evaluation(statistics=statistics), 1)
    text = scrape(Snapshot().with_view(view))
    families = {each.name: each for each in text_parser.text_string_to_metric_families(text)}
    names = {sample.labels["column"] for sample in families["driftd_statistic"].samples}
    assert len(names) == len(NASTY)
    assert {NASTY[0], NASTY[1]} < names
    assert check(promtool, text).returncode == 0


def test_series_that_stand_twice_do_not_break_the_scrape():
    twice = tuple(Statistic(Kind.COVARIATE, "temp", "psi", value, 2.0) for value in (1.0, 1.5))
    text = scrape(Snapshot().with_view(after_evaluation(new_view("m"), evaluation(statistics=twice), 1)))
    lines = [line for line in text.splitlines() if line.startswith("driftd_statistic{")]
    assert len(lines) == 1
    assert lines[0].endswith(" 1.0")


def test_a_broken_model_takes_nothing_of_the_others_and_is_counted(caplog):
    def broken(view):
        if view.model == "flight-delay":
            raise RuntimeError("boom")
        yield from ()

    registry = registry_of(full_snapshot(), (*BUILDERS, broken))
    counted = {"model": "flight-delay", "stage": "export", "reason": "internal"}
    assert registry.get_sample_value("driftd_errors_total", counted) == 1
    assert registry.get_sample_value("driftd_errors_total", counted) == 2
    assert registry.get_sample_value("driftd_window_rows", {"model": "flight-delay"}) == 720
    assert registry.get_sample_value("driftd_runs_total", {"model": "churn", "outcome": "success"}) == 0
    assert "some series of a model cannot be exported" in caplog.text


def test_registering_reads_no_snapshot():
    class Shut(Board):
        def current(self):
            raise AssertionError

    CollectorRegistry().register(SnapshotCollector(Shut()))


@pytest.mark.parametrize("accept", ["", PROMETHEUS])
def test_gzip_is_the_plain_text(accept):
    exporter = Exporter(Board(full_snapshot()))
    plain, _ = exporter.render(accept)
    for _ in range(2):
        packed, _ = exporter.render(accept, compress=True)
        assert packed.startswith(b"\x1f\x8b")
        assert len(packed) < len(plain) / 3
        families = gzip.decompress(packed).decode().partition("# HELP process_")[0]
        assert families == plain.decode().partition("# HELP process_")[0]


def test_a_model_is_rendered_once_per_change_and_before_it_is_seen(monkeypatch):
    made = []
    real = SnapshotCollector.rows

    def rows(self, view):
        made.append(view.model)
        return real(self, view)

    monkeypatch.setattr(SnapshotCollector, "rows", rows)
    board = Board(full_snapshot())
    exporter = Exporter(board)
    for accept in ("", PROMETHEUS, ""):
        exporter.render(accept)
    assert sorted(made) == ["churn", "flight-delay"]
    board.update(lambda snapshot: snapshot.with_view(new_view("churn", owner="team-new")))
    assert made[2:] == ["churn"]
    assert b'owner="team-new"' in exporter.render()[0]
    assert made[3:] == []


def test_a_snapshot_is_not_seen_before_it_is_rendered():
    board = Board()
    seen = []
    board.before(lambda snapshot: seen.append((board.current().models.keys(), snapshot.models.keys())))
    board.publish(full_snapshot())
    assert [(sorted(then), sorted(new)) for then, new in seen] == [([], []), ([], ["churn", "flight-delay"])]


@pytest.mark.parametrize("accept", ["", PROMETHEUS])
def test_the_text_is_what_the_client_library_writes(accept):
    statistics = tuple(Statistic(Kind.COVARIATE, name, "psi", 1e7 / 3, 2e-9) for name in NASTY)
    nasty = after_evaluation(new_view("m", detail=Detail.ALL), evaluation(statistics=statistics), 1)
    snapshot = full_snapshot().with_view(nasty)
    write = openmetrics_exposition.generate_latest if accept else generate_latest
    expected = write(registry_of(snapshot)).decode().removesuffix("# EOF\n")
    assert scrape(snapshot, accept) == expected


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (PROMETHEUS, True),
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=2.0.0", False),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=high", False),
    ],
)
def test_the_format_follows_the_accept_header(accept, wanted):
    assert wants_openmetrics(accept) is wanted
