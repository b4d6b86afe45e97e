import threading
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from export_samples import DAY, NOW, START, evaluation, full_snapshot, full_view, new_model, verdict, window

from monitor.export.snapshot import (
    Board,
    Durations,
    Outcome,
    Snapshot,
    after_error,
    after_evaluation,
    after_run,
    after_skip,
    new_view,
)
from monitor.export.view import why_provisional
from monitor.types import (
    DriftNorm,
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Stage,
    State,
    Statistic,
    StreamSummary,
    Window,
)


def seen(*evaluations, min_rows=200):
    view = new_view("flight-delay")
    for each in evaluations:
        view = after_evaluation(view, each, min_rows)
    return view


def by_kind(view):
    return {each.kind: each for each in view.verdicts}


def accuracy(value, reason=None):
    return (PerformanceMetric("accuracy", "realised", value, reason=reason),)


def test_counters_of_a_new_model_start_at_zero():
    view = new_view("m", kinds=[Kind.COVARIATE, Kind.QUALITY])
    assert view.runs == {Outcome.SUCCESS: 0, Outcome.FAILED: 0, Outcome.NO_DATA: 0}
    assert view.alarms_total == {Kind.COVARIATE: 0, Kind.QUALITY: 0}
    assert set(view.skipped.values()) == {0}


def test_nothing_in_a_view_can_be_changed():
    view = full_view()
    with pytest.raises(FrozenInstanceError):
        view.owner = "someone"
    with pytest.raises(TypeError):
        view.runs[Outcome.SUCCESS] = 7


def test_a_window_under_min_rows_leaves_the_statistics_and_gives_the_problems():
    few = Problem("", Reason.TOO_FEW_ROWS, "12 rows, 200 are needed")
    small = evaluation(
        1, rows=12, statistics=(), problems=(few,), verdicts=(verdict(Kind.COVARIATE, State.UNKNOWN),)
    )
    view = seen(evaluation(0), small)
    assert view.evaluation.window == window(0)
    assert view.statistics
    assert view.problems == (few,)
    assert view.window_end == window(1).end
    assert by_kind(view)[Kind.COVARIATE].state is State.UNKNOWN


def test_exactly_min_rows_are_enough():
    assert seen(evaluation(rows=200)).evaluation is not None
    assert seen(evaluation(rows=199)).evaluation is None


def test_a_restated_older_window_leaves_what_reads_rows():
    old = evaluation(0, restated=True, verdicts=(verdict(Kind.COVARIATE, State.ALARM),))
    new = evaluation(
        1,
        rows=500,
        statistics=(Statistic(Kind.COVARIATE, "temp", "psi", 0.01, 0.06),),
        verdicts=(verdict(Kind.COVARIATE),),
    )
    view = seen(new, old)
    assert view.evaluation.rows == 500
    assert by_kind(view)[Kind.COVARIATE].state is State.OK
    assert view.window_end == window(1).end


def test_labels_of_an_older_window_are_told_while_the_newer_one_awaits_its_own():
    waiting = evaluation(
        5,
        verdicts=(verdict(Kind.CONCEPT, State.UNKNOWN),),
        performance=accuracy(None, Reason.NO_LABELS),
        statistics=(Statistic(Kind.LABEL, "y", "psi", None, reason=Reason.NO_LABELS),),
        norms=(),
    )
    told = evaluation(
        2,
        restated=True,
        verdicts=(verdict(Kind.CONCEPT, State.ALARM),),
        performance=accuracy(0.6),
        statistics=(Statistic(Kind.LABEL, "y", "psi", 0.5, 0.02),),
        norms=(DriftNorm(Kind.LABEL, 1, 25, 25, 25),),
    )
    carried = replace(waiting, verdicts=(verdict(Kind.CONCEPT, State.UNKNOWN, alarm=True, since=START),))
    for order in ((waiting, told), (told, carried)):
        view = seen(*order)
        assert by_kind(view)[Kind.CONCEPT].state is State.ALARM
        assert view.performance[0].value == 0.6
        assert [each.value for each in view.statistics] == [0.5]
        assert [norm.kind for norm in view.norms] == [Kind.LABEL]


