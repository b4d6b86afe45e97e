from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alarms import advance, standing, verdict
from monitor.types import AlarmState, Decision, Kind, Severity, State, Window

START = datetime(2024, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
NONE = AlarmState()


def alarming(*columns, reason="temp moved", score=2.0):
    return Decision(
        Kind.COVARIATE, known=True, score=score, material=True, columns=columns or ("temp",), reason=reason
    )


QUIET = Decision(Kind.COVARIATE, known=True, score=0.3, quiet=True)
MIDDLING = Decision(Kind.COVARIATE, known=True, score=0.9, quiet=False)
UNKNOWN = Decision(Kind.COVARIATE, known=False, reason="12 rows, fewer than window.min_rows (200)")


def window(number, length):
    return Window(START + number * length, START + (number + 1) * length)


def run(decisions, length=24 * HOUR, memory=NONE):
    """The memory after each decision, one window after the other."""
    found = []
    for number, decision in enumerate(decisions):
        memory = advance(memory, window(number, length), decision, START)
        found.append(memory)
    return found


def opened(decisions, length=24 * HOUR):
    return [memory.open for memory in run(decisions, length)]


@pytest.mark.parametrize(
    ("score", "material", "opens"),
    [(1.0, True, True), (0.999, True, False), (5.0, False, False), (1.0, False, False), (None, True, False)],
)
def test_an_alarm_opens_at_score_one_where_the_effect_is_material(score, material, opens):
    decision = Decision(Kind.COVARIATE, known=True, score=score, material=material, quiet=not opens)
    assert run([decision])[0].open is opens


def test_the_alarm_is_open_since_the_start_of_its_window():
    memory = run([QUIET, alarming(), alarming()])[-1]
    assert memory.since == START + 24 * HOUR


@pytest.mark.parametrize(
    ("hours", "windows"),
    [(1, 24), (5, 5), (6, 4), (12, 2), (23, 2), (24, 2), (7 * 24, 2)],
)
def test_it_closes_after_24_hours_and_at_least_two_windows_under_the_line(hours, windows):
    after = opened([alarming(), *[QUIET] * (windows + 1)], hours * HOUR)
    assert after == [True, *[True] * (windows - 1), False, False]


@pytest.mark.parametrize("between", [alarming(), MIDDLING])
def test_one_window_at_the_line_starts_the_24_hours_again(between):
    after = opened([alarming(), *[QUIET] * 3, between, *[QUIET] * 4], 6 * HOUR)
    assert after == [*[True] * 8, False]


@pytest.mark.parametrize("hours", [6, 24])
def test_unknown_windows_carry_the_alarm_over(hours):
    assert opened([UNKNOWN, alarming(), *[UNKNOWN] * 30], hours * HOUR) == [False, *[True] * 31]


def test_the_time_of_unknown_windows_is_not_time_under_the_line():
    after = opened([alarming(), QUIET, UNKNOWN, UNKNOWN, QUIET, UNKNOWN, QUIET, QUIET], 6 * HOUR)
    assert after == [*[True] * 7, False]


def test_an_unknown_window_does_not_start_the_24_hours_again():
    assert opened([alarming(), QUIET, UNKNOWN, QUIET]) == [True, True, True, False]


def test_a_closed_alarm_leaves_no_memory_and_the_next_one_is_another():
    memories = run([alarming("temp"), QUIET, QUIET, alarming("dewp")])
    assert memories[2] == NONE
    assert memories[3].since == START + 72 * HOUR
    assert set(memories[3].column_since) == {"dewp"}


def test_each_column_has_the_time_at_which_it_joined():
    memory = run([alarming("temp"), alarming("dewp", "temp"), alarming("wind")])[-1]
    assert memory.column_since == {
        "temp": START,
        "dewp": START + 24 * HOUR,
        "wind": START + 48 * HOUR,
    }
    assert memory.since == START


def test_the_reason_is_the_newest_that_kept_it_open():
    memory = run([alarming(reason="temp moved"), alarming(reason="temp and dewp moved"), QUIET])[-1]
    assert memory.reason == "temp and dewp moved"


@pytest.mark.parametrize("quiet", [1, 2, 3])
def test_windows_of_files_open_at_their_tick_and_close_after_two(quiet):
    memory = advance(NONE, Window(None, None, "a.parquet"), alarming(), START + HOUR)
    assert memory.since == START + HOUR
    assert memory.column_since == {"temp": START + HOUR}
    for number in range(quiet):
        memory = advance(memory, Window(None, None, f"{number}.parquet"), QUIET, START + 2 * HOUR)
    assert memory.open is (quiet < 2)


def test_an_unknown_file_changes_nothing():
    memory = advance(NONE, Window(None, None, "a"), alarming(), START)
    memory = advance(memory, Window(None, None, "b"), QUIET, START)
    assert advance(memory, Window(None, None, "c"), UNKNOWN, START) == memory


decisions = st.lists(st.sampled_from([alarming(), alarming("dewp"), QUIET, MIDDLING, UNKNOWN]), max_size=40)


@given(decisions, st.sampled_from([1, 6, 24]))
def test_an_alarm_is_one_from_open_to_close(found, hours):
    memory = NONE
    for number, decision in enumerate(found):
        at = window(number, hours * HOUR)
        after = advance(memory, at, decision, START)
        if memory.open and after.open:
            assert after.since == memory.since
            assert memory.column_since.items() <= after.column_since.items()
        if after.open and not memory.open:
            assert after.since == at.start
        if memory.open and not after.open:
            assert decision.quiet
            assert at.end - memory.since > 24 * HOUR
        assert after.open or after == NONE
        memory = after


class TestVerdict:
    def test_ok(self):
        told = verdict(NONE, QUIET)
        assert (told.state, told.alarm, told.severity) == (State.OK, False, Severity.NONE)
        assert (told.since, told.columns, told.column_since, told.reason) == (None, (), {}, "")

    def test_significant_but_not_material_is_low(self):
        decision = Decision(
            Kind.LABEL, True, 1.0, 30.0, False, True, ("y",), "y moved; smaller than min_effect"
        )
        told = verdict(advance(NONE, window(0, HOUR), decision, START), decision)
        assert (told.state, told.alarm, told.severity, told.material) == (
            State.OK,
            False,
            Severity.LOW,
            False,
        )
        assert (told.score, told.days_by_chance, told.columns) == (1.0, 30.0, ("y",))
        assert told.reason == "y moved; smaller than min_effect"

    def test_alarm(self):
        memory = run([alarming()])[-1]
        told = verdict(memory, alarming())
        assert (told.state, told.alarm, told.severity, told.material) == (
            State.ALARM,
            True,
            Severity.ALARM,
            True,
        )
        assert (told.since, told.columns, told.reason) == (START, ("temp",), "temp moved")

    def test_an_open_alarm_in_a_quiet_window_says_since_when_and_why(self):
        memory = run([alarming(), QUIET])[-1]
        told = verdict(memory, QUIET)
        assert (told.state, told.alarm, told.score) == (State.ALARM, True, 0.3)
        assert told.columns == ("temp",)
        assert (
            told.reason == "open since 2024-02-10T00:00:00Z: temp moved; this window alone is under the line"
        )

    def test_an_open_alarm_in_an_unknown_window_stays_and_says_why(self):
        memory = run([alarming(), UNKNOWN])[-1]
        told = verdict(memory, UNKNOWN)
        assert (told.state, told.alarm, told.score) == (State.UNKNOWN, True, None)
        assert told.reason == (
            "open since 2024-02-10T00:00:00Z: temp moved; "
            "now unknown: 12 rows, fewer than window.min_rows (200)"
        )

    def test_unknown_without_an_alarm_is_never_ok(self):
        told = verdict(NONE, UNKNOWN)
        assert (told.state, told.alarm, told.severity, told.score) == (
            State.UNKNOWN,
            False,
            Severity.NONE,
            None,
        )
        assert told.reason == UNKNOWN.reason


def test_a_verdict_that_was_told_before_the_alarm_opened_shows_it_as_it_stands():
    memory = AlarmState(START, {"temp": START}, "temp moved")
    for told in (UNKNOWN, QUIET):
        found = standing(verdict(NONE, told), memory)
        assert found.reason == "open since 2024-02-10T00:00:00Z: temp moved"
        assert (found.columns, found.score) == (("temp",), told.score)
        as_ever = verdict(memory, told)
        assert replace(found, reason="") == replace(as_ever, reason="")


def test_a_verdict_that_was_told_before_the_alarm_closed_shows_none():
    memory = AlarmState(START, {"temp": START}, "temp moved")
    found = standing(verdict(memory, alarming()), NONE)
    assert (found.state, found.alarm, found.severity, found.since) == (State.OK, False, Severity.LOW, None)


def test_a_verdict_stays_whose_alarm_stands():
    told = verdict(AlarmState(START, {"temp": START}, "temp moved"), alarming())
    assert standing(told, AlarmState(START, {}, "")) is told
