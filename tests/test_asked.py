"""What a model file asks for: columns with their roles and types, bounds, calendar, budget."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.asked import (
    bounds_of,
    budget_days,
    calendar_of,
    columns_read,
    interval_of,
    named,
    names_of,
    needed,
    wanted,
)
from monitor.build import detector_parameters, source_parameters
from monitor.columns import digest
from monitor.config.load import load_model
from monitor.config.schema import ModelConfig
from monitor.types import ColumnType, Role, Task

YAML = """
version: 1
model: m
reference: {{source: {{kind: files, path: r.parquet}}, end: 2024-02-01T00:00Z}}
live: {{source: {{kind: files, path: l.parquet}}}}
columns: {{{columns}}}
{more}
"""
SCHEMA = ["ts", "id", "x", "colour", "rest", "pred", "proba", "y", "v", "skip"]
COLUMNS = (
    "timestamp: ts, id: id, prediction: pred, probability: proba, label: y, version: v, positive: 1, "
    "features: {numeric: [x], categorical: [colour], ignore: [skip]}"
)


@pytest.fixture
def config(tmp_path: Path):
    def made(columns: str = COLUMNS, more: str = "") -> ModelConfig:
        path = tmp_path / "m.yaml"
        path.write_text(YAML.format(columns=columns, more=more), encoding="utf-8")
        return load_model(path, sources=source_parameters(), detectors=detector_parameters())

    return made


def by_name(found):
    return {each.name: (each.role, each.type) for each in found}


class TestWanted:
    def test_each_column_has_its_role_and_type(self, config):
        assert by_name(wanted(config(), SCHEMA, Task.BINARY)) == {
            "x": (Role.FEATURE, ColumnType.NUMERIC),
            "colour": (Role.FEATURE, ColumnType.CATEGORICAL),
            "rest": (Role.FEATURE, None),
            "pred": (Role.PREDICTION, ColumnType.CATEGORICAL),
            "proba": (Role.PROBABILITY, ColumnType.NUMERIC),
            "y": (Role.LABEL, ColumnType.CATEGORICAL),
        }

    def test_numbers_that_are_predicted_are_numeric(self, config):
        found = config("timestamp: ts, prediction: pred, label: y")
        outcome = by_name(wanted(found, SCHEMA, Task.REGRESSION))["pred"]
        assert outcome == (Role.PREDICTION, ColumnType.NUMERIC)

    def test_a_label_that_the_reference_lacks_is_not_asked_for(self, config):
        schema = [name for name in SCHEMA if name != "y"]
        assert "y" not in by_name(wanted(config(), schema, Task.BINARY))
        assert "y" not in needed(config())

    def test_private_columns_are_marked(self, config):
        columns = COLUMNS.replace("ignore: [skip]", "ignore: [skip], private: [colour, rest]")
        private = {each.name for each in wanted(config(columns), SCHEMA, Task.BINARY) if each.private}
        assert private == {"colour", "rest"}


class TestNames:
    def test_are_those_of_the_file(self, config):
        found = names_of(config())
        assert (found.timestamp, found.id, found.prediction, found.label) == ("ts", "id", "pred", "y")
        assert found.probabilities == {"": "proba"}
        assert not found.private

    def test_probabilities_by_class_keep_their_order(self, config):
        columns = COLUMNS.replace("probability: proba", "probability: {1: a, 0: b}")
        assert list(names_of(config(columns)).probabilities.items()) == [("1", "a"), ("0", "b")]

    def test_digests_stand_for_private_classes(self, config):
        columns = COLUMNS.replace("probability: proba", "probability: {1: a, 0: b}")
        found = names_of(config(columns.replace("ignore:", "private: [y], ignore:")))
        assert found.private
        assert found.probabilities == {digest("1"): "a", digest("0"): "b"}

    def test_every_named_column_is_no_feature(self, config):
        more = (
            "ground_truth: {source: {kind: files, path: t.parquet}, id: key, label: outcome, timestamp: at}"
        )
        found = named(config(more=more))
        assert found == {*SCHEMA, "key", "outcome", "at"} - {"rest"}


class TestTimes:
    def test_bounds_are_those_of_the_reference(self, config):
        interval = interval_of(config(more="window: {timezone: Europe/Berlin}"))
        end = datetime(2024, 2, 1, tzinfo=UTC)
        assert (interval.timestamp, interval.zone, interval.start, interval.end) == (
            "ts",
            "Europe/Berlin",
            None,
            end,
        )
        assert bounds_of(interval).end == end

    def test_the_time_is_read_with_the_columns(self, config):
        asked = wanted(config(), ["ts", "x"], Task.BINARY)
        assert columns_read(asked, interval_of(config()))[0] == "ts"

    def test_days_are_of_the_calendar_and_hours_are_not(self, config):
        assert calendar_of(config(more="window: {length: 7d}")).days == 7
        assert calendar_of(config(more="window: {length: 24h}")).length == timedelta(hours=24)


class TestBudget:
    @pytest.mark.parametrize(
        ("budget", "length", "days"),
        [("1 per 30d", "1d", 30), ("2 per 30d", "6h", 15), ("1 per 100 windows", "6h", 25)],
    )
    def test_is_in_days(self, config, budget, length, days):
        found = config(more=f"window: {{length: {length}}}\nalarms: {{false_alarms: {budget}}}")
        assert budget_days(found) == days

    def test_counts_windows_where_there_is_no_time(self, tmp_path):
        path = tmp_path / "m.yaml"
        text = YAML.replace(", end: 2024-02-01T00:00Z", "")
        path.write_text(
            text.format(columns="prediction: pred", more="alarms: {false_alarms: 2 per 100 windows}")
        )
        found = load_model(path, sources=source_parameters(), detectors=detector_parameters())
        assert budget_days(found) == 50
        assert interval_of(found) is None
        assert bounds_of(None) is None
