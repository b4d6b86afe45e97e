"""Models of every shape, end to end: what a model file may ask for does what it says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.board import view_of
from monitor.cli.loading import load_models
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Snapshot
from monitor.store import Store
from monitor.web.pages import status_page
from tests.harness import Model, Ran, driftd, opened, statistic, verdict

START = pd.Timestamp("2024-01-01", tz="UTC")  # a Monday
REFERENCE_DAYS, ROWS = 28, 300
UNTIL = "2024-04-01T00:00Z"
NOW = START.to_pydatetime()

YAML = """
version: 1
model: model
reference: {{source: {{kind: files, path: reference.parquet}}}}
live: {{source: {{kind: files, path: live.parquet}}}}
columns: {{{columns}}}
window: {{length: 1d, min_rows: 100}}
{more}
"""
COLUMNS = "timestamp: ts, features: {numeric: [temp, wind], categorical: [sky]}"

Change = Callable[[pd.DataFrame], pd.DataFrame]


def rows(first_day: int, days: int) -> pd.DataFrame:
    """Weather in which nothing moves."""
    rng = np.random.default_rng(first_day)
    count = days * ROWS
    seconds = np.sort(rng.uniform(0, days * 86400, count))
    return pd.DataFrame(
        {
            "ts": (START + pd.Timedelta(days=first_day) + pd.to_timedelta(seconds, unit="s")).floor("us"),
            "id": np.arange(count) + first_day * ROWS,
            "temp": rng.normal(15, 5, count).round(3),
            "wind": rng.gamma(2, 3, count).round(3),
            "sky": rng.choice(["clear", "clouds", "rain"], count, p=[0.5, 0.3, 0.2]),
        }
    )


def live(days: int, last: int, change: Change) -> pd.DataFrame:
    """Live days, the last ones changed."""
    frames = [rows(REFERENCE_DAYS + day, 1) for day in range(days)]
    return pd.concat([*frames[: days - last], *map(change, frames[days - last :])])


def warmer(by: float) -> Change:
    return lambda frame: frame.assign(temp=frame["temp"] + by)


def day(number: int) -> str:
    return f"{START + pd.Timedelta(days=REFERENCE_DAYS + number):%Y-%m-%dT00:00:00Z}"


def ran(folder: Path, arriving: pd.DataFrame, more: str = "", columns: str = COLUMNS) -> Ran:
    model = Model(folder, YAML.format(columns=columns, more=more))
    model.write(reference=rows(0, REFERENCE_DAYS), live=arriving)
    found = model.once(UNTIL)
    assert found.code in {0, 1}, found.err
    return found


def realised(line: dict) -> dict[str, dict]:
    """What labels tell of the performance, by metric."""
    return {each["metric"]: each for each in line["performance"] if each["source"] == "realised"}


class TestFixedThresholds:
    MORE = "detectors: [{detector: ks, columns: [temp], threshold: 0.15}]"

    def test_at_or_above_it_the_alarm_opens(self, tmp_path):
        found = ran(tmp_path, live(2, 1, warmer(2.5)), self.MORE)
        ks = statistic(found.last[day(1)], "temp", "ks")
        assert ks["value"] >= 0.15
        assert (ks["threshold"], ks["drifted"]) == (0.15, True)
        assert opened(found.lines) == {"covariate": day(1)}

    def test_below_it_the_statistic_is_not_drifted_though_chance_would_not_do_this(self, tmp_path):
        more = "detectors: [{defaults: off}, {detector: ks, columns: [temp], threshold: 0.5}]"
        found = ran(tmp_path, live(2, 1, warmer(2.5)), more)
        ks = statistic(found.last[day(1)], "temp", "ks")
        assert ks["p_value"] < 1e-6
        assert not ks["drifted"]
        assert found.code == 0

    def test_it_is_outside_the_budget_and_outside_min_effect(self, tmp_path):
        """A fixed line opens where the budget's line, and the smallest effect, are far away."""
        more = (
            "detectors: [{detector: ks, columns: [temp], threshold: 0.001}]\n"
            "alarms: {false_alarms: 1 per 3650d, min_effect: {ks: 0.9, sd: 9}}"
        )
        found = ran(tmp_path, live(1, 0, warmer(0)), more)
        assert opened(found.lines) == {"covariate": day(0)}
        assert verdict(found.lines[-1], "covariate")["columns"] == ["temp"]

    def test_the_other_columns_keep_the_lines_of_the_budget(self, tmp_path):
        found = ran(tmp_path, live(1, 0, warmer(0)), self.MORE)
        wind = statistic(found.last[day(0)], "wind", "ks")
        assert 0.05 < wind["threshold"] < 0.15


