from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.config import Duration, FalseAlarms, load_model
from monitor.config.schema import MinEffect
from monitor.types import Task

GOOD = Path(__file__).parent / "good"


@pytest.fixture
def minimal(families):
    return load_model(GOOD / "minimal.yaml", **families)


@pytest.fixture
def full(families):
    return load_model(GOOD / "full.yaml", **families)


def test_the_defaults_are_those_of_the_interface(minimal):
    assert minimal.task is None
    assert minimal.owner is None
    reference = minimal.reference
    assert (reference.mode, reference.keep, reference.season) == ("fixed", None, "auto")
    assert minimal.ground_truth is None
    assert minimal.window.length == Duration(days=1)
    assert minimal.window.lateness == Duration(seconds=3600)
    assert (minimal.window.min_rows, minimal.window.timezone) == (200, "UTC")
    assert (minimal.schedule.every, minimal.schedule.cron) == (Duration(seconds=3600), None)
    assert minimal.default_detectors
    assert minimal.chosen_detectors == ()
    assert minimal.alarms.min_effect == MinEffect(
        sd=0.15, ks=0.075, share=0.02, ratio=2, error=0.02, correlation=0.2
    )
    assert minimal.export.detail == "columns"


def test_the_default_budget_is_in_days_with_event_time_and_in_windows_without(minimal, load):
    text = (GOOD / "minimal.yaml").read_text()

    assert minimal.alarms.false_alarms == FalseAlarms(1.0, windows=100)
    assert load(text + "columns: {timestamp: ts}\n").alarms.false_alarms == FalseAlarms(
        1.0, Duration(days=30)
    )


def test_every_key_of_the_interface_is_read(full):
    assert full.task is Task.BINARY
    assert full.tags == {"tier": "1"}
    assert full.reference.start == datetime(2024, 1, 1, tzinfo=UTC)
    assert full.reference.end == datetime(2024, 1, 31, tzinfo=UTC)
    reference = full.reference
    assert (reference.mode, reference.keep, reference.season) == ("rolling", Duration(days=56), "auto")
    assert full.ground_truth.horizon == Duration(days=14)
    assert full.columns.probability == {"0": "p_on_time", "1": "p_late"}
    assert full.columns.probabilities == ("p_on_time", "p_late")
    assert full.columns.positive == 1
    assert full.columns.features.private == ("carrier",)
    assert full.schedule.cron == "5 * * * mon-fri"
    assert not full.default_detectors
    assert [entry.detector for entry in full.chosen_detectors] == ["psi", "ks", "adwin"]
    assert full.chosen_detectors[1].threshold == 0.15
    assert full.chosen_detectors[2].parameters == {"delta": 0.001}
    (event,) = full.planned
    assert (event.start, event.reason) == (datetime(2024, 5, 1, tzinfo=UTC), "new sensor")
    assert event.end == datetime(2024, 5, 1, 22, tzinfo=UTC)


def with_reference(keys: str) -> str:
    return (GOOD / "minimal.yaml").read_text().replace("reference: {", f"reference: {{{keys}, ")


@pytest.mark.parametrize(("keys", "days"), [("mode: rolling", 56), ("mode: rolling, keep: 10d", 10)])
def test_a_rolling_reference_keeps_eight_weeks_unless_told(load, keys, days):
    config = load(with_reference(keys) + "columns: {timestamp: ts}\n")

    assert (config.reference.mode, config.reference.keep) == ("rolling", Duration(days=days))


@pytest.mark.parametrize("season", ["auto", "none", "hour", "week"])
def test_each_season_is_read(load, season):
    text = with_reference(f"season: {season}") + "columns: {timestamp: ts}\n"

    assert load(text).reference.season == season


@pytest.mark.parametrize("season", ["auto", "none"])
def test_these_seasons_need_no_time(load, season):
    assert load(with_reference(f"season: {season}")).reference.season == season


@pytest.mark.parametrize("text", ["off", "false"])
def test_min_effect_off_is_zero_everywhere(load, text):
    config = load((GOOD / "minimal.yaml").read_text() + f"alarms: {{min_effect: {text}}}\n")

    assert config.alarms.min_effect == MinEffect(sd=0, ks=0, share=0, ratio=0, error=0, correlation=0)


def test_min_effect_in_part_keeps_the_other_defaults(load):
    config = load((GOOD / "minimal.yaml").read_text() + "alarms: {min_effect: {ks: 0.2}}\n")

    assert config.alarms.min_effect == MinEffect(ks=0.2)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ('"1"', "1"), ("true", True), ("bad", "bad"), ("1.5", 1.5)]
)
def test_the_positive_class_keeps_its_type(load, text, value):
    config = load((GOOD / "minimal.yaml").read_text() + f"columns: {{positive: {text}}}\n")

    assert config.columns.positive == value
    assert type(config.columns.positive) is type(value)


def test_a_configuration_does_not_change(full):
    with pytest.raises(ValidationError):
        full.model = "other"
