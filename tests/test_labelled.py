"""What the labels of one window say of label shift, performance and concept drift."""

from dataclasses import replace

import numpy as np
import pytest

from monitor import labelled
from monitor.labelled import Detectors, decide, decision, describe, kinds, measured
from monitor.state import StreamState
from monitor.streams import BY_CLASS, BY_SCORE, ERROR
from monitor.types import Kind, Reason
from tests.run_model import REFERENCE_DAYS, Memory, days, model, not_replayed
from tests.test_streams import window

CLASSES = ("no", "yes")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    plan = model(tmp_path_factory.mktemp("labelled"), days(0, REFERENCE_DAYS), Memory(), Memory())
    return not_replayed(plan)


def judged(plan, found, *, final=True):
    return decide(plan, CLASSES, found, final=final)[0].decisions


def thinned(found, known: int):
    """Only so many rows have their label."""
    return replace(found, labels=np.where(np.arange(len(found.labels)) < known, found.labels, np.nan))


class TestKnown:
    def test_quiet_labels_are_quiet_in_every_kind(self, plan):
        found = judged(plan, window())
        assert set(found) == {Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT}
        assert all(each.known and each.quiet for each in found.values())

    def test_a_model_without_labels_has_no_such_kind(self, plan):
        budgets = {Kind.COVARIATE: 30.0, Kind.QUALITY: 30.0}
        assert kinds(replace(plan, budgets=budgets)) == ()

    @pytest.mark.parametrize(
        ("known", "final", "reason"),
        [
            (0, False, "no labels yet"),
            (0, True, "no labels"),
            (49, True, "49 labels, fewer than 50"),
            (999, False, "999 of 2000 rows have their label, fewer than half"),
        ],
    )
    def test_too_few_labels_are_unknown(self, plan, known, final, reason):
        found = judged(plan, thinned(window(), known), final=final)
        assert {each.reason for each in found.values()} == {reason}
        assert not any(each.known for each in found.values())

    @pytest.mark.parametrize(("known", "final"), [(1000, False), (50, True)])
    def test_half_of_the_rows_or_enough_at_the_end_are_judged(self, plan, known, final):
        assert all(each.known for each in judged(plan, thinned(window(), known), final=final).values())

    def test_a_window_of_few_rows_is_unknown_whatever_its_labels(self, plan):
        few = replace(window(rows=80), hits=frozenset({"concept"}))
        assert {each.reason for each in judged(plan, few).values()} == {"fewer rows than window.min_rows"}
        assert judged(plan, replace(window(rows=0)))[Kind.LABEL].reason == "no rows"

    def test_a_window_without_a_decision_awaits_its_labels(self):
        assert decision(window(), Kind.LABEL).reason == "no labels yet"