class TestChoice:
    def test_without_the_defaults_only_what_is_listed_is_measured(self, tmp_path):
        more = "detectors: [{defaults: off}, {detector: wasserstein}, {detector: l2, columns: [sky]}]"
        found = ran(tmp_path, live(2, 1, warmer(5)), more)
        counted = {"constant", "type"}  # deterministic, and no part of the budget
        measured = {(each["column"], each["detector"]) for each in found.last[day(1)]["statistics"]}
        assert {each for each in measured if each[1] not in counted} == {
            ("temp", "wasserstein"),
            ("wind", "wasserstein"),
            ("sky", "l2"),
        }
        assert verdict(found.last[day(1)], "covariate")["columns"] == ["temp"]

    def test_what_is_listed_is_added_to_the_defaults(self, tmp_path):
        found = ran(tmp_path, live(1, 0, warmer(0)), "detectors: [{detector: hellinger, columns: [temp]}]")
        assert {each["detector"] for each in found.lines[0]["statistics"] if each["column"] == "temp"} >= {
            "psi",
            "ks",
            "hellinger",
        }

    @pytest.mark.parametrize(("effect", "code"), [("off", 1), ("{sd: 0.5, ks: 0.5}", 0)])
    def test_min_effect_says_what_is_worth_an_alarm(self, tmp_path, effect, code):
        found = ran(tmp_path, live(2, 1, warmer(2)), f"alarms: {{min_effect: {effect}}}")
        told = verdict(found.last[day(1)], "covariate")
        assert told["score"] >= 1
        assert told["severity"] == ("alarm" if code else "low")
        assert found.code == code


class TestPrivate:
    COLUMNS = "timestamp: ts, id: id, features: {numeric: [temp, wind], private: [sky, temp]}"
    SECRETS = ("Utopia", "Arcadia", "31337.25", "-31337.25")

    def test_its_values_stand_nowhere(self, tmp_path):
        def secret(frame: pd.DataFrame) -> pd.DataFrame:
            return frame.assign(sky="Utopia", temp=31337.25)

        reference = rows(0, REFERENCE_DAYS)
        reference["sky"] = reference["sky"].replace("rain", "Arcadia")
        reference.loc[0, "temp"] = -31337.25
        text = YAML.format(columns=self.COLUMNS, more="export: {detail: all}")
        model = Model(tmp_path, text).write(reference=reference, live=live(2, 1, secret))
        found = model.once(UNTIL, "--log-level", "debug")
        told = (
            driftd("status", "--state", model.state).out
            + driftd("once", model.path, "--state", model.state).out
        )
        assert verdict(found.last[day(1)], "covariate")["columns"] == ["temp"]
        assert "sky" in verdict(found.last[day(1)], "quality")["columns"]
        (config,) = load_models([model.path]).configs
        with Store.open(model.state) as store:
            board = Board(Snapshot().with_view(view_of(config, store, None, NOW)))
        metrics, _ = Exporter(board).render()
        page = status_page(board.current(), NOW)
        stored = b"".join(file.read_bytes() for file in tmp_path.glob("driftd.db*"))
        for secret_value in self.SECRETS:
            for place in (found.out, found.err, told, metrics.decode(), page.decode()):
                assert secret_value not in place
            assert secret_value.encode() not in stored