def test_an_alarm_that_was_closed_meanwhile_is_not_held_open_by_old_labels():
    told = evaluation(2, verdicts=(verdict(Kind.CONCEPT, State.ALARM),))
    accepted = evaluation(3, verdicts=(verdict(Kind.CONCEPT, State.UNKNOWN),))
    assert not seen(told, accepted).alarming


def test_of_two_windows_with_labels_the_later_in_event_time_holds():
    later = evaluation(3, verdicts=(verdict(Kind.CONCEPT),), performance=accuracy(0.8))
    restated = evaluation(
        1, restated=True, verdicts=(verdict(Kind.CONCEPT, State.ALARM),), performance=accuracy(0.6)
    )
    view = seen(later, restated)
    assert not by_kind(view)[Kind.CONCEPT].alarm
    assert view.performance[0].value == 0.8


def test_a_restated_window_replaces_itself():
    view = seen(
        evaluation(0, performance=accuracy(0.7)), evaluation(0, restated=True, performance=accuracy(0.9))
    )
    assert view.performance[0].value == 0.9


def test_a_metric_that_labels_show_to_be_undefined_is_not_held_at_its_old_value():
    view = seen(
        evaluation(0, performance=accuracy(0.7)), evaluation(1, performance=accuracy(None, Reason.ONE_CLASS))
    )
    assert view.performance[0].value is None


def test_unknown_rows_do_not_keep_an_old_verdict():
    view = seen(
        evaluation(0, verdicts=(verdict(Kind.COVARIATE),)),
        evaluation(1, verdicts=(verdict(Kind.COVARIATE, State.UNKNOWN, alarm=True, since=START),)),
    )
    assert by_kind(view)[Kind.COVARIATE].state is State.UNKNOWN
    assert view.alarming


def test_an_alarm_is_counted_once_however_often_it_is_said():
    again = (verdict(Kind.COVARIATE, State.ALARM),)
    view = seen(
        *(evaluation(day, verdicts=again) for day in range(4)), evaluation(2, restated=True, verdicts=again)
    )
    assert view.alarms_total[Kind.COVARIATE] == 1
    second = (verdict(Kind.COVARIATE, State.ALARM, since=START + 9 * DAY),)
    assert after_evaluation(view, evaluation(9, verdicts=second), 200).alarms_total[Kind.COVARIATE] == 2


def test_alarms_that_the_store_knows_are_not_counted_again():
    view = new_view("m", alarms=[(Kind.COVARIATE, START), (Kind.COVARIATE, START - DAY)])
    assert view.alarms_total[Kind.COVARIATE] == 2
    assert after_evaluation(view, evaluation(), 200).alarms_total[Kind.COVARIATE] == 2


def test_windows_of_files_follow_their_names():
    def file(name, rows):
        return evaluation(window=Window(None, None, name), rows=rows)

    view = seen(file("2024-02.parquet", 300), file("2024-01.parquet", 400))
    assert view.evaluation.rows == 300
    assert view.window_end is None


def test_the_stream_is_where_the_last_line_left_it():
    view = seen(
        evaluation(4, stream=StreamSummary(10, 0.1)),
        evaluation(2, restated=True, stream=StreamSummary(99, 0.2)),
    )
    assert view.stream == StreamSummary(99, 0.2)
    assert after_evaluation(view, evaluation(5, stream=None), 200).stream == StreamSummary(99, 0.2)


def test_promises_are_those_of_the_newest_window_that_has_some():
    first, second = ((Promise(Kind.COVARIATE, budget),) for budget in (0.5, 0.25))
    later, older = evaluation(4, promises=second), evaluation(2, restated=True, promises=first)
    assert seen(older).promises == first
    assert seen(older, later).promises == second
    assert seen(later, older).promises == second
    assert seen(later, evaluation(5, promises=())).promises == second
    assert seen(evaluation(promises=())).promises == ()


