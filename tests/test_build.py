"""A model file becomes a plan: the reference learned, or known again."""

from pathlib import Path

import pytest

from monitor.build import detector_parameters, resolve, source_parameters
from monitor.config.load import load_model
from monitor.config.schema import ModelConfig
from monitor.errors import BadReferenceError
from monitor.types import Kind, Reason
from tests.run_model import COLUMNS, REFERENCE_DAYS, days

YAML = """
version: 1
model: m
reference: {{source: {{kind: files, path: "*.parquet"}}, end: 2024-01-11T00:00Z}}
live: {{source: {{kind: files, path: "*.parquet"}}}}
columns: {{{columns}}}
{more}
"""


@pytest.fixture
def config(tmp_path: Path):
    def made(columns: str = COLUMNS, more: str = "") -> ModelConfig:
        path = tmp_path / "m.yaml"
        path.write_text(YAML.format(columns=columns, more=more), encoding="utf-8")
        return load_model(path, sources=source_parameters(), detectors=detector_parameters())

    days(0, REFERENCE_DAYS).to_parquet(tmp_path / "a.parquet", index=False)
    return made


class TestReference:
    def test_is_learned_once_and_then_known(self, config):
        first = resolve(config(), {}, 1)
        again = resolve(config(), {first.key: first.learned}, 1)
        assert again.learned is None
        assert again.key == first.key
        assert again.plan.reference.fingerprint == first.plan.reference.fingerprint

    def test_is_the_same_when_live_rows_come_to_its_files(self, config, tmp_path):
        first = resolve(config(), {}, 1)
        days(10, 2).to_parquet(tmp_path / "b.parquet", index=False)
        days(0, REFERENCE_DAYS + 3).to_parquet(tmp_path / "a.parquet", index=False)
        second = resolve(config(), {first.key: first.learned}, 1)
        assert second.key != first.key
        assert second.learned is not None
        assert second.plan.reference.fingerprint == first.plan.reference.fingerprint

    def test_is_another_where_its_rows_are_others(self, config, tmp_path):
        first = resolve(config(), {}, 1)
        days(0, REFERENCE_DAYS, x=1.0).to_parquet(tmp_path / "a.parquet", index=False)
        assert resolve(config(), {}, 1).plan.reference.fingerprint != first.plan.reference.fingerprint

    @pytest.mark.parametrize(
        ("columns", "more", "same"),
        [
            (COLUMNS, "owner: someone else", True),
            (COLUMNS, "schedule: {every: 2h}", True),
            (COLUMNS + ", features: {private: [colour]}", "", False),
            (COLUMNS, "alarms: {false_alarms: 1 per 7d}", False),
        ],
    )
    def test_is_another_where_what_is_asked_of_it_changes(self, config, columns, more, same):
        first, second = (resolve(made, {}, 1) for made in (config(), config(columns, more)))
        assert (first.key == second.key) is same
        assert (first.plan.reference.fingerprint == second.plan.reference.fingerprint) is same

    def test_without_a_named_column_is_refused(self, config):
        with pytest.raises(BadReferenceError, match="the reference has no column 'guess'"):
            resolve(config(COLUMNS.replace("prediction: pred", "prediction: guess")), {}, 1)


class TestDetectors:
    def chosen(self, config, more):
        plan = resolve(config(more=more), {}, 1).plan
        return {(each.column.name, each.detector.token): each for each in plan.tests}

    def test_one_more_is_on_the_columns_that_it_fits(self, config):
        found = self.chosen(config, "detectors: [{detector: wasserstein}]")
        assert {name for name, token in found if token == "wasserstein"} == {"x", "proba"}
        assert ("x", "psi") in found
        assert not found["x", "wasserstein"].default

    def test_a_threshold_is_the_users_own_line(self, config):
        found = self.chosen(config, "detectors: [{detector: ks, columns: [x], threshold: 0.15}]")
        assert (found["x", "ks"].fixed, found["proba", "ks"].fixed) == (0.15, None)
        assert found["x", "ks"].default

    def test_without_defaults_only_the_listed_ones_are_there(self, config):
        found = self.chosen(config, "detectors: [{defaults: off}, {detector: psi, columns: [x]}]")
        assert set(found) == {("x", "psi")}
        assert found["x", "psi"].default

    def test_one_that_does_not_fit_its_column_is_refused(self, config):
        with pytest.raises(BadReferenceError, match="ks does not fit the categorical column 'colour'"):
            self.chosen(config, "detectors: [{detector: ks, columns: [colour]}]")

    def test_missing_labels_are_awaited_and_no_fault(self, config):
        found = self.chosen(config, "")
        assert {token for name, token in found if name == "y"} == {"psi"}
        assert found["y", "psi"].kind is Kind.LABEL


def test_columns_that_the_reference_lacks_are_told(config, tmp_path):
    (tmp_path / "live").mkdir()
    days(10, 1, extra=1).to_parquet(tmp_path / "live" / "b.parquet", index=False)
    config()
    path = tmp_path / "m.yaml"
    own, other = (f'live: {{source: {{kind: files, path: "{path}' for path in ("*", "live/*"))
    text = path.read_text().replace(own, other)
    path.write_text(text, encoding="utf-8")
    found = load_model(path, sources=source_parameters(), detectors=detector_parameters())
    problems = resolve(found, {}, 1).plan.problems
    assert [(each.column, each.reason) for each in problems] == [("extra", Reason.ADDED_COLUMN)]