class TestFiles:
    """Without a timestamp every file is one window."""

    YAML = """
version: 1
model: batches
reference: {source: {kind: files, path: reference.csv}}
live: {source: {kind: files, path: "batches/*.csv"}}
columns: {features: {numeric: [temp, wind], categorical: [sky]}}
window: {min_rows: 100}
alarms: {false_alarms: 1 per 1000 windows}
"""

    @pytest.fixture
    def model(self, tmp_path) -> Model:
        (tmp_path / "batches").mkdir()
        model = Model(tmp_path, self.YAML, "batches")
        self.put(rows(0, REFERENCE_DAYS), tmp_path / "reference.csv")
        return model

    def put(self, frame: pd.DataFrame, path: Path) -> None:
        frame.drop(columns=["ts", "id"]).to_csv(path, index=False)

    def arrive(self, model: Model, *numbers: int, by: float = 0.0) -> None:
        for number in numbers:
            self.put(warmer(by)(rows(100 + number, 1)), model.folder / f"batches/{number:02}.csv")

    def test_files_are_windows_in_the_order_of_their_names_each_once(self, model):
        self.arrive(model, 2, 1)
        first = model.once()
        self.arrive(model, 3)
        second = model.once()
        names = [[Path(line["window"]["file"]).name for line in each.lines] for each in (first, second)]
        assert names == [["01.csv", "02.csv"], ["03.csv"]]
        assert all(line["window"]["start"] is None and line["window"]["end"] is None for line in first.lines)
        assert (first.code, second.code) == (0, 0)

    def test_an_alarm_opens_at_the_file_and_is_open_at_the_next_call(self, model):
        self.arrive(model, 1)
        self.arrive(model, 2, by=5)
        found = model.once()
        assert [verdict(line, "covariate")["state"] for line in found.lines] == ["ok", "alarm"]
        assert (found.code, model.once().code) == (1, 1)

    def test_a_budget_in_days_is_refused(self, model):
        model.path.write_text(self.YAML.replace("1000 windows", "30d"))
        found = model.once()
        assert found.code == 2
        assert (
            "a budget in time needs columns.timestamp; without it write one like 1 per 100 windows"
            in found.err
        )


class TestWeeks:
    def test_a_window_is_a_week_from_monday_in_the_models_zone(self, tmp_path):
        model = Model(
            tmp_path,
            YAML.format(columns=COLUMNS, more="").replace(
                "length: 1d", "length: 7d, timezone: Europe/Berlin, lateness: 2h"
            ),
        )
        model.write(reference=rows(0, REFERENCE_DAYS), live=live(63, 14, warmer(3)))
        found = model.once(UNTIL)
        starts = [line["window"]["start"] for line in found.lines]
        assert starts[:2] == ["2024-01-28T23:00:00Z", "2024-02-04T23:00:00Z"]
        assert found.lines[-1]["window"] == {  # the clock changes within it
            "start": "2024-03-24T23:00:00Z",
            "end": "2024-03-31T22:00:00Z",
            "file": None,
        }
        assert {line["rows"] for line in found.lines[1:-1]} <= set(range(2000, 2200))
        assert opened(found.lines) == {"covariate": "2024-03-17T23:00:00Z"}