def test_the_order_of_promises_is_the_order_of_kinds():
    view = seen(evaluation(promises=tuple(Promise(kind, 0.25) for kind in reversed(Kind))))
    assert [each.kind for each in view.promises] == list(Kind)


def test_a_window_under_min_rows_still_tells_of_its_calibration():
    promises = (Promise(Kind.COVARIATE, 0.5),)
    assert seen(evaluation(rows=3, promises=promises)).promises == promises


def test_kinds_are_provisional_together_where_the_reason_is_the_same():
    promises = (
        Promise(Kind.COVARIATE, 0.5, provisional=True, reason="few"),
        Promise(Kind.PREDICTION, 0.5),
        Promise(Kind.LABEL, 0.5, provisional=True, reason="none"),
        Promise(Kind.QUALITY, 0.5, provisional=True, reason="few"),
    )
    assert why_provisional(promises) == {"few": (Kind.COVARIATE, Kind.QUALITY), "none": (Kind.LABEL,)}


def test_a_failed_run_leaves_the_results_and_the_last_success():
    view = after_run(full_view(), outcome=Outcome.FAILED, ended=NOW, errors=[(Stage.WORKER, Reason.CRASHED)])
    assert view.last_run == NOW
    assert view.last_success == NOW - timedelta(minutes=20)
    assert view.runs[Outcome.FAILED] == 1
    assert view.errors[Stage.WORKER, Reason.CRASHED] == 1
    assert view.evaluation == full_view().evaluation
    assert view.label_coverage == 0.5


def test_a_run_without_data_is_no_failure():
    view = after_run(new_model(), outcome=Outcome.NO_DATA, ended=NOW)
    assert view.last_success == NOW
    assert view.runs[Outcome.NO_DATA] == 1


def test_skips_and_errors_add_up():
    view = after_skip(after_skip(new_model(), Reason.OVERLAP), Reason.OVERLAP)
    assert view.skipped[Reason.OVERLAP] == 2
    view = after_error(after_error(view, Stage.STORE, Reason.STORE_FULL), Stage.STORE, Reason.STORE_FULL)
    assert view.errors == {(Stage.STORE, Reason.STORE_FULL): 2}


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.01, 0), (0.011, 1), (3600.0, 13), (9999.0, 14)])
def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_pass(seconds, bucket):
    durations = Durations().observe(seconds)
    assert durations.counts.index(1) == bucket
    assert sum(durations.counts) == 1
    assert durations.total == seconds


def test_a_reload_takes_models_away():
    assert set(full_snapshot().with_models([new_model()]).models) == {"churn"}


def test_a_bad_configuration_keeps_the_time_of_the_good_one():
    snapshot = full_snapshot().with_config(ok=False, at=NOW).with_error(Stage.CONFIG, Reason.CONFIG_INVALID)
    assert not snapshot.config_ok
    assert snapshot.config_time == START
    assert snapshot.errors == {(Stage.CONFIG, Reason.CONFIG_INVALID): 1}


def test_the_board_swaps_whole_snapshots():
    board = Board()
    before = board.current()
    board.publish(full_snapshot())
    assert before == Snapshot()
    assert set(board.current().models) == {"flight-delay", "churn"}


def test_changes_from_several_threads_all_count():
    board = Board(Snapshot().with_view(new_model()))

    def count():
        for _ in range(200):
            board.update(lambda now: now.with_view(after_skip(now.models["churn"], Reason.LEASED)))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert board.current().models["churn"].skipped[Reason.LEASED] == 800


def test_the_order_of_verdicts_is_the_order_of_kinds():
    view = seen(replace(evaluation(), verdicts=tuple(reversed(evaluation().verdicts))))
    assert [each.kind for each in view.verdicts] == list(Kind)