class TestErrors:
    def test_another_relation_is_concept_drift(self, plan):
        found = judged(plan, window(relation=-1.0))
        assert found[Kind.CONCEPT].material
        assert found[Kind.PERFORMANCE].material
        assert "error rose beyond what scores and class shares explain" in found[Kind.CONCEPT].reason

    def test_a_rise_that_the_inputs_explain_is_said_to_be_so(self, plan):
        rows = window(rows=16_000)
        hard = np.flatnonzero(np.abs(rows.scores[:, 0] - 0.5) < 0.2)
        found = judged(plan, rows_of(rows, hard))
        assert found[Kind.PERFORMANCE].material
        assert found[Kind.PERFORMANCE].reason.count("explained by inputs") == 1
        assert found[Kind.CONCEPT].quiet
        assert found[Kind.CONCEPT].reason == "the error moved, explained by inputs"

    def test_a_rise_that_the_class_shares_explain_is_said_to_be_so(self, tmp_path):
        """The model errs on one class alone, which becomes frequent; scores tell nothing."""
        rng = np.random.default_rng(1)

        def rows(frame, rare):
            y = rng.random(len(frame)) < rare
            pred = np.where(y & (rng.random(len(frame)) < 0.6), "no", np.where(y, "yes", "no"))
            return frame.assign(y=np.where(y, "yes", "no"), pred=pred)

        columns = (
            'timestamp: ts, id: id, prediction: pred, label: y, positive: "yes", features: {ignore: [proba]}'
        )
        plan = not_replayed(model(tmp_path, rows(days(0, REFERENCE_DAYS), 0.2), Memory(), columns=columns))
        live = rows(days(20, 4), 0.6)
        base = window(rows=len(live))
        found = replace(
            base,
            labels=(live["y"] == "yes").to_numpy(float),
            predictions=(live["pred"] == "yes").to_numpy(float),
            scores=np.zeros((len(live), 0), np.float32),
        )
        decisions = judged(plan, found)
        assert decisions[Kind.LABEL].material
        assert decisions[Kind.PERFORMANCE].reason.count("explained by class shares") == 1
        assert decisions[Kind.CONCEPT].quiet

    def test_a_rise_that_neither_explains_is_not_said_to_be_explained(self, plan):
        """Too few rows to show by themselves that the relation changed; none the less it did."""
        reasons = [
            judged(
                plan,
                replace(thinned(window(relation=0.2), known), hits=frozenset({"performance"})),
                final=True,
            )
            for known in (60, 80, 100)
        ]
        told = [found[Kind.PERFORMANCE].reason for found in reasons]
        assert all("error rose" in each for each in told)
        assert not any("explained" in each for each in told)

    def test_a_fall_opens_nothing(self, plan):
        found = judged(plan, window(relation=50.0))
        assert found[Kind.PERFORMANCE].quiet
        assert found[Kind.CONCEPT].quiet

    def test_both_residuals_must_have_risen(self, plan):
        tests = measured(plan, CLASSES, window(relation=-1.0)).tests
        found = measured(plan, CLASSES, window(relation=-1.0)).by_kind[Kind.CONCEPT][0].statistic
        weakest = max(tests[BY_SCORE], tests[BY_CLASS], key=lambda each: each.p_value)
        assert (found.detector, found.value, found.p_value) == (
            "mean_residual",
            weakest.mean,
            weakest.p_value,
        )
        assert tests[ERROR].mean > 0.2

    def test_without_a_prediction_there_is_no_error(self, plan):
        found = replace(window(), predictions=np.full(2000, np.nan))
        statistics = measured(plan, CLASSES, found).by_kind
        reasons = {each.statistic.detector: each.statistic.reason for each in statistics[Kind.CONCEPT]}
        assert reasons["mean_residual"] == reasons["adwin"] == Reason.NO_PREDICTION
        assert not judged(plan, found)[Kind.PERFORMANCE].known
        assert judged(plan, found)[Kind.LABEL].known


class TestHits:
    def test_what_the_stream_found_is_judged_though_few_labels_came(self, plan):
        few = thinned(window(relation=-1.0), 40)
        assert not judged(plan, few)[Kind.CONCEPT].known
        found = judged(plan, replace(few, hits=frozenset({"concept"})))
        assert (found[Kind.CONCEPT].known, found[Kind.CONCEPT].material) == (True, True)
        assert not found[Kind.LABEL].known

    def test_a_change_that_this_window_does_not_show_is_not_material(self, plan):
        found = judged(plan, replace(window(), hits=frozenset({"performance", "concept"})))
        assert not found[Kind.CONCEPT].material


class TestDescribe:
    def described(self, plan, found, streams=None, **options):
        return describe(
            plan, CLASSES, Detectors(plan.labelled), streams or {}, found, None, final=True, **options
        )

    def test_gives_what_was_measured_once(self, plan):
        decided, measurements = decide(plan, CLASSES, window(), final=True)
        again = describe(plan, CLASSES, Detectors(plan.labelled), {}, decided, measurements, final=True)
        assert again == self.described(plan, window())

    def test_statistics_without_labels_say_so(self, plan):
        found = self.described(plan, thinned(window(), 0))
        assert {each.reason for each in found.statistics} == {Reason.NO_LABELS}
        assert {each.reason for each in found.problems} == {Reason.NO_LABELS}
        assert {each.reason for each in found.performance} == {Reason.NO_LABELS}

    def test_a_window_of_few_rows_has_no_statistics(self, plan):
        found = self.described(plan, window(rows=80))
        assert (found.statistics, found.performance, found.norms) == ((), (), ())

    def test_the_value_of_the_stream_detector_is_where_its_stream_stands(self, plan):
        start = plan.labelled.stream.start
        streams = {name: StreamState("adwin", start[name]) for name in start}
        found = {
            (each.kind, each.detector): each for each in self.described(plan, window(), streams).statistics
        }
        assert found[Kind.PERFORMANCE, "adwin"].value == pytest.approx(0.0, abs=1e-9)
        assert found[Kind.PERFORMANCE, "mean_error"].value != found[Kind.PERFORMANCE, "adwin"].value

    def test_conflicts_are_told(self, plan):
        found = self.described(plan, replace(window(), conflicts=3))
        assert Reason.DUPLICATE_LABEL in {each.reason for each in found.problems}
        assert {each.reason for each in found.problems} <= labelled.REASONS


def rows_of(found, index):
    names = ("ids", "times", "predictions", "scores", "labels", "label_times")
    return replace(found, rows=len(index), **{name: getattr(found, name)[index] for name in names})