class TestRegression:
    COLUMNS = "timestamp: ts, id: id, prediction: y_pred, label: y, features: {numeric: [temp, wind]}"

    def answered(self, frame: pd.DataFrame, *, slope: float = 2.0, offset: float = 0.0) -> pd.DataFrame:
        """The model knows `2 temp`; the truth may become another."""
        noise = np.random.default_rng(len(frame)).normal(0, 2, len(frame))
        truth = slope * frame["temp"] + offset + noise
        return frame.drop(columns="sky").assign(y_pred=2.0 * frame["temp"], y=truth)

    def told(self, folder: Path, change: Change) -> Ran:
        model = Model(folder, YAML.format(columns=self.COLUMNS, more=""))
        arriving = live(6, 3, lambda frame: frame.assign(last=1))
        quiet, moved = arriving[arriving["last"].isna()], arriving[arriving["last"].notna()]
        parts = [self.answered(quiet.drop(columns="last")), change(moved.drop(columns="last"))]
        model.write(reference=self.answered(rows(0, REFERENCE_DAYS)), live=pd.concat(parts))
        return model.once(UNTIL)

    def test_another_truth_is_a_concept_and_its_metrics_are_those_of_numbers(self, tmp_path):
        found = self.told(tmp_path, lambda moved: self.answered(moved, slope=1.0))
        alarms = opened(found.lines)
        assert {alarms["performance"], alarms["concept"]} <= {day(3), day(4)}
        assert "covariate" not in alarms
        metrics = realised(found.lines[0])
        assert set(metrics) == {"mae", "rmse", "bias"}
        assert metrics["rmse"]["lower"] <= 2.0 <= metrics["rmse"]["upper"]
        assert metrics["mae"]["reference"] == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.05)
        assert realised(found.last[day(5)])["bias"]["value"] == pytest.approx(15, rel=0.2)

    def test_warmer_days_that_the_model_understands_are_covariate_and_prediction_and_no_concept(
        self, tmp_path
    ):
        found = self.told(tmp_path, lambda moved: self.answered(warmer(5)(moved)))
        alarms = opened(found.lines)
        assert {alarms["covariate"], alarms["prediction"], alarms["label"]} == {day(3)}
        assert not {"performance", "concept"} & set(alarms)


class TestMulticlass:
    COLUMNS = (
        "timestamp: ts, id: id, prediction: y_pred, label: y, "
        "probability: {clear: p_clear, clouds: p_clouds, rain: p_rain}, features: {numeric: [temp, wind]}"
    )
    CLASSES = ("clear", "clouds", "rain")

    def answered(self, frame: pd.DataFrame, *, confused: bool = False) -> pd.DataFrame:
        """A calibrated forecast by temperature; confused, clear and rain have changed places."""
        rng = np.random.default_rng(int(frame["id"].iloc[0]))
        score = np.column_stack([frame["temp"] - 15, np.zeros(len(frame)), 15 - frame["temp"]]) / 3
        shares = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        truth = (rng.random((len(frame), 1)) > shares.cumsum(axis=1)).sum(axis=1)
        names = np.array(self.CLASSES)
        return frame.drop(columns="sky").assign(
            **{f"p_{name}": shares[:, code] for code, name in enumerate(self.CLASSES)},
            y_pred=names[shares.argmax(axis=1)],
            y=names[2 - truth if confused else truth],
        )

    def told(self, folder: Path, *, confused: bool) -> Ran:
        model = Model(folder, YAML.format(columns=self.COLUMNS, more=""))
        quiet = [self.answered(rows(REFERENCE_DAYS + number, 1)) for number in range(3)]
        moved = [self.answered(rows(REFERENCE_DAYS + number, 1), confused=confused) for number in range(3, 6)]
        model.write(reference=self.answered(rows(0, REFERENCE_DAYS)), live=pd.concat([*quiet, *moved]))
        return model.once(UNTIL)

    def test_classes_that_change_places_are_a_concept(self, tmp_path):
        found = self.told(tmp_path, confused=True)
        alarms = opened(found.lines)
        assert (alarms["performance"], alarms["concept"]) == (day(3), day(3))
        assert not {"covariate", "prediction", "quality"} & set(alarms)

    def test_its_metrics_and_class_shares_are_those_of_three_classes(self, tmp_path):
        found = self.told(tmp_path, confused=False)
        assert found.code == 0
        line = found.lines[0]
        metrics = {each["metric"]: each for each in line["performance"]}
        assert {"accuracy", "f1", "roc_auc", "log_loss", "brier"} <= set(metrics)
        for each in metrics.values():
            assert each["reason"] is None
            assert each["lower"] <= each["value"] <= each["upper"]
            assert each["lower"] <= each["reference"] <= each["upper"]
        assert set(line["class_shares"]["observed"]) == set(self.CLASSES)
        assert {each["kind"] for each in line["verdicts"]} == {
            "covariate", "prediction", "label", "performance", "concept", "quality",
        }  # fmt: skip
        assert {each["column"] for each in line["statistics"] if each["kind"] == "prediction"} == {
            "y_pred", "p_clear", "p_clouds", "p_rain",
        }  # fmt: skip
